"""Comparisons with one baseline as Markdown, LaTeX or CSV: to paste into a paper or read into pandas."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.compare.comparison import SIGNIFICANT, Comparison
from harness.compare.table import Entry, kind_of, mismatch_notes, prompts_note, signed, significant
from harness.scores.table import NO_NUMBER, number
from reports.board.board import CATEGORY_LABELS, label
from reports.board.formats import csv_text, latex_table, latex_text, markdown_table, markdown_text
from reports.runs import printable


def format_comparisons(comparisons: Sequence[Comparison], kind: str) -> str:
    """Comparisons of several runs with the same baseline as text.

    Args:
        comparisons: at least one.
        kind: a key of `FORMATS`.
    """
    return FORMATS[kind](comparisons)


def to_markdown(comparisons: Sequence[Comparison]) -> str:
    """A row for each run: scores, the difference from the baseline in brackets."""
    heads, lines = _grid(comparisons)
    table = markdown_table([*map(markdown_text, heads)], [[*map(markdown_text, line)] for line in lines])
    return table + "\n" + "\n".join(map(markdown_text, _notes(comparisons))) + "\n"


def to_latex(comparisons: Sequence[Comparison]) -> str:
    """The same as a tabular with booktabs."""
    heads, lines = _grid(comparisons)
    table = latex_table([*map(latex_text, heads)], [[*map(latex_text, line)] for line in lines])
    return table + "".join(f"% {printable(note)}\n" for note in _notes(comparisons))


def to_csv(comparisons: Sequence[Comparison]) -> str:
    """One line a run and task, category or overall."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for place, line in enumerate(line for each in comparisons for line in _records(each)):
        if not place:
            writer.writerow(line)
        writer.writerow(map(csv_text, line.values()))
    return out.getvalue()


def _records(comparison: Comparison) -> Iterator[dict[str, Any]]:
    signs = significant(comparison)
    for entry in _entries(comparison):
        yield {
            "baseline": comparison.a.name,
            "run": comparison.b.name,
            "kind": kind_of(entry),
            "name": entry.name,
            "n": getattr(entry, "n", None),
            "baseline_score": entry.a,
            "score": entry.b,
            "difference": entry.difference.value,
            "low": entry.difference.low,
            "high": entry.difference.high,
            "p": entry.p,
            "p_holm": entry.p_adjusted,
            "significant": (kind_of(entry), entry.name) in signs,
        }


def _entries(comparison: Comparison) -> list[Entry]:
    return [comparison.overall, *comparison.categories.values(), *comparison.tasks.values()]


def _grid(comparisons: Sequence[Comparison]) -> tuple[list[str], list[list[str]]]:
    """Heads, and a line for the baseline and each run."""
    order = dict.fromkeys((kind_of(entry), entry.name) for each in comparisons for entry in _entries(each))
    order = dict.fromkeys(sorted(order, key=lambda found: ("overall", "category", "task").index(found[0])))
    entries = [{(kind_of(entry), entry.name): entry for entry in _entries(each)} for each in comparisons]
    heads = ["Model", *(_title(kind, name) for kind, name in order)]
    first = [next(found[key].a for found in entries if key in found) for key in order]
    lines = [[comparisons[0].a.name, *(number(score) for score in first)]]
    for comparison, found in zip(comparisons, entries, strict=True):
        signs = significant(comparison)
        lines.append([comparison.b.name, *(_cell(found.get(key), key in signs) for key in order)])
    return heads, lines


def _title(kind: str, name: str) -> str:
    return {"overall": "Overall", "category": CATEGORY_LABELS.get(name, name)}.get(kind, label(name))


def _cell(entry: Entry | None, differs: bool) -> str:
    if entry is None or entry.difference.value is None:
        return NO_NUMBER
    return f"{number(entry.b)} ({signed(entry.difference.value)}{'*' if differs else ''})"


def _notes(comparisons: Sequence[Comparison]) -> list[str]:
    notes = [
        f"Scores in per cent; in brackets the difference from {comparisons[0].a.name} on the same samples; "
        f"* p <= {SIGNIFICANT} after Holm, within each pair of runs."
    ]
    for each in comparisons:
        found = [*mismatch_notes(each), prompts_note(each)]
        notes += [f"{each.b.name}: {note}" for note in found if note]
    if any(each.synthetic for each in comparisons):
        notes.append("Synthetic data, not the benchmarks: not comparable to published scores.")
    return notes


FORMATS: Mapping[str, Callable[[Sequence[Comparison]], str]] = {
    "markdown": to_markdown,
    "latex": to_latex,
    "csv": to_csv,
}
"""Name → writer."""
