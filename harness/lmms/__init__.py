"""lmms-eval as a neighbour: its tasks through our runs, our tasks and models through its evaluator.

`export` writes our tasks as a folder for its `--include_path`, `scoring` is what such a folder calls, `model`
is our backends as one of its models.
"""
