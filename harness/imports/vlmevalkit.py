"""VLMEvalKit's prediction tables: the data set's own columns without the image, and `prediction`.

The prediction file is `MODEL_DATASET.xlsx` (or .tsv, .json, by PRED_FORMAT). Its evaluation writes files beside
it: `MODEL_DATASET_JUDGE_result.xlsx` with the verdicts in a column `hit`, and `MODEL_DATASET_acc.csv`.
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
from harness.imports.verdicts import fraction, numbers
from tasks.options import lettered

COLUMN = "prediction"
SUFFIXES = (".xlsx", ".tsv", ".csv", ".json")
VERDICTS = ("hit", "eval_score", "score")
"""Columns in which its evaluations write a verdict."""
FAILED = "Failed to obtain answer"
"""How a prediction begins where its model gave none."""
_READ = ("eval_pred", "extract", "res")
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
        metric: the column of its verdicts; None: the first of `VERDICTS` that the table has.
    """
    model, name, known = _named(path)
    evaluated = _only(path, "_result") or _only(path, "_results")
    scored = _only(path, "_acc") or _only(path, "_score")
    verdicts = _verdicts(evaluated, metric) if evaluated is not None else {}
    beside = [file.name for file in (evaluated, scored) if file is not None]
    return Log(
        "VLMEvalKit",
        _predictions(path, metric, verdicts),
        name=name,
        task=known.task if known else None,
        model=model,
        metric=metric or "hit",
        headline=_headline(scored) if scored is not None else None,
        judged=evaluated is not None and _RULE not in evaluated.name,
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


def _predictions(path: Path, metric: str | None, verdicts: Mapping[str, Said]) -> Iterator[Logged]:
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
            said=verdicts.get(key) or _said(row, metric),
        )


def _response(path: Path, value: Any) -> tuple[str, str | None]:
    """(text, why there is none)."""
    text = "" if value is None else str(value)
    if text.startswith(FAILED):
        return "", " ".join(text.split())[:200]
    if not text and path.suffix == ".xlsx":
        return "", "the cell is empty: no answer, or one longer than the 32,767 characters that .xlsx holds"
    return text, None


def _said(row: Cells, metric: str | None) -> Said:
    column = next((name for name in ([metric] if metric else VERDICTS) if name in row), None)
    if column is None:
        return NOTHING
    found = row[column]
    score = fraction(_number(found))
    read = next((str(row[name]) for name in _READ if row.get(name) is not None), None)
    return Said(score, read, numbers({column: _number(found)}))


def _number(value: Any) -> Any:
    """A cell as the number that it is: text tables do not tell."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text in ("True", "False"):
        return text == "True"
    try:
        return float(text)
    except ValueError:
        return None


def _verdicts(path: Path, metric: str | None) -> dict[str, Said]:
    """Index → the verdict on it, of a table that an evaluation wrote."""
    return {str(row["index"]): _said(row, metric) for _, row in _rows(path) if "index" in row}


def _headline(path: Path) -> Headline | None:
    """The number `Overall` of a table of scores: of its last row, which has the split asked for or all."""
    if path.suffix == ".json":
        return None
    found = [number for _, row in _rows(path) if (number := _number(row.get("Overall"))) is not None]
    return Headline("Overall", float(found[0])) if len(found) == 1 else None


def _rows(path: Path) -> Iterator[tuple[int, Cells]]:
    """(line from 1, cells) of every row; an empty cell is None."""
    try:
        if path.suffix == ".json":
            yield from enumerate(json.loads(path.read_bytes()), 1)
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
