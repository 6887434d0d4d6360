"""What a server said: a completion, or what kind of failure it was."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Literal

from harness.models.opened import begins_thinking
from tasks.types import Response

LARGEST = 64 * 2**20
"""Bytes of a reply that are read."""
MOST_TOKENS = 10**8
"""More tokens than any response has: such a count is a mistake and is not kept."""
SHOWN = 200
"""Characters of a reply that an error repeats."""


class Kind(Enum):
    """What a failed attempt says about the server."""

    DOWN = auto()
    """It is not there: no connection, or a gateway without a server behind it."""
    BUSY = auto()
    """It wants fewer requests (429)."""
    PASSING = auto()
    """Something that may pass: tried again."""
    REFUSED = auto()
    """This request gets no answer (400, 413, 422 …)."""
    FORBIDDEN = auto()
    """A 403: this request's content, or all of them."""
    HOPELESS = auto()
    """Wrong key, wrong address, no such model, nothing paid: what every request gets."""


_KINDS = {
    **dict.fromkeys((408, 409, 425, 500), Kind.PASSING),
    **dict.fromkeys((502, 503, 504, 529), Kind.DOWN),
    **dict.fromkeys((401, 402, 404, 405, 407), Kind.HOPELESS),
    403: Kind.FORBIDDEN,
    429: Kind.BUSY,
}


def kind_of(status: int) -> Kind:
    """What an HTTP status other than 200 says."""
    default = Kind.HOPELESS if 300 <= status < 400 else Kind.PASSING if status >= 500 else Kind.REFUSED
    return _KINDS.get(status, default)


class AttemptError(Exception):
    """One attempt got no answer.

    Args:
        message: in one line, without secrets.
        kind: what it says about the server.
        wait: seconds that the server asked to wait.
        status: the HTTP status, where there was one.
        said: the reply's text.
        reply: the same as JSON, where it is.
    """

    def __init__(
        self,
        message: str,
        kind: Kind,
        *,
        wait: float = 0.0,
        status: int | None = None,
        said: str = "",
        reply: object = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.wait, self.status, self.said, self.reply = kind, wait, status, said, reply


def failure(
    name: str, status: int, raw: bytes, headers: Mapping[str, str], secrets: tuple[str, ...] = ()
) -> AttemptError:
    """What a reply with another status than 200 means.

    Args:
        name: of the server, for the message.
        status: of the reply.
        raw: its body.
        headers: its headers.
        secrets: texts that the error must not repeat, whole or cut.
    """
    raw = _hidden(raw, secrets)
    reply = _json(raw)
    said = _said(raw, reply)
    kind = kind_of(status)
    if status == 429 and _codes(reply) & {"insufficient_quota", "billing_hard_limit_reached"}:
        kind = Kind.HOPELESS
    moved = f" to {headers['Location']}: give that as --base-url" if "Location" in headers else ""
    wait = asked_wait(headers.get("Retry-After"), headers.get("Date"))
    return AttemptError(
        f"{name}: HTTP {status}{moved}: {said[:SHOWN]}", kind, wait=wait, status=status, said=said, reply=reply
    )


def asked_wait(header: str | None, date: str | None = None) -> float:
    """Seconds that `Retry-After` asks to wait; 0 where it says nothing that can be read.

    Args:
        header: a number of seconds, or an HTTP date (RFC 9110, section 10.2.3).
        date: the reply's own `Date`, by which a date is measured: the server's clock may be another.
    """
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            until = parsedate_to_datetime(header).timestamp()
        except (ValueError, TypeError, OverflowError):
            return 0.0
        seconds = until - _time_of(date)
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _time_of(date: str | None) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() if date is not None else time.time()
    except (ValueError, TypeError, OverflowError):
        return time.time()


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw) if len(raw) < 2**20 else None
    except (ValueError, RecursionError):
        return None


