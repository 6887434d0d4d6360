"""lmms-eval's `--log_samples` files: one JSON object a line, without the document that it is about.

Beside `TIME_samples_TASK.jsonl` lies `TIME_results.json`, which has the headline, the model and the version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.imports.logged import Headline, Log, Logged
from harness.imports.names import LMMS_EVAL
from harness.imports.verdicts import numbers, said
from harness.jsonl import read_json, read_lines

_NAME = re.compile(r"(?P<time>.*?_)?samples_(?P<task>.+)")
_OWN = frozenset(
    (
        "doc_id",
        "target",
        "input",
        "input_media",
        "resps",
        "filtered_resps",
        "token_counts",
        "doc_hash",
        "submission",
    )
)
"""Keys of a line that are no metrics."""


def lmms_eval_log(path: Path, metric: str | None = None) -> Log:
    """The log in a file.

    Args:
        path: the file.
        metric: which of its metrics counts; None: that of the task, or the only one there is.
    """
    named = _NAME.fullmatch(path.stem)
    name = named["task"] if named else None
    known = LMMS_EVAL.get(name or "")
    metric = metric or (known.metric if known else None) or _only_metric(path)
    beside = path.with_name(f"{named['time'] or ''}results.json") if named else None
    results = _results(beside) if beside is not None and beside.is_file() else {}
    version = results.get("lmms_eval_version")
    return Log(
        "lmms-eval",
        _predictions(path, metric),
        name=name,
        task=known.task if known else None,
        model=_model(results),
        # In place of a version it may give branch and commit of whatever repository it is run in.
        version=version if isinstance(version, str) and version[:1].isdigit() else None,
        metric=metric,
        headline=_headline(results, name, metric),
        judged=known.judged if known else False,
        prompts=True,
        beside=(beside.name,) if results and beside is not None else (),
    )


def _predictions(path: Path, metric: str | None) -> Iterator[Logged]:
    """The predictions of a file. Of the document there is what was asked (`input`) and the gold (`target`).

    Raises:
        UsageError: a line has no response as text, or several.
    """
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        response = _response(line, where) if isinstance(line, Mapping) else None
        if response is None:
            raise UsageError(f"{where}: no line of lmms-eval's --log_samples: filtered_resps holds no text")
        question, gold = str(line.get("input") or ""), line.get("target")
        place = line.get("doc_id")
        metrics = {key: value for key, value in line.items() if key not in _OWN}
        yield Logged(
            where,
            str(place),
            response,
            {"question": question, "answer": gold},
            question,
            number=place if isinstance(place, int) else None,
            gold=gold,
            completion_tokens=_tokens(line.get("token_counts")),
            said=said(metrics.get(metric or ""), metrics),
        )


def _response(line: Mapping[str, Any], where: str) -> str | None:
    """The response. `resps` is there where the filters, or the tags of reasoning taken out, changed it."""
    found: Any = line.get("resps") or line.get("filtered_resps")
    while isinstance(found, list) and found:
        if len(found) > 1 and all(isinstance(text, str) for text in found):
            raise UsageError(f"{where}: {len(found)} responses to one document (repeats): one is read")
        found = found[0]
    return found if isinstance(found, str) else None


def _tokens(counts: Any) -> int:
    first = counts[0] if isinstance(counts, list) and counts else None
    told = first.get("output_tokens") if isinstance(first, Mapping) else None
    return told if isinstance(told, int) else 0


def _only_metric(path: Path) -> str | None:
    """The only metric of the first line that gives a verdict; None where there are several or none."""
    line = next((line for _, line in read_lines(path)), None)
    if not isinstance(line, Mapping):
        return None
    metrics = {key: value for key, value in line.items() if key not in _OWN}
    giving = [name for name, value in metrics.items() if said(value, metrics).score is not None]
    return giving[0] if len(giving) == 1 else None


def _results(path: Path) -> Mapping[str, Any]:
    try:
        results = read_json(path)
    except HarnessError as error:
        raise UsageError(f"{error}: move it away to import without the headline") from None
    return results if isinstance(results, Mapping) else {}


def _model(results: Mapping[str, Any]) -> str | None:
    config = results.get("config")
    names = [results.get("model_name"), config.get("model") if isinstance(config, Mapping) else None]
    return next((name for name in names if isinstance(name, str) and name), None)


def _headline(results: Mapping[str, Any], name: str | None, metric: str | None) -> Headline | None:
    """The metric's number; its key also names the filter."""
    tasks = results.get("results")
    found = tasks.get(name) if isinstance(tasks, Mapping) else None
    for key, value in numbers(found).items() if isinstance(found, Mapping) else ():
        if metric is not None and key.split(",")[0] == metric:
            return Headline(metric, value)
    return None
