"""The command line: `harness VERB …`, one module a verb, imported only when that verb is used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

VERBS: dict[str, str] = {
    "eval": "evaluate a model on benchmarks, or continue a run",
    "score": "score a file of responses, or a run again without its model",
    "report": "make one HTML file of runs, or print their table",
    "compare": "compare two runs on the same samples",
    "view": "serve a folder of runs to this machine's browser",
    "train": "train a model with the tasks' scorers",
    "ls": "list tasks, suites, models or runs",
    "show": "show a task: source, prompt, metrics, rules, limits",
    "validate": "check a task from its rows to its scores",
    "data": "fetch and check the benchmarks' data",
    "doctor": "check this installation, one line a finding",
}
"""Verb → what it does. Each is `harness.cli.VERB` with `add_arguments(parser)` and `run(args)`."""

_USAGE = """\
usage: harness VERB …

Evaluates vision-language models on 18 benchmarks and trains them with the very same scorers.

{verbs}

Every verb has --help, and --debug for a traceback in place of a one-line error.
In a hurry: harness eval --model tiny --suite all --data synthetic"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_USAGE.format(verbs="\n".join(f"  {verb:<10}{what}" for verb, what in VERBS.items())))
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        from harness import __version__

        print(f"harness {__version__}")
        return 0
    return _run(arguments[0], arguments[1:], debug)


def _run(verb: str, arguments: list[str], debug: bool) -> int:
    from harness.cli.common import Parser, foreign_package
    from harness.errors import Exit, HarnessError, UsageError, nearest

    try:
        if (line := foreign_package()) is not None:
            raise UsageError(line)
        if verb not in VERBS:
            raise UsageError(f"unknown verb {verb!r}{nearest(verb, VERBS)}")
        module = import_module(f"harness.cli.{verb}")
        parser = Parser(prog=f"harness {verb}", description=module.__doc__)
        module.add_arguments(parser)
        code: int = module.run(parser.parse_args(arguments))
        return code
    except HarnessError as error:
        if debug:
            raise
        print(f"harness {verb}: {error}", file=sys.stderr)
        return int(error.code)
    except KeyboardInterrupt:
        if debug:
            raise
        print(f"harness {verb}: interrupted; the same command continues", file=sys.stderr)
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has gone; Python must not complain again while it flushes at exit.
        sys.stdout = None
        return int(Exit.FAILED)
    except OSError as error:
        if debug or error.filename is None:
            raise
        print(f"harness {verb}: {error.filename}: {error.strerror}", file=sys.stderr)
        return int(Exit.FAILED)
