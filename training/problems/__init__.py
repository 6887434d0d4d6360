"""Problems of training data: rows that name their own type, and the scorers that only such data needs.

The door is `problem_scorer`: problem type and row → scorer and target. `table` lists the types. Where a
benchmark's rule judges the same thing (choices, mathematics, boxes) it is that rule. Here are the others:
`rouge` and `word_error_rate` judge a whole text (found by `passage`), `relative_accuracy` a number. `options`
and `places` make targets of what a row holds, or refuse it in one line.
"""

from training.problems.problem import Problem, ProblemError
from training.problems.table import (
    PROBLEM_TYPES,
    ProblemType,
    gold_value,
    plain_name,
    problem_scorer,
    problem_type,
)

__all__ = [
    "PROBLEM_TYPES",
    "Problem",
    "ProblemError",
    "ProblemType",
    "gold_value",
    "plain_name",
    "problem_scorer",
    "problem_type",
]
