"""Policy training in one process, on a CPU or a GPU.

`stage` sets a stage up from its recipe; `loop` is `rollout`, reward, advantage, `update` of the `policy`,
within `budgets` for what may go wrong; `figures` and `equity` are what is logged of a step.
"""

from training.local.stage import run_policy

__all__ = ["run_policy"]
