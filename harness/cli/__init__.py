"""The command line: `harness VERB …`. `verbs` has the table of verbs; one is imported only when it is used."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.cli.verbs import VERBS, load

__all__ = ["VERBS", "main"]

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
        print(_USAGE.format(verbs="\n".join(f"  {name:<10}{verb.what}" for name, verb in VERBS.items())))
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        from harness.version import __version__

        print(f"harness {__version__}")
        return 0
    return _run(arguments[0], arguments[1:], debug)


def _run(verb: str, arguments: list[str], debug: bool) -> int:
    from inspect import cleandoc

    from harness.cli.common import Parser, Runner
    from harness.cli.signals import interruptible
    from harness.errors import Exit, HarnessError, UsageError, named, nearest
    from harness.shadowing import refuse_shadowed

    try:
        refuse_shadowed()
        if verb not in VERBS:
            raise UsageError(f"unknown verb {verb!r}{nearest(verb, VERBS)}")
        declare = load(VERBS[verb].defined)
        parser = Parser(prog=f"harness {verb}", description=cleandoc(declare.__doc__))
        run: Runner = declare(parser)
        with interruptible():
            return run(parser.parse_args(arguments))
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
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and error.filename is not None:
            said = f"{error.filename}: {error.strerror}"
        elif isinstance(error, OSError) and error.strerror:
            said = f"the system says: {error.strerror}; --debug shows where"
        else:
            said = f"unexpected {named(error)}; --debug shows the traceback: please report it"
        print(f"harness {verb}: {said}", file=sys.stderr)
        return int(Exit.FAILED)
