"""The verbs of the command line, in one table: where each is defined, and one line of what it does.

This package imports nothing of `training` and `reports`: their verbs are found here by name, when they are
used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple


class Verb(NamedTuple):
    """One verb."""

    defined: str
    """`module:function`. The function takes a parser, adds the verb's flags, and returns what runs the verb."""
    what: str


VERBS: dict[str, Verb] = {
    "eval": Verb("harness.cli.eval:evaluate", "evaluate a model on benchmarks, or continue a run"),
    "controls": Verb(
        "harness.cli.controls:controls", "evaluate with images or options changed, and what it costs"
    ),
    "import": Verb(
        "harness.cli.import_log:import_log", "make a run of another tool's log, beside its own verdicts"
    ),
    "score": Verb("harness.cli.score:score", "score a file of responses, or a run again without its model"),
    "merge": Verb("harness.cli.merge:merge", "join the shards of a run"),
    "report": Verb("reports.cli.report:report", "make one HTML file of runs, or print their table"),
    "compare": Verb("reports.cli.compare:compare", "compare runs with a baseline on the same samples"),
    "view": Verb("reports.cli.view:view", "serve a folder of runs to this machine's browser"),
    "train": Verb("training.cli:train", "train a model with the tasks' scorers"),
    "ls": Verb("harness.cli.ls:ls", "list tasks, suites, models or runs"),
    "show": Verb("harness.cli.show:show", "show a task: source, prompt, metrics, rules, limits"),
    "validate": Verb("harness.cli.validate:validate", "check a task from its rows to its scores"),
    "new": Verb("harness.cli.new:new", "write a task of your own to begin with: a plugin, its test, rows"),
    "data": Verb("harness.cli.data:data", "fetch and check the benchmarks' data"),
    "export": Verb("harness.cli.export:export", "write benchmarks as tasks of lmms-eval"),
    "doctor": Verb("harness.cli.doctor:doctor", "check this installation, one line a finding"),
}

RUN_REPORT = "reports.build:write_run_report"
"""What `harness eval` calls with the folder of a complete run, and a `Progress`."""

QUESTIONS = "training.data.overlap:questions"
"""What gives the questions of a data set by its name, for `harness data overlap`."""


def load(defined: str) -> Any:
    """The function that `module:function` names."""
    module, _, name = defined.partition(":")
    return getattr(import_module(module), name)
