"""What is trained on: problems from a file or from the tasks' rows, the stream of prompts, supervised examples.

`load` reads the problems of a recipe: those of `file_problems` (rows in OneThinker's or EasyR1's format, read
as `row_format` says) or of `dataset` (the tasks' own). `prompt_stream` deals them to policy training. For the
cold start `examples` makes batches of the answers that `gold` writes or of a file's `demonstrations`.
"""

from training.data.dataset import load_problems
from training.data.file_problems import load_file
from training.data.prompt_stream import Problems, PromptStream
from training.data.row_format import RowFormat

__all__ = ["Problems", "PromptStream", "RowFormat", "load_file", "load_problems"]
