"""A run: a folder of plain files, what fills it and what judges it again.

`plan` turns rows into requests, `model` loads the model beside it where one is needed, `engine` asks, journals
and scores, `rescoring` scores a run again from its files. Each file of the folder has its module: `identity`
(`run.json`), `items`, `media` (`images/`), `journal` (`samples/`), `lock`, and `replaced` for a run that
`--fresh` moves aside.
"""

from harness.run.engine import execute
from harness.run.identity import read_run
from harness.run.rescoring import rescore, score_run

__all__ = ["execute", "read_run", "rescore", "score_run"]
