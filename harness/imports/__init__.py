"""Logs of other tools: read as responses with their data set rows, and made into runs.

`read_log` knows the files by their form: lmms-eval's `--log_samples`, VLMEvalKit's prediction tables and
inspect's `.eval` logs. `importing` makes a run of one; `differences` says where the tool and we part.
"""

from harness.imports.joined import joined
from harness.imports.logged import Log, Logged
from harness.imports.reading import read_log

__all__ = ["Log", "Logged", "joined", "read_log"]
