"""Policy training in one process, on a CPU or a GPU.

`stage.run_policy` sets a stage up from its recipe; `loop` is `rollout`, reward, advantage, `update` of the
`policy`, within `budgets` for what may go wrong; `figures` and `equity` are what is logged of a step.
"""
