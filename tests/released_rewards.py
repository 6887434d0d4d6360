"""The reward rules of the released code, described anew, and what changes each into ours.

Where each rule was read:

- OneThinker's `EasyR1/verl/reward_function/onethinker_reward.py` (github.com/tulerfeng/OneThinker, commit
  4448451), read and not copied: the format pattern, the first answer block or else the whole response, each
  problem type, the structure bonus, 0 for an exception, the sum 0.9 · accuracy + 0.1 · format + 0.5 ·
  structure, white space taken away around tags; and `workers/reward/function.py` beside it: rewards in float32.
- A description of OpenVLThinkerV2's fork of it, whose source was not at hand: the tag `<thinking>`, open-ended
  answers that always end in an exception, lengths in characters, shaping that is switched off.
- Options and mathematics are compared there by mathruler and math-verify. `same_option` and `same_mathematics`
  are short stand-ins for them; `VERDICTS` has what the packages say (mathruler 0.1.0, math-verify 0.9.0) and a
  test compares.

Videos, masks and tracks are left out: nothing here trains on them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Set
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from training.shaping import LengthEnvelope

DEPARTURES = (
    "reader",
    "answer block",
    "refusals",
    "open thinking",
    "white space",
    "option",
    "number",
    "relative accuracy",
    "mathematics",
    "letter case",
    "unspaced text",
    "exceptions",
    "open-ended",
    "box",
    "corners",
    "structure",
    "format",
    "thinking tag",
    "length shaping",
    "length unit",
    "precision",
)
"""The classes of difference, by their names in the docs; the first are given up first as an explanation."""
ENVELOPE = LengthEnvelope(min_start=0, peak_start=4, peak_end=40, max_end=160)
_QUOTES = str.maketrans("‘’“”‐–—", "''\"\"---")
_NUMBER = re.compile(r"\\frac\{?(\d)\}?\{?(\d)\}?|(?<![{\w.])(-?\d+(?:\.\d+)?)(?:/(\d+))?(\s*%)?")
_REFUSAL = re.compile(r"\s*(?:I'm sorry|Sorry|I can(?:not|'t)|Unable to)\b", re.IGNORECASE)

VERDICTS = (
    # rule, gold, answer, what mathruler (option) or math-verify (mathematics) says
    ("option", "B", "B", True),
    ("option", "B", "b", True),
    ("option", "B", " B ", True),
    ("option", "B", "(B)", True),
    ("option", "B", "B.", False),
    ("option", "B", "B. dog", False),
    ("option", "B", "dog", False),
    ("option", "B", "The answer is B", False),
    ("mathematics", "42", "42.0", True),
    ("mathematics", "0.5", "1/2", True),
    ("mathematics", "0.5", r"$\frac{1}{2}$", True),
    ("mathematics", r"\frac{1}{2}", "0.5", True),
    ("mathematics", "2x", "2y", True),
    ("mathematics", "$2x$", "$2x$", True),
    ("mathematics", "$2x$", "$2y$", False),
    ("mathematics", r"\sqrt{3}", r"\sqrt{3}", False),
    ("mathematics", r"$\sqrt{a}$", r"\sqrt{a}", False),
    ("mathematics", r"\pi", r"\pi", False),
    ("mathematics", "12", "The answer is 12", True),
    ("mathematics", "12", "12 cm", True),
    ("mathematics", "12", "13", False),
)


class Asked(NamedTuple):
    """What a response answered."""

    kind: str
    """The problem type."""
    gold: str
    """As the row has it, without its block."""
    letter: str = ""
    """Of the right option."""


class Judged(NamedTuple):
    """What a response earned, by term; the total is weighted."""

    value: float
    format: float
    structure: float
    length: float
    total: float


def judged(line: Mapping[str, Any], asked: Asked, made: Set[str] = frozenset()) -> Judged:
    """What the release would pay for a recorded response, or would with some of our departures made.

    Args:
        line: of the rollout log.
        asked: the row.
        made: of `DEPARTURES`: these rules are ours, the others the release's. `reader` and `structure` take
            what our scorer read and its status from the log, and nothing else of its verdict.
    """
    text = line["text"] if "white space" in made else re.sub(r"\s*([<>/])\s*", r"\1", line["text"])
    tag = "think" if "thinking tag" in made else "thinking"
    shaped = formatted(text, tag, strict="format" in made)
    value = accuracy(answer(line, text, made), asked, made)
    blocks = _blocks(text)
    found = (
        line["status"] == "ok" if "structure" in made else well_formed(blocks[0] if blocks else "", asked.kind)
    )
    structure = shaped * found
    size = line["tokens"] if "length unit" in made else len(line["text"])
    length = ENVELOPE.reward(size) if "length shaping" in made else 0.0
    share = 0.8 if "length shaping" in made else 0.9
    total = share * value + 0.1 * shaped + 0.1 * length + 0.5 * structure
    return Judged(value, shaped, structure, length, total if "precision" in made else float(np.float32(total)))


def formatted(text: str, tag: str, *, strict: bool) -> float:
    """The release: one pattern that may run over inner tags. Strict: each tag once, something in each block."""
    flags = re.DOTALL | (re.IGNORECASE if strict else 0)
    whole = re.fullmatch(rf"\s*<{tag}>(.*?)</{tag}>\s*<answer>(.*?)</answer>\s*", text, flags)
    if not whole or not strict:
        return float(whole is not None)
    return float(
        len(re.findall(rf"</?(?:{tag}|answer)>", text, flags)) == 4 and all(map(str.strip, whole.groups()))
    )


def _blocks(text: str) -> list[str]:
    return [block.strip() for block in re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)]


def answer(line: Mapping[str, Any], text: str, made: Set[str]) -> str:
    """The release: the first answer block, to the letter; the response where there is none or nothing in it."""
    if "open thinking" in made and text.lower().count("<think>") > text.lower().count("</think>"):
        return ""
    if "reader" in made and not line["task"].endswith("spatial grounding"):  # there our log has pixels
        return line["extracted"] or ""
    blocks = _blocks(text)
    found = (blocks[-1 if "answer block" in made else 0] if blocks else "") or text.strip()
    return "" if "refusals" in made and _REFUSAL.match(found) else found


def accuracy(told: str, asked: Asked, made: Set[str]) -> float:
    """What an answer earns by the rule of its problem type."""
    gold = asked.gold
    match asked.kind:
        case "multiple choice":
            return float(same_option(told, asked.letter if "option" in made else gold))
        case "numerical":
            return float(
                any(
                    round(each, 2) == round(number, 2)
                    for each in numbers(told, made)
                    for number in numbers(gold)
                )
            )
        case "regression":
            return max((relative(each, numbers(gold)[0], made) for each in numbers(told, made)), default=0.0)
        case "ocr":
            mine, theirs = words(told, made), words(gold, made)
            return max(0.0, 1 - edits(mine, theirs) / max(1, len(theirs)))
        case "open-ended":
            return rouge(told, gold, made) if "exceptions" in made else 0.0
        case "math":
            return float(same_mathematics(told, gold, whole="mathematics" in made))
    return overlap(box(told, made), json.loads(gold)["boxes"], made)


def same_option(told: str, gold: str) -> bool:
    """The same but for case, white space and brackets around."""
    return re.sub(r"[\s(){}$]", "", told).lower() == re.sub(r"[\s(){}$]", "", gold).lower()


def numbers(text: str, made: Set[str] = frozenset()) -> list[float]:
    """What `float` makes of a text without commas: one number, or none. Ours: of "47%" also 0.47."""
    plain = text.replace(",", "")
    percent = "number" in made and plain.endswith("%")
    try:
        found = float(plain.strip("$% ") if "number" in made else plain)
    except ValueError:
        return []
    return [found, found / 100] if percent else [found]


def relative(told: float, gold: float, made: Set[str]) -> float:
    """The share of 0.50 … 0.95 within which a number is; the release wants less than each, in float32."""
    error = np.float32(abs(told - gold)) / np.float32(abs(gold) + 1e-8)
    room = np.float32(1) - np.arange(0.5, 0.975, 0.05, dtype=np.float32)
    within = error < room + (np.float32(1e-6) if "relative accuracy" in made else np.float32(0))
    mean = float(within.sum()) / len(room)
    return mean if "precision" in made else float(np.float32(mean))


def words(text: str, made: Set[str]) -> list[str]:
    """What stands between white space."""
    if "letter case" in made:
        text = unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold()
    if "unspaced text" in made:
        text = re.sub(r"([\u2e80-\u9fff\uac00-\ud7af])", r" \1 ", text)
    return text.split()


def edits(mine: list[str], theirs: list[str]) -> int:
    """The least number of words to put in, leave out or replace."""
    row = list(range(len(theirs) + 1))
    for at, word in enumerate(mine, 1):
        before, row[0] = row[0], at
        for place, other in enumerate(theirs, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]


def rouge(told: str, gold: str, made: Set[str]) -> float:
    """The mean of ROUGE-1, -2 and -L of stems; ours is ROUGE-L of words."""
    from rouge_score.rouge_scorer import RougeScorer

    names = ["rougeL"] if "open-ended" in made else ["rouge1", "rouge2", "rougeL"]
    scores = RougeScorer(names, use_stemmer="open-ended" not in made).score(gold, told)
    return sum(score.fmeasure for score in scores.values()) / len(names)


def same_mathematics(told: str, gold: str, *, whole: bool = False) -> bool:
    """The same value, or the same text between dollars. Whole: a text counts as if it had them."""
    mine, theirs = mathematics(told, whole=whole), mathematics(gold, whole=whole)
    return None not in (mine, theirs) and mine == theirs


def mathematics(text: str, *, whole: bool) -> Fraction | str | None:
    """What stands between dollars, else the last number of a text, else nothing."""
    between = re.search(r"\$(.+)\$", text)
    inner = (between[1] if between else text).strip()
    if (between or whole) and not _NUMBER.fullmatch(inner):
        return re.sub(r"\s", "", inner)
    found = list(_NUMBER.finditer(inner))
    if not found:
        return None
    top, bottom, number, under, percent = found[-1].groups()
    value = Fraction(int(top), int(bottom)) if top else Fraction(number) / int(under or 1)
    return value / 100 if percent else value


def box(told: str, made: Set[str]) -> list[float] | None:
    """Four numbers under the key `boxes` of a JSON object; ours: four numbers in a row."""
    if "box" in made:
        found = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", told.replace("bbox_2d", ""))]
        return found if len(found) == 4 else None
    try:
        boxes = json.loads(told)["boxes"]
        return [float(number) for number in boxes] if len(boxes) == 4 else None
    except (ValueError, TypeError, KeyError):
        return None


def overlap(mine: list[float] | None, theirs: list[float], made: Set[str]) -> float:
    """The IoU; a box whose second corner comes first has no area."""
    if mine is None:
        return 0.0
    if "corners" in made:
        mine = [*map(min, mine[:2], mine[2:]), *map(max, mine[:2], mine[2:])]
    areas = [max(0.0, x2 - x1) * max(0.0, y2 - y1) for x1, y1, x2, y2 in (mine, theirs)]
    sides = [max(0.0, min(mine[at + 2], theirs[at + 2]) - max(mine[at], theirs[at])) for at in (0, 1)]
    common = sides[0] * sides[1]
    return common / (sum(areas) - common)


def well_formed(block: str, kind: str) -> bool:
    """Whether a block has the shape that is asked for: only a box has one."""
    return kind != "spatial grounding" or box(block, frozenset()) is not None
