"""The JSON of a request to a server, and what is found out about the fields that it takes.

Servers differ in the fields they take: some want the token limit as `max_completion_tokens`, some refuse a
temperature of 0, some any field they do not know. What a refusal says is believed once, for all requests, and
said. Only fields that the harness adds of itself are changed so; what the user asked for is never left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pybase64

from harness.errors import UsageError, nearest
from harness.models.pixels import EncodedImage
from harness.types import Request, Sampling
from tasks.prompts import ImagePart

LIMIT, OTHER_LIMIT = "max_tokens", "max_completion_tokens"
"""The field for the token limit, and what newer vendor models call it."""
OWN = (LIMIT, "temperature", "top_p", "seed")
"""Fields of every request, unless they are left out."""
RESERVED = {
    "model": "--model gives it",
    "messages": "the tasks' prompts fill it",
    "stream": "responses are read whole",
    "n": "--epochs asks several times",
}
"""Fields that a user may not set, and why."""
_SPLICE = "\u0001image\u0001"
"""Stands for an image until its base64 is spliced in; no prompt may hold it."""


class Finding(NamedTuple):
    """What a refusal showed about the fields that a server takes."""

    line: str
    """What is sent otherwise from now on."""
    decides: bool
    """Whether answers depend on it, so that a reader of the scores must know."""


class Fields:
    """The fields of every request beside `model` and `messages`.

    Args:
        given: fields of the user's; they win over ours.
        omit: of our fields, those to leave out.
        template_vars: variables of the server's chat template, sent as `chat_template_kwargs`.

    Raises:
        UsageError: a field may not be given or left out, or is none that is sent.
    """

    def __init__(
        self,
        given: Mapping[str, Any] | None = None,
        omit: Iterable[str] = (),
        template_vars: Mapping[str, Any] | None = None,
    ) -> None:
        self._given = dict(given or {})
        if template_vars:
            own = self._given.get("chat_template_kwargs")
            self._given["chat_template_kwargs"] = {**template_vars, **(own if isinstance(own, dict) else {})}
        for name in self._given.keys() & RESERVED.keys():
            raise UsageError(f"--extra-body: {name} cannot be given: {RESERVED[name]}")
        self._omit = tuple(omit)
        for name in self._omit:
            if name in RESERVED:
                raise UsageError(f"--omit {name}: it cannot be left out: {RESERVED[name]}")
            if name not in OWN:
                raise UsageError(f"--omit {name}: no such field is sent{nearest(name, OWN)}")
        self._limit = LIMIT
        self._left_out: dict[str, str] = {}
        self._taken: set[str] = set()
        self.room: int | None = None
        """Tokens that prompt and response may have together, once the server has said so."""
        self.longest: int | None = None
        """Tokens that a response may have, once the server has said so."""

    def of(self, sampling: Sampling) -> dict[str, Any]:
        """The fields of one request, as they are sent now."""
        own = {
            self._limit: sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed % 2**31,
        }
        gone = {*self._omit, *self._left_out}
        if self._given.keys() & {LIMIT, OTHER_LIMIT} or LIMIT in self._omit:
            gone.add(self._limit)
        return {**{name: value for name, value in own.items() if name not in gone}, **self._given}

    def describe(self) -> dict[str, Any]:
        """What the user asked for beyond our own fields: part of what an answer depends on."""
        return {
            **({"extra_body": self._given} if self._given else {}),
            **({"omit": sorted(self._omit)} if self._omit else {}),
        }

    def found(self) -> dict[str, Any]:
        """What refusals showed: `left_out` {field: why} and `renamed` {field: field}, where there is such."""
        return {
            **({"left_out": dict(self._left_out)} if self._left_out else {}),
            **({"renamed": {LIMIT: self._limit}} if self._limit != LIMIT else {}),
        }

    def too_long(self, sent: Mapping[str, Any]) -> str | None:
        """Why a request with these fields can only be refused, or None where that is not known.

        A server that names its context length has refused every request whose token limit alone fills it,
        whatever its prompt is: a prompt has at least one token. Requests that may fit are always sent.
        """
        wanted = sent.get(self._limit, sent.get(LIMIT, sent.get(OTHER_LIMIT)))
        if not isinstance(wanted, int):
            return None
        if self.room is not None and wanted >= self.room:
            limit = f"a context of {self.room} tokens"
        elif self.longest is not None and wanted > self.longest:
            limit = f"at most {self.longest} tokens in a response"
        else:
            return None
        return f"the server has {limit}, --max-new-tokens is {wanted}: lower it"

    def took(self, sent: Mapping[str, Any]) -> None:
        """A request with these fields was answered: a later refusal is not about any of them."""
        self._taken.update(sent)

    def learn(self, said: str, reply: object, sent: Mapping[str, Any]) -> Finding | None:
        """Take in a refusal (400 or 422).

        Args:
            said: the reply's text.
            reply: the same as JSON, where it is.
            sent: the fields of the request that was refused.

        Returns:
            What changes for all requests; without a line where another request found it out already; None where
            the refusal is not about our fields.

        Raises:
            UsageError: it is about a field that the user gave.
        """
        if _learn_lengths(self, said):
            return None
        for name in refused_fields(said, reply, sent):
            if name in self._taken:
                continue
            if name in self._given:
                flag = "--template-var" if name == "chat_template_kwargs" else "--extra-body"
                raise UsageError(f"the server refuses {name}, which {flag} gives")
            if name not in self.of(_ANY):
                return Finding("", decides=False)
            if name == OTHER_LIMIT:
                continue
            if name == LIMIT:
                self._limit = OTHER_LIMIT
                return Finding(f"{LIMIT} is refused: {OTHER_LIMIT} is sent in its place", decides=False)
            self._left_out[name] = said[:200]
            effect = _effect(name, sent)
            line = f"{name} = {sent[name]:g} is refused: it is left out of every request{effect}"
            return Finding(line, decides=bool(effect))
        return None


_ANY = Sampling(1)


def _effect(name: str, sent: Mapping[str, Any]) -> str:
    """What leaving a field out changes of the answers, for the end of a line; "" where it changes nothing."""
    if name == "temperature":
        greedy = ", which is not greedy" if sent[name] == 0 else ""
        return f"; answers are sampled at the server's default{greedy}"
    if name == "seed":
        return "; sampling cannot be repeated" if sent.get("temperature") else ""
    return "; the server's default counts" if sent[name] != 1 else ""


_CONTEXT = re.compile(
    r"(?:context[ _](?:length|window|size|limit)|max_model_len|max_seq_len|n_ctx)[\"']?"
    r"(?:\s|is|of|set|to|only|tokens?|[:=(])*([\d,_]{2,12})\b(?!\s?[km+]\b|\s*\+)",
    re.IGNORECASE,
)
_OUTPUT = re.compile(r"(?:at most|maximum of|up to) ([\d,_]{2,12}) (?:completion|output) tokens", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size|limit)|too many tokens|prompt is too long", re.IGNORECASE
)


def _learn_lengths(fields: Fields, said: str) -> bool:
    """Whether a refusal is about lengths; the limits that it names are kept."""
    if found := _OUTPUT.search(said):
        fields.longest = max(fields.longest or 0, int(re.sub(r"\D", "", found[1])))
        return True
    if found := _CONTEXT.search(said):
        fields.room = max(fields.room or 0, int(re.sub(r"\D", "", found[1])))
        return True
    return _TOO_LONG.search(said) is not None


_UNSUPPORTED = re.compile(
    r"unsupported|(?:not|n't)[ _](?:be |currently |yet )?"
    r"(?:support|accept|permit|allow|availab|implement|recogni)"
    r"|unknown|unrecogni[sz]ed|unexpected|extra[ _](?:forbidden|inputs|fields)|additional propert|deprecated"
    r"|only the default|no such|cannot (?:both )?be (?:specified|used|set)",
    re.IGNORECASE,
)
_VALUE = re.compile(r"\b(?:must|should|invalid|out of range|greater|less|positive|between)\b", re.IGNORECASE)


def refused_fields(said: str, reply: object, sent: Mapping[str, Any]) -> list[str]:
    """The fields of a request that a refusal is about, those first that change the least.

    A field counts as refused where the reply names it, as `param` or `loc` or in its words, and says that the
    field is not supported or, of a sampling setting, that its value is not allowed.
    """
    unsupported = bool(_UNSUPPORTED.search(said))
    if not unsupported and not _VALUE.search(said):
        return []
    hinted = [name for name in _hints(reply) if name in sent]
    named = hinted or [name for name in sent if _names(_OFFERED.split(said)[0], name)]
    if LIMIT in named and not unsupported:
        named.remove(LIMIT)
    if LIMIT not in named and LIMIT in sent and unsupported and OTHER_LIMIT in said:
        named.append(LIMIT)
    inert = {"top_p": sent.get("top_p") == 1, "seed": True}
    return sorted(dict.fromkeys(named), key=lambda name: not inert.get(name, False))


_OFFERED = re.compile(
    r"expected one of|did you mean|(?:supported|allowed|valid|permitted) (?:field|parameter|argument)s",
    re.IGNORECASE,
)
"""What follows names fields that would be right."""
_AFTER = "is|does|are|and|cannot|can't|must|should|may|parameter|field|argument|value"


def _names(said: str, name: str) -> bool:
    """Whether a text names a field as one: quoted, or beside a word that says so."""
    word = re.escape(name)
    return bool(
        re.search(
            rf"[\"'`.]{word}[\"'`:=\s]|\b{word}\b(?:\W{{0,3}}(?:{_AFTER})|:)"
            rf"|(?:parameter|field|argument|property|key|input|value)s?\W{{0,4}}{word}\b"
            rf"|[:,]\s{word}(?=\s*(?:[,.;]|$))",
            said,
        )
    )


def _hints(reply: object, depth: int = 0) -> Iterator[str]:
    """Names of fields that an error gives in its structure: `param`, or the last part of `loc`."""
    if depth > 6:
        return
    if isinstance(reply, dict):
        if isinstance(param := reply.get("param"), str):
            yield param.rsplit(".", 1)[-1]
        if isinstance(loc := reply.get("loc"), list) and loc and isinstance(loc[-1], str):
            yield loc[-1]
    inner = reply.values() if isinstance(reply, dict) else reply if isinstance(reply, list) else ()
    for value in inner:
        yield from _hints(value, depth + 1)


def body(model: str, request: Request, images: list[EncodedImage], fields: Mapping[str, Any]) -> bytes:
    """A request as JSON. Base64 is spliced in as bytes, so that no encoder scans it for escapes."""
    content: list[dict[str, Any]] = []
    order: list[int] = []
    for part in request.parts:
        if isinstance(part, ImagePart):
            order.append(part.index)
            content.append({"type": "image_url", "image_url": {"url": _SPLICE}})
        else:
            content.append({"type": "text", "text": part.replace(_SPLICE, "")})
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if request.system_prompt is not None:
        messages.insert(0, {"role": "system", "content": request.system_prompt.replace(_SPLICE, "")})
    head = json.dumps({"model": model, "messages": messages})
    pieces = head.encode().split(json.dumps(_SPLICE)[1:-1].encode())
    spliced = [pieces[0]]
    for index, piece in zip(order, pieces[1:], strict=True):
        image = images[index]
        spliced += [b"data:", image.mime.encode(), b";base64,", pybase64.b64encode(image.data), piece]
    spliced[-1] = spliced[-1][:-1]  # the closing brace
    tail = json.dumps(fields)[1:]
    return b"".join([*spliced, b", " if fields else b"", tail.encode()])
