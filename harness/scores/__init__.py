"""From responses to numbers: verdicts, metrics with their intervals, `results.json`, the table.

`judging` scores one response and `scoring` many, `verdicts` keeps what came out, `aggregate` makes metrics of
it with the intervals of `stats`, `results` is what a run found, `table` shows it. Nothing here knows how a run
is made.
"""

from harness.scores.beside import task_result
from harness.scores.judging import judge
from harness.scores.results import Results, TaskResult, read_results
from harness.scores.scoring import score_rows
from harness.scores.stats import Estimate, paired_interval
from harness.scores.verdicts import Verdict, Verdicts

__all__ = [
    "Estimate",
    "Results",
    "TaskResult",
    "Verdict",
    "Verdicts",
    "judge",
    "paired_interval",
    "read_results",
    "score_rows",
    "task_result",
]
