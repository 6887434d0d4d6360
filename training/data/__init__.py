"""What is trained on: problems from a file or from the tasks' rows, the stream of prompts, supervised examples.

`dataset` reads problems, `prompt_stream` deals them to policy training, `examples` makes batches for the cold
start of the answers that `gold` writes.
"""

from training.data.dataset import load_file, load_problems
from training.data.prompt_stream import Problems, PromptStream

__all__ = ["Problems", "PromptStream", "load_file", "load_problems"]
