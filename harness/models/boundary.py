"""Where third parties' code reads third parties' files: whatever it raises becomes one line with the next step.

`--debug` shows the traceback.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import HarnessError, UsageError

REASON = 160
"""Characters of a third party's reason up to which a second sentence is told too."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without what transformers and PEFT print: whatever matters of it is said in one line here."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)


@contextmanager
def one_line(given: str, what: str, mend: str, attention: str | None = None) -> Iterator[None]:
    """Turn whatever third parties' code raises into one line: what it was about, and what to do."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        raise _explained(error, given, what, mend, attention) from error


def _explained(error: Exception, given: str, what: str, mend: str, attention: str | None) -> HarnessError:
    import torch

    reason = _reason(error)
    if "trust_remote_code" in str(error):
        return wants_code(given)
    if "flash" in str(error).lower() or "attn_implementation" in str(error):
        return UsageError(f"{given}: {reason}: --attention sdpa or eager")
    if attention is not None and "attention" in str(error):
        return UsageError(f"--attention {attention}: {reason}")
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return HarnessError(f"{given}: {what} does not fit in memory: --dtype bfloat16, more GPUs, or a server")
    if isinstance(error, ImportError):
        return HarnessError(f"{given}: {what} needs a package: {reason}; or {mend}")
    return HarnessError(f"{given}: {what} cannot be loaded ({type(error).__name__}: {reason}): {mend}")


def _reason(error: Exception) -> str:
    """The first sentence of what was said, and the second where both are short."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    sentences = re.split(r"(?<=[.!?])\s+", lines[0])
    two = " ".join(sentences[:2])
    whole = len(lines) == 1 or two.endswith((".", "`"))
    said = two if len(two) <= REASON and whole else sentences[0]
    return said[: 2 * REASON].rstrip(". ")


def wants_code(given: str) -> UsageError:
    """A checkpoint whose code would have to be run."""
    return UsageError(
        f"{given} wants to run code of its own: read its *.py files and allow it with --trust-remote-code, "
        "or serve it elsewhere and use --backend openai"
    )
