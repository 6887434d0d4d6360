"""VLMEvalKit's prediction tables: the data set's own columns without the image, and `prediction`.

The prediction file is `MODEL_DATASET.xlsx` (or .tsv, .json, by PRED_FORMAT). Its evaluation writes files beside
it, two of them with the predictions' columns and verdicts:

- `MODEL_DATASET_JUDGE_result.xlsx` of choices, with `hit`;
- `MODEL_DATASET_results.xlsx` of short answers, with `eval_match`, a number for each gold answer;
- `MODEL_DATASET_acc.csv`, the score of the whole.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import FAULTS, UsageError, named
from harness.imports.logged import NOTHING, Headline, Log, Logged, Said
from harness.imports.names import VLMEVALKIT, Known
from harness.imports.verdicts import finite, fraction
from harness.jsonl import read_json
from tasks.options import as_list, lettered

COLUMN = "prediction"
SUFFIXES = (".xlsx", ".tsv", ".csv", ".json")
VERDICTS = ("hit", "eval_match")
"""Columns in which its evaluations write a verdict."""
ANLS = "anls"
"""The metric whose `eval_match` holds edit distances, as shares of the longer text: 0 is the same text."""
FAILED = "Failed to obtain answer"
"""How a prediction begins where its model gave none."""
_READ = ("eval_pred",)
_THRESHOLD = 0.5
"""Of ANLS: below it an answer is wrong."""
_IDENTITIES = ("index", "id", "question_id", "questionId", "pid", "sample_index")
_RULE = "exact_matching"

Cells = dict[str, Any]


def is_table(path: Path) -> bool:
    """Whether a JSON file is a list of rows with predictions."""
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(rows, list) and bool(rows) and isinstance(rows[0], dict) and COLUMN in rows[0]


def vlmevalkit_log(path: Path, metric: str | None = None) -> Log:
    """The log in a table.

    Args:
        path: the file.
        metric: the column of its verdicts; None: the first of `VERDICTS` that the evaluation's table has.
    """
    model, name, known = _named(path)
    evaluated = _only(path, "_result") or _only(path, "_results")
    scored = _only(path, "_acc") or _only(path, "_score")
    distances = known is not None and known.metric == ANLS
    verdicts = _verdicts(evaluated, metric, distances) if evaluated is not None else {}
    beside = [file.name for file in (evaluated, scored) if file is not None]
    return Log(
        "VLMEvalKit",
        _predictions(path, verdicts),
        name=name,
        task=known.task if known else None,
        model=model,
        metric=metric,
        headline=_headline(scored, known.split if known else "") if scored is not None else None,
        judged=evaluated is not None and evaluated.stem.endswith("_result") and _RULE not in evaluated.name,
        beside=tuple(beside),
    )


def _named(path: Path) -> tuple[str | None, str | None, Known | None]:
    """(model, data set, what we know of it), by the file's name; nothing where it ends with none we know."""
    for name in sorted(VLMEVALKIT, key=len, reverse=True):
        if path.stem.endswith(f"_{name}"):
            return path.stem.removesuffix(f"_{name}") or None, name, VLMEVALKIT[name]
    return None, None, None


def _only(path: Path, ending: str) -> Path | None:
    """The only table beside the predictions whose name begins with theirs and has this ending."""
    found = [
        other
        for other in sorted(path.parent.iterdir())
        if other.suffix in SUFFIXES and other.stem.startswith(f"{path.stem}_") and other.stem.endswith(ending)
    ]
    return found[0] if len(found) == 1 else None


def _predictions(path: Path, verdicts: Mapping[str, Said]) -> Iterator[Logged]:
    """The predictions of a table.

    Raises:
        UsageError: the table has no column `prediction`, or cannot be read.
    """
    for place, (number, row) in enumerate(_rows(path)):
        where = f"{path}:{number}"
        if COLUMN not in row:
            raise UsageError(f"{where}: no table of VLMEvalKit's: there is no column {COLUMN!r}")
        record = {name: value for name, value in row.items() if name != COLUMN}
        key = str(record.get("index", number - 1))
        text, error = _response(path, row[COLUMN])
        yield Logged(
            where,
            key,
            text,
            record,
            str(record.get("question") or ""),
            names=tuple(str(record[name]) for name in _IDENTITIES if record.get(name) is not None),
            number=place,
            gold=record.get("answer"),
            choices=lettered(record),
            error=error,
            said=verdicts.get(key, NOTHING),
        )