def _said(raw: bytes, reply: object) -> str:
    """The message of an error, or the whole body, in one line."""
    error = reply.get("error", reply) if isinstance(reply, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    text = message if isinstance(message, str) and message else raw[:4000].decode(errors="replace")
    return " ".join(text[:4000].split())


def _codes(reply: object) -> set[str]:
    error = reply.get("error", reply) if isinstance(reply, dict) else None
    values = (error.get("code"), error.get("type")) if isinstance(error, dict) else ()
    return {value for value in values if isinstance(value, str)}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of a response beside the reply."""

    sizes: tuple[tuple[int, int], ...]
    """(width, height) in pixels of each image as sent."""
    latency: float
    """Seconds from the request to the last byte."""


def completion(name: str, raw: bytes, shown: Shown, secrets: tuple[str, ...] = ()) -> Response:
    """The response that a reply with status 200 holds.

    Raises:
        AttemptError: it holds none, though the status says so: an error object, no choices, no message, no
            JSON. Proxies say so where a server behind them failed, so it may pass. It repeats no secret.
    """
    try:
        return _completion(name, raw, shown)
    except AttemptError:
        if any(secret.encode() in raw for secret in secrets):
            return _completion(name, _hidden(raw, secrets), shown)
        raise


def _completion(name: str, raw: bytes, shown: Shown) -> Response:
    try:
        reply = json.loads(raw)
    except (ValueError, RecursionError) as broken:
        raise _none(name, raw, None, f"{type(broken).__name__}") from None
    if not isinstance(reply, dict):
        raise _none(name, raw, reply, "no object")
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    error = reply.get("error") or (choice.get("error") if isinstance(choice, dict) else None)
    if error:
        raise _passed_on(name, raw, reply, error)
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise _none(name, raw, reply, "no message")
    reason = _reason(choice.get("finish_reason"))
    if reason is None:
        raise _none(name, raw, reply, f"finish_reason {choice.get('finish_reason')!r}")
    text = _text(message.get("content"))
    if text is None:
        raise _none(name, raw, reply, f"content is {type(message.get('content')).__name__}")
    refusal = message.get("refusal")
    text = text or (refusal if isinstance(refusal, str) else "")
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        text = _with_reasoning(reasoning, text, cut=reason == "length")
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    asked, answered = (_count(counts.get(key)) for key in ("prompt_tokens", "completion_tokens"))
    return Response(text, reason, asked, answered, shown.latency, shown.sizes)


def _none(name: str, raw: bytes, reply: object, why: str) -> AttemptError:
    said = " ".join(raw[:SHOWN].decode(errors="replace").split())
    return AttemptError(f"{name}: not a chat completion ({why}): {said}", Kind.PASSING, status=200, reply=reply)


def _passed_on(name: str, raw: bytes, reply: object, error: object) -> AttemptError:
    """An error in a reply with status 200: of the kind that its own code says, but never a downtime."""
    said = _said(raw, reply if isinstance(reply, dict) and reply.get("error") else {"error": error})
    code = error.get("code") if isinstance(error, dict) else None
    status = int(str(code)) if re.fullmatch(r"[45]\d\d", str(code)) else 500
    kind = Kind.PASSING if kind_of(status) is Kind.DOWN else kind_of(status)
    message = f"{name}: HTTP 200 with an error: {said[:SHOWN]}"
    return AttemptError(message, kind, status=status, said=said, reply=reply)


def _reason(given: object) -> Literal["stop", "length", "content_filter"] | None:
    """Why a response ended; None where it is said to have failed."""
    named = given.lower() if isinstance(given, str) else ""
    if named in ("error", "abort"):
        return None
    if named in ("length", "max_tokens"):
        return "length"
    return "content_filter" if named in ("content_filter", "safety") else "stop"


def _text(content: object) -> str | None:
    """The text of a message's content: a text, or a list of parts; None where it is something else."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "".join(part for part in parts if isinstance(part, str)) if all(map(_textual, parts)) else None


def _textual(part: object) -> bool:
    return part is None or isinstance(part, str)


def _count(tokens: object) -> int:
    """A number of tokens; 0, as where none is given, where it is no number that a response can have."""
    if not isinstance(tokens, int | float) or isinstance(tokens, bool):
        return 0
    return int(tokens) if 0 <= tokens <= MOST_TOKENS else 0


def _with_reasoning(reasoning: str, text: str, *, cut: bool) -> str:
    """A response whose thinking the server sent apart, whole again: the journal holds all that was said.

    Where the limit cut it and nothing follows, the thinking stays open, which is never an answer.
    """
    if begins_thinking(text):
        return text
    opened = reasoning if begins_thinking(reasoning) else f"<think>{reasoning}"
    return opened if cut and not text.strip() else f"{opened}</think>\n{text}"


def _hidden(raw: bytes, secrets: tuple[str, ...]) -> bytes:
    for secret in secrets:
        raw = raw.replace(secret.encode(), b"***")
    return raw


def hidden(text: str, secrets: tuple[str, ...]) -> str:
    """A text in which `***` stands for each secret."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
