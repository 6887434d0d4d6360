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
    """The first of these that fits."""
    import torch

    text, reason = str(error), _reason(error)
    no_memory = f"{given}: {what} does not fit in memory: --dtype bfloat16, more GPUs, or a server"
    in_part = (
        f"{given}: parts that make up one weight are missing: save all of the model, or copy what is not here"
    )
    pickled = f"{given}: a .bin file holds more than tensors and is not opened: take safetensors"
    damaged = f"{given}: a .bin file is damaged ({reason}): copy or download it again"
    about_attention = any(word in text.lower() for word in ("flash", "attn_implementation"))
    flag = f"--attention {attention}" if attention is not None else given
    told: tuple[tuple[bool, HarnessError], ...] = (
        ("trust_remote_code" in text, wants_code(given)),
        (
            about_attention or (attention is not None and "attention" in text),
            UsageError(f"{flag}: {reason}: --attention sdpa or eager"),
        ),
        (isinstance(error, MemoryError | torch.OutOfMemoryError), HarnessError(no_memory)),
        ("conversion of the weights" in text, HarnessError(in_part)),
        ("Weights only load failed" in text, HarnessError(pickled)),
        ("PytorchStreamReader" in text, HarnessError(damaged)),
        (isinstance(error, ImportError), HarnessError(f"{given}: {what} needs a package: {reason}; or {mend}")),
    )
    other = HarnessError(f"{given}: {what} cannot be loaded ({type(error).__name__}: {reason}): {mend}")
    return next((line for fits, line in told if fits), other)


def _reason(error: Exception) -> str:
    """The first sentence of what was said, and the second where both are short."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    if lines[0].endswith(":") and len(lines) > 1:
        lines = [" ".join(lines[:2]), *lines[2:]]
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