def _response(path: Path, value: Any) -> tuple[str, str | None]:
    """(text, why there is none)."""
    text = "" if value is None else str(value)
    if text.startswith(FAILED):
        return "", " ".join(text.split())[:200]
    if not text and path.suffix == ".xlsx":
        return "", "the cell is empty: no answer, or one longer than the 32,767 characters that .xlsx holds"
    return text, None


def _verdicts(path: Path, metric: str | None, distances: bool) -> dict[str, Said]:
    """Index → the verdict on it, of a table that an evaluation wrote."""
    found = {}
    for _, row in _rows(path):
        column = next((name for name in ([metric] if metric else VERDICTS) if name in row), None)
        if column is not None and row[column] is not None and row.get("index") is not None:
            found[str(row["index"])] = _said(row, column, distances)
    return found


def _said(row: Cells, column: str, distances: bool) -> Said:
    """The verdict in a row's column: a number, or of several the best: the nearest gold answer's."""
    values = [value for text in as_list(row[column], column) if (value := _number(text)) is not None]
    best = max((1 - value if distances else value for value in values), default=None)
    if distances and best is not None and best < _THRESHOLD:
        best = 0.0
    read = next((str(row[name]) for name in _READ if row.get(name) is not None), None)
    return Said(fraction(best), read, {column: values[0]} if len(values) == 1 else {})


def _number(value: Any) -> float | None:
    """A cell as the number that it is: text tables do not tell."""
    text = str(value).strip()
    try:
        number = float({"True": 1, "False": 0}.get(text, text))
    except ValueError:
        return None
    return number if finite(number) else None


def _headline(path: Path, split: str) -> Headline | None:
    """The score of the whole: `Overall` of the split's row or the only one, or `Final Score` of an object."""
    if path.suffix == ".json":
        content = read_json(path)
        rows = content if isinstance(content, list) else [content]
    else:
        rows = [row for _, row in _rows(path)]
    for name in ("Overall", "Final Score"):
        known = [row for row in rows if isinstance(row, dict) and row.get(name) is not None]
        ours = [row for row in known if row.get("split") == split] if len(known) > 1 else known
        if len(ours) == 1 and (value := _number(ours[0][name])) is not None:
            return Headline(name, value)
    return None


def _rows(path: Path) -> Iterator[tuple[int, Cells]]:
    """(line from 1, cells) of every row; an empty cell is None."""
    try:
        if path.suffix == ".json":
            for number, row in enumerate(json.loads(path.read_bytes()), 1):
                if not isinstance(row, dict):
                    raise UsageError(f"{path}:{number}: no table of VLMEvalKit's: a row is no object")
                yield number, row
        elif path.suffix == ".xlsx":
            yield from _sheet(path)
        else:
            csv.field_size_limit(2**31 - 1)
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
                for row in reader:
                    yield (
                        reader.line_num,
                        {name: value or None for name, value in row.items() if name is not None},
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: {error}") from None


def _sheet(path: Path) -> Iterator[tuple[int, Cells]]:
    """The rows of the first sheet of a workbook: cells are read as values, formulas are not computed."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UsageError(
            f"{path}: openpyxl reads .xlsx: pip install openpyxl, or save the table as TSV, e.g. with pandas: "
            "read_excel('IN.xlsx').to_csv('OUT.tsv', sep='\\t', index=False)"
        ) from None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        rows: Iterable[tuple[Any, ...]] = list(book.worksheets[0].iter_rows(values_only=True))
        book.close()
    except (
        FAULTS
    ) as error:  # a damaged workbook makes zipfile, the XML parser and openpyxl each raise their own
        raise UsageError(f"{path}: no .xlsx workbook: {named(error)}") from None
    names: list[str] | None = None
    for number, row in enumerate(rows, 1):
        if names is None:
            names = ["" if cell is None else str(cell) for cell in row]
        else:
            yield number, {name: cell for name, cell in zip(names, row, strict=False) if name}
