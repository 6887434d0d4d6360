"""Predictions that other tools wrote, read as responses with their data set rows.

`read_log` knows the files by their form: lmms-eval's `--log_samples` and VLMEvalKit's prediction tables.
"""

from harness.imports.joined import joined
from harness.imports.logged import Logged
from harness.imports.reading import read_log

__all__ = ["Logged", "joined", "read_log"]
