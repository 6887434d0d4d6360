"""What each rule of reading moves: switched off one by one, and rows whose `value` changes are counted.

    python benchmarks/reading_rules.py FOLDER [FILE …] > docs/scoring/reading-rules.md

FOLDER holds `<task>/*.jsonl` (rows {record, response, coords?}; others are left out), a FILE is named
`<task>_….jsonl`; of each at most `MOST` rows are taken, evenly. "lost" are rows whose `value` is lower without
the rule, "gained" those whose `value` is higher.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scorers.read import locate, normalise, number, option, text, yes_no
from tasks import BUILTIN, Response, RowError, Sample, Task, load_builtin

MODULES = (normalise, text, locate, number, option, yes_no)
NEVER = re.compile(r"(?!)")
INTRODUCTION = """\
Each rule of `scorers/read/` was switched off, and the rows whose `value` changed were counted: "lost" rows earn
less without it, "gained" rows more. {rows:,} rows: recorded outputs of a dozen models and rows in their form
(at most 1,000 a file), GPT-4o's on MMMU-Pro, Qwen2.5-VL's on ChartQA, and wordings from public bug reports.
A rule with 0 and 0 stands for a wording that none of them uses: it has its own test, and is the first to go.
`benchmarks/reading_rules.py` makes this table.
"""
MOST = 1000
"""Rows of a file."""
CHANNELS = {
    "box": (locate, "boxed", lambda _: None),
    "json": (locate, "_json", lambda _: None),
    "announced": (locate, "_ANNOUNCED", NEVER),
    "announced in languages other than English": (
        locate,
        "_ANNOUNCED",
        re.compile(locate._anchor("en"), re.IGNORECASE),
    ),
    "concluding: the end of a sentence": (locate, "_WITHIN", NEVER),
    "concluding: therefore": (locate, "_CONCLUDES", NEVER),
    "concluding: a result": (locate, "_COMPUTES", NEVER),
    "concluding: called right": (locate, "_IS_RIGHT", NEVER),
    "stated": (locate, "_stated", lambda _told, _question: iter(())),
    "taken back": (locate, "_TAKEN_BACK", NEVER),
    "denied": (text, "undenied", lambda said: said),
    "refused": (text, "refuses", lambda _: False),
}
NUMBERS = {
    name: (number, attribute, NEVER)
    for name, attribute in {
        "bound": "_BOUND",
        "range, its end first": "_RANGE_AFTER",
        "range, its end last": "_RANGE_BEFORE",
        "stated by a verb": "_STATES",
        "decimals, times, others": "_NOT_COUNTED",
        "at x = 2; because": "_BESIDE",
        "none is 0": "_NONE",
        "in brackets beside": "_ASIDE",
        "1 200": "_SPACED",
        "number words": "_WORDS",
        "ratio": "_RATIO",
    }.items()
} | {
    "the question's numbers": (number, "_repeated", lambda _: frozenset()),
    "clause": (number, "overlap", lambda *_: 0.0),
}
OPTIONS = {
    name: (option, attribute, NEVER)
    for name, attribute in {
        "letter first": "_LEADING",
        "letter last": "_TRAILING",
        "letter, then words, where announced": "_ANNOUNCED_LETTER",
        "several letters": "_SEVERAL",
        "letters only": "_LETTERS_ONLY",
        "firm letter in prose": "_FIRM",
        "bare letter of letter options": "_BARE",
        "repeated list of options": "_ENUMERATED",
        "labels in a line": "_LABEL",
    }.items()
} | {
    "value": (option, "_by_value", lambda *_: None),
    "words of an option": (option, "_by_words", lambda *_: None),
    "several named, one meant": (option, "_narrowed", lambda *_: option.AMBIGUOUS),
    "text within a sentence": (option, "_mentions", lambda *_: []),
    "spelling of LaTeX": (option, "_LATEX", []),
    "same words": (option, "_SAME_WORD", {}),
}
YES_NO = {
    "at the beginning": (yes_no, "_OPENING", NEVER),
    "at the end": (yes_no, "_CLOSING", NEVER),
    "hedge": (yes_no, "_HEDGE", NEVER),
    "restating": (yes_no, "_restates", lambda *_: None),
    "comparatives": (yes_no, "_DIRECTION", {}),
    "sides swapped": (yes_no, "_swapped", lambda *_: False),
    "superlatives": (yes_no, "_EXTREMES", {}),
    "opposites": (yes_no, "_OPPOSITE", {}),
    "the same": (yes_no, "_SAME", NEVER),
}
NAMES = {
    "after the verb": (text, "_tails", lambda *_: []),
    "without the question's words": (text, "_cores", lambda *_: []),
    "without a remark": (text, "_REMARK", NEVER),
    "a first or last line": (text, "is_name_alone", lambda _: False),
}
RULES: dict[str, dict[str, Any]] = {
    "channels": CHANNELS,
    "numbers": NUMBERS,
    "options": OPTIONS,
    "yes and no": YES_NO,
    "names": NAMES,
}


def rows(paths: list[Path]) -> Iterator[tuple[Task, Sample, str, Any]]:
    """(task, sample, response, convention) of every row that can be asked."""
    for path in paths:
        name = path.parent.name if path.parent.name in BUILTIN else path.stem.split("_")[0]
        lines = path.read_text(encoding="utf-8").splitlines()
        for line in lines[:: -(-len(lines) // MOST)]:
            row = json.loads(line)
            if "response" not in row:  # gold answers only
                continue
            if "mask" in row["record"]:
                row["record"]["mask"] = str(path.parent / row["record"]["mask"])
            task = load_builtin(name)
            try:
                sample = next(iter(task.to_samples(row["record"])))
            except RowError:
                continue
            yield task, sample, str(row["response"]), row.get("coords")


def values(data: list[tuple[Task, Sample, str, Any]]) -> list[float]:
    for module in MODULES:
        for member in vars(module).values():
            if hasattr(member, "cache_clear"):
                member.cache_clear()
    return [
        task.score(sample, Response(response), coords=coords).value for task, sample, response, coords in data
    ]


def without(rule: tuple[Any, str, Any], data: list[tuple[Task, Sample, str, Any]]) -> list[float]:
    """The values with one rule switched off, in every module that has it by name."""
    module, attribute, replacement = rule
    original = getattr(module, attribute)
    holders = [other for other in MODULES if getattr(other, attribute, None) is original]
    for holder in holders:
        setattr(holder, attribute, replacement)
    try:
        return values(data)
    finally:
        for holder in holders:
            setattr(holder, attribute, original)


def main() -> None:
    folder, *files = map(Path, sys.argv[1:])
    data = list(rows([*sorted(folder.glob("*/*.jsonl")), *files]))
    with_all = values(data)
    print(f"# What each rule of reading moves\n\n{INTRODUCTION.format(rows=len(data))}\n")
    for kind, rules in RULES.items():
        print(f"## {kind.capitalize()}\n\n| without | lost | gained |\n|---|---|---|")
        for name, rule in rules.items():
            changed = [new - old for old, new in zip(with_all, without(rule, data), strict=True)]
            lost, gained = sum(change < -1e-6 for change in changed), sum(change > 1e-6 for change in changed)
            print(f"| {name} | {lost} | {gained} |", flush=True)
        print()


if __name__ == "__main__":
    main()
