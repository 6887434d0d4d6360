"""Runs compared with a baseline on the same samples.

`pairing` finds what may be compared, `statistics` has the tests and the bootstrap, `runs` compares,
`comparison` is what was found and which of it counts as a change, `table` shows it as text.
"""

from harness.compare.comparison import Comparison, changes
from harness.compare.runs import compare_runs, compare_sides, compare_with

__all__ = ["Comparison", "changes", "compare_runs", "compare_sides", "compare_with"]
