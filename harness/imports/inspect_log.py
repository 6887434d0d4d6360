"""inspect's `.eval` logs: a zip of JSON, `header.json` and `samples/ID_epoch_N.json`, compressed with zstd."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import FAULTS, UsageError, named
from harness.imports.logged import NOTHING, Headline, Log, Logged, Said
from harness.imports.verdicts import finite, fraction, numbers
from tasks.types import FinishReason

_LARGEST = 1 << 30
"""Bytes of one member, unpacked."""
_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Correct, partial, incorrect, no answer: as `inspect_ai.scorer.value_to_float` reads them."""
_STOPS: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}
_ATTACHED = "attachment://"


def inspect_log(path: Path, metric: str | None = None) -> Log:
    """The log in a file.

    Args:
        path: the file.
        metric: which of its scorers counts; None: the one of its headline, or the first.

    Raises:
        UsageError: it is no such log, or nothing here unpacks it.
    """
    with _opened(path) as archive:
        members = dict.fromkeys(archive.namelist())
        header = _header(path, archive, members)
    evaluated, results = _mapping(header.get("eval")), _mapping(header.get("results"))
    scores = [one for one in results.get("scores") or () if isinstance(one, Mapping)]
    first = _mapping(results.get("headline")).get("score") or next((one.get("name") for one in scores), None)
    metric = metric or (str(first) if first else None)
    scorer = next((one for one in scores if one.get("name") == metric), {})
    return Log(
        "inspect",
        _predictions(path, [name for name in members if name.startswith("samples/")], metric),
        name=str(evaluated.get("task") or "") or None,
        model=str(evaluated.get("model") or "") or None,
        version=_mapping(evaluated.get("packages")).get("inspect_ai"),
        metric=metric,
        headline=_headline(scorer, _mapping(results.get("headline")).get("metric")),
        judged=str(scorer.get("scorer") or "").rpartition("/")[2].startswith("model_graded"),
        prompts=True,
    )


def _opened(path: Path) -> Any:
    """The archive, by a `zipfile` that knows zstd."""
    try:
        if sys.version_info >= (3, 14):
            import zipfile
        else:
            from backports.zstd import zipfile
    except ImportError:
        raise UsageError(
            f"{path}: members of an inspect log are zstd, which Python reads from 3.14 on: "
            "pip install backports.zstd"
        ) from None
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path}: no log of inspect's: {error}") from None


def _header(path: Path, archive: Any, members: Mapping[str, None]) -> Mapping[str, Any]:
    """The end of a finished log, or the start of one that was not."""
    for name in ("header.json", "_journal/start.json"):
        if name in members:
            return _member(path, archive, name)
    raise UsageError(f"{path}: no log of inspect's: it holds no header.json")


def _member(path: Path, archive: Any, name: str) -> Mapping[str, Any]:
    """One member as JSON. The last of a name counts, as for every reader of zip."""
    where = f"{path}:{name}"
    try:
        if archive.getinfo(name).file_size > _LARGEST:
            raise UsageError(f"{where}: larger than {_LARGEST >> 20} MiB")
        value = json.loads(archive.read(name))
    except UsageError:
        raise
    except FAULTS as error:  # a damaged member: zip, zstd and JSON each raise their own
        raise UsageError(f"{where}: cannot be read: {named(error)}") from None
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: no object")
    return value


def _predictions(path: Path, names: Sequence[str], metric: str | None) -> Iterator[Logged]:
    with _opened(path) as archive:
        for name in names:
            yield _logged(f"{path}:{name}", _member(path, archive, name), metric)


def _logged(where: str, sample: Mapping[str, Any], metric: str | None) -> Logged:
    key, gold = sample.get("id"), sample.get("target")
    question = _asked(sample)
    output = _mapping(sample.get("output"))
    usage = _mapping(output.get("usage"))
    text, reason, error = _response(sample, output)
    choices = sample.get("choices")
    return Logged(
        where,
        str(key),
        text,
        {"question": question, "answer": gold},
        question,
        names=(str(key),),
        number=key - 1 if isinstance(key, int) and key > 0 else None,
        gold=gold,
        choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
        epoch=max(_count(sample.get("epoch")) - 1, 0),
        finish_reason=reason,
        prompt_tokens=_count(usage.get("input_tokens")),
        completion_tokens=_count(usage.get("output_tokens")),
        error=error,
        said=_said(_mapping(sample.get("scores")), metric),
    )


def _asked(sample: Mapping[str, Any]) -> str:
    """The text of the prompt: `input`, or the user's messages in it."""
    attachments = _mapping(sample.get("attachments"))
    given = sample.get("input")
    messages = given if isinstance(given, list) else [{"role": "user", "content": given}]
    texts = [
        _text(message.get("content"), attachments)
        for message in messages
        if isinstance(message, Mapping) and message.get("role") == "user"
    ]
    return "\n".join(filter(None, texts))


def _text(content: Any, attachments: Mapping[str, Any]) -> str:
    """A message's text; reasoning stands in its tags, as models write it."""
    if isinstance(content, str):
        name = content.removeprefix(_ATTACHED)
        return str(attachments.get(name, content)) if name != content else content
    parts = []
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "text":
            parts.append(_text(part.get("text"), attachments))
        elif kind == "reasoning":
            parts.append(f"<think>{_text(part.get('reasoning'), attachments)}</think>")
    return "\n".join(parts)


def _response(sample: Mapping[str, Any], output: Mapping[str, Any]) -> tuple[str, FinishReason, str | None]:
    """(text, finish reason, why there is none)."""
    if (failed := _mapping(sample.get("error"))) or not output.get("choices"):
        said = " ".join(str(failed.get("message") or output.get("error") or "").split())
        return "", "error", said[:200] or "the log has no output"
    choice = _mapping(output["choices"][0] if isinstance(output["choices"], list) else None)
    text = _text(_mapping(choice.get("message")).get("content"), _mapping(sample.get("attachments")))
    return text, _STOPS.get(str(choice.get("stop_reason")), "stop"), None


def _said(scores: Mapping[str, Any], metric: str | None) -> Said:
    score = _mapping(scores.get(metric or ""))
    if not score:
        return NOTHING
    values = {name: _value(_mapping(one).get("value")) for name, one in scores.items()}
    answer = score.get("answer")
    return Said(fraction(values[metric or ""]), str(answer) if answer is not None else None, numbers(values))


def _value(value: Any) -> Any:
    return _LETTERS.get(value) if isinstance(value, str) else value


def _headline(scorer: Mapping[str, Any], name: Any) -> Headline | None:
    """A scorer's number: that of the log's headline, else the first."""
    metrics = _mapping(scorer.get("metrics"))
    chosen = str(name) if name in metrics else next(iter(metrics), "")
    value: Any = _mapping(metrics.get(chosen)).get("value")
    return Headline(f"{scorer.get('name')} {chosen}", float(value)) if finite(value) else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
