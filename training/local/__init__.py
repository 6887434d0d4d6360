"""Policy training in one process, on a CPU or a GPU.

`stage.run_policy` sets a stage up from its recipe; `loop` is rollout, reward, advantage, `update` of the
`policy`; `equity` is each family's share of the gradient.
"""
