"""lmms-eval as a neighbour: its tasks through our runs, our tasks and models through its evaluator.

`catalogue` reads what lmms-eval has from its files, and `tasks` makes one of its tasks one of ours. `child` is
the process in which its own code works (prompts, verdicts, aggregations), and `worker` the program there.
`export` writes our tasks as a folder for its `--include_path`, `scoring` is what such a folder calls, `model`
is our backends as one of its models.
"""

from harness.lmms.catalogue import PREFIX, Catalogue
from harness.lmms.tasks import lmms_task

__all__ = ["PREFIX", "Catalogue", "lmms_task"]
