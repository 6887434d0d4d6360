r"""Equality of two mathematical answers, however they are written.

In this order, each step cheaper than the next:

1. the same text, once both are in one spelling (`scorers.math.text`);
2. structure: intervals (`scorers.math.regions`), sets, tuples, ratios, `x = 5` against `5`, an amount and unit;
3. numbers: both sides have a value (`scorers.math.latex`);
4. words: a side that holds words is a text, and texts that differ are unequal;
5. sampling (`scorers.math.sampling`): expressions in variables that differ at a point are unequal, those that
   agree at four are equal; equations are compared at their solutions;
6. structural limits: an expression that is too long, too deep, or has towers, big exponents or factorials is
   unequal to any other text, on every machine alike;
7. math-verify (for inequalities and notation that the steps above cannot read) in a worker process, which is
   killed when it takes too long.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from scorers.math.amount import close, same_amount, value_of, without_unit
from scorers.math.regions import same_region
from scorers.math.sampling import same_expression, same_relation
from scorers.math.text import LONGEST, compact, split_outside, standard
from scorers.math.workers import WorkerPool

MAX_SYMBOLIC = 200
"""Longest expression in characters that is handed to the symbolic engine."""
MAX_NESTING = 8
"""Deepest nesting of brackets in it."""
MAX_EXPONENT = 20
"""Largest integer exponent in it."""
MAX_POWER_OF_GROUPS = 4
"""Largest product of the integer exponents of brackets in it, which may have to be expanded."""
MAX_DIGITS = 15
"""Longest run of digits in it."""
MAX_NESTING_OF_LISTS = 40
"""Deepest nesting of brackets in a text that is compared part by part."""
MAX_ELEMENTS = 32
"""Most elements of a list or set that is compared element by element."""

_LIST_WORDS = re.compile(r"\s*(?:,\s*)?(?<![a-zA-Z\\])(?:and|or)(?![a-zA-Z])\s*", re.IGNORECASE)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"-?(?:0,\d|\d+,(?:\d{1,2}|\d{4,15})(?!\d))")
_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{3,}")
_FUNCTION_WORDS = frozenset(
    ("sin", "cos", "tan", "cot", "sec", "csc", "log", "exp", "arcsin", "arccos", "arctan")
)
_TO = re.compile(r"(?<=[\d)}]) to (?=[\d(\\])")
_TIME = re.compile(r"\d{1,2}:(?:(0\d)|[1-5]\d)(?::[0-5]\d)?")
"""A time of day; one with minutes below ten is nothing else."""
_NAME = re.compile(r"(?!\d)(?:\\[a-zA-Z]++|[a-zA-Z\d_{}'. ]|\((?:[a-zA-Z],?)+\))++")
"""What may stand on the left of an equation as a name: x, \\angle ABC, f(x)."""
_QUANTITY = re.compile(r"(?:[a-zA-Z+*/() -]|\\(?:cdot|times|angle|triangle)(?![a-zA-Z]))+")
"""What names a quantity without a number: m+n, AB + CD. Not `x^2`, `2x`: their value is not the variable's."""
_FUNCTION_NAME = re.compile(r"y|[fgh]\(x\)")
_RELATION = re.compile(r"(?<![<>!])=(?!=)|\\in(?![a-zA-Z])")
_INEQUALITY = re.compile(r"[<>]|\\(?:le|ge|ne|lt|gt)(?![a-zA-Z])")


def symbolic_equal(prediction: str, gold: str) -> bool:
    r"""Whether two answers are the same mathematics: `\frac{1}{2}` and `0.5`, `x = 5` and `5`, `a+b` and `b+a`.

    Not symmetric where a side says more: a unit or a variable's name that one side leaves out is no difference,
    two different units are. Decimals equal a value that they round to (three significant digits or more).

    Args:
        prediction: a short answer, LaTeX or plain.
        gold: the right answer.

    Raises:
        ScorerError: the symbolic engine ran out of time or memory, or could not be started.
    """
    if len(prediction) > LONGEST or len(gold) > LONGEST:
        return prediction.strip() == gold.strip() != ""
    one, other = standard(prediction), standard(gold)
    if max(_nesting(one), _nesting(other)) > MAX_NESTING_OF_LISTS:
        return compact(one) == compact(other)
    return _equal(one, other)


def _nesting(text: str) -> int:
    """The deepest nesting of brackets of any kind."""
    depth = deepest = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _equal(one: str, other: str) -> bool:
    if not one or not other:
        return False
    if _same_text(one, other):
        return True
    for compare in (same_region, _as_members, _as_equations, _as_ratios, same_amount):
        verdict = compare(one, other)
        if verdict is not None:
            return verdict
    return _by_algebra(one, other)


def _same_text(one: str, other: str) -> bool:
    one, other = compact(one).replace(" ", ""), compact(other).replace(" ", "")
    return one == other or (one.casefold() == other.casefold() and (one.isalpha() or bool(_WORD.search(one))))


# --- Lists, sets, tuples, intervals -----------------------------------------------------------------------


def _members(text: str) -> tuple[str, list[str]] | None:
    r"""The brackets ("" for none, "{}" for a set) and elements of a list; None for a single thing."""
    text = text.replace(r"\lbrace", r"\{").replace(r"\rbrace", r"\}")
    if text.startswith(r"\{") and text.endswith(r"\}"):
        return "{}", split_outside(text[2:-2], ",;")
    if text[0] in "([{" and text[-1] in ")]}":
        elements = split_outside(text[1:-1], ",;")
        if len(elements) > 1 and not {")", "}"} & set("".join(split_outside(text[1:-1], ")}")[1:2])):
            return text[0] + text[-1], elements
    joined = _LIST_WORDS.sub(",", text) if len(text) <= 200 else text
    elements = split_outside(joined, ",;")
    if text.count(r"\pm") == 1 and len(elements) == 1:
        return "{}", [text.replace(r"\pm", "+"), text.replace(r"\pm", "-")]
    if len(elements) > 1 and not _THOUSANDS.fullmatch(text):
        solutions = _solutions(elements)
        return ("{}", solutions) if solutions else ("{}" if joined != text else "", elements)
    return None


def _solutions(elements: list[str]) -> list[str] | None:
    """The values of "x = 5, -5" and "x = 5, x = -5": one name for all; None for any other list."""
    named = [_RELATION.split(element) for element in elements]
    names = {compact(sides[0]) for sides in named if len(sides) > 1}
    if len(named[0]) != 2 or len(names) != 1 or any(len(sides) > 2 for sides in named):
        return None
    return [sides[-1].strip() for sides in named] if _NAME.fullmatch(named[0][0].strip()) else None


def _as_members(one: str, other: str) -> bool | None:
    mine, theirs = _members(one), _members(other)
    if _is_decimal_comma(one, theirs) or _is_decimal_comma(other, mine):
        return _equal(one.replace(",", "."), other.replace(",", "."))
    if mine is None and theirs is None:
        return None
    if mine and theirs is None and mine[0] == "{}" and _LIST_WORDS.search(one):  # "3/8 or 0.375"
        return 0 < len(mine[1]) <= MAX_ELEMENTS and all(_equal(element, other) for element in mine[1])
    (brackets, elements), (gold_brackets, gold_elements) = (
        mine or _digit_groups(one),
        theirs or _digit_groups(other),
    )
    if len(elements) != len(gold_elements) or len(elements) > MAX_ELEMENTS:
        return False
    if (brackets and gold_brackets and brackets != gold_brackets) or "" in elements + gold_elements:
        return False
    named = all("=" in element for element in elements + gold_elements)
    if named or "{}" in (brackets, gold_brackets):
        return _same_set(elements, gold_elements)
    return all(map(_equal, elements, gold_elements))


def _is_decimal_comma(text: str, counterpart: tuple[str, list[str]] | None) -> bool:
    """Whether a comma stands for a point, in a text against one that is no list: `3,5` against `3.5`."""
    return counterpart is None and _DECIMAL_COMMA.match(text) is not None and text.count(",") == 1


def _digit_groups(text: str) -> tuple[str, list[str]]:
    """A number with separators that stands against a list may be one: `100,200`."""
    return "", text.split(",") if _THOUSANDS.fullmatch(text) else [text]


def _same_set(elements: list[str], gold: list[str]) -> bool:
    """Whether each element has a partner of its own."""
    left = list(gold)
    for element in elements:
        partner = next((place for place, wanted in enumerate(left) if _equal(element, wanted)), None)
        if partner is None:
            return False
        del left[partner]
    return True


# --- Equations and ratios ---------------------------------------------------------------------------------


def sides(text: str) -> tuple[str, str]:
    """The name on the left of an equation ("" for none) and what it equals."""
    if _INEQUALITY.search(text):
        return "", text
    parts = [part.strip() for part in _RELATION.split(text.replace(r"\approx", "="))]
    if len(parts) < 2 or not all(parts):
        return "", text
    if len(parts) == 2 and parts[1].isalpha() and value_of(parts[0]) is not None:
        parts.reverse()  # 5 = s
    return parts[0], parts[-1]


def _as_equations(one: str, other: str) -> bool | None:
    name, value = sides(one)
    gold_name, gold_value = sides(other)
    if not name and not gold_name:
        return None
    if name and gold_name:
        if _same_text(name, gold_name) or {*map(_named_function, (name, gold_name))} == {True}:
            return _equal(value, gold_value)
        if _same_text(name, gold_value):
            return _equal(value, gold_name)
        return None
    left = name or gold_name
    chain = len(_RELATION.split(one if name else other)) > 2  # m+n = 256+37 = 293
    if chain or _NAME.fullmatch(left) or _QUANTITY.fullmatch(left) or value_of(left) is not None:
        return _equal(value, gold_value)
    return None


def _named_function(name: str) -> bool:
    return _FUNCTION_NAME.fullmatch(compact(name)) is not None


def _as_ratios(one: str, other: str) -> bool | None:
    """`3:2` is "6 to 4" and `3/2`; a time of day (`5:05`) is no other (`6:06`)."""
    mine, theirs = (split_outside(_TO.sub(":", text), ":") for text in (one, other))
    if len(mine) == len(theirs) == 1 or len(mine) > 8 or len(theirs) > 8:
        return None
    clocks = [_TIME.fullmatch(compact(text)) for text in (one, other)]
    if all(clocks) or any(clock and clock[1] for clock in clocks):
        return mine == theirs
    if len(mine) == 1 and len(theirs) == 2:
        mine = [*mine, "1"]
    elif len(theirs) == 1 and len(mine) == 2:
        theirs = [*theirs, "1"]
    values, golds = [value_of(part) for part in mine], [value_of(part) for part in theirs]
    if len(values) != len(golds) or None in values or None in golds:
        return False
    first, gold_first = values[0], golds[0]
    return all(
        close(float(value) * float(gold_first or 0), float(gold) * float(first or 0))
        for value, gold in zip(values, golds, strict=True)
        if value is not None and gold is not None
    )


# --- Algebra ----------------------------------------------------------------------------------------------

_EXPONENT = re.compile(r"([)}\]]?)\s*\^\s*(?:\{\s*-?\s*(\d+)|\(\s*-?\s*(\d+)|-?\s*(\d+))")
_COSTLY = re.compile(
    r"!|\\(?:int|sum|prod|lim|binom|det|begin|matrix|pmatrix|gcd|lcm)(?![a-zA-Z])|[^\x20-\x7e]|[$#&]"
)


def within_limits(text: str) -> bool:
    """Whether an expression is small enough for the symbolic engine: a property of the text alone."""
    if len(text) > MAX_SYMBOLIC or _COSTLY.search(text) or re.search(rf"\d{{{MAX_DIGITS + 1}}}", text):
        return False
    power = 1
    for group, *digits in _EXPONENT.findall(text):
        exponent = int("".join(digits))
        power *= max(exponent, 1) if group else 1
        if exponent > MAX_EXPONENT or power > MAX_POWER_OF_GROUPS:
            return False
    depth, exponents = 0, []
    for place, sign in enumerate(text):
        if sign in "([{":
            depth += 1
            if text[max(0, place - 1) : place] == "^":
                exponents.append(depth)
        elif sign in ")]}":
            if exponents and exponents[-1] == depth:
                exponents.pop()
            depth -= 1
        elif sign == "^" and exponents:
            return False  # a tower
        if not 0 <= depth <= MAX_NESTING:
            return False
    return depth == 0 and re.search(r"\^\s*[^{(\s]\s*\^", text) is None


def _by_algebra(one: str, other: str) -> bool:
    """The verdict of sampling or the symbolic engine, where both sides are expressions within the limits."""
    one, other = without_unit(one), without_unit(other)
    for text in (one, other):
        words = {word.lower() for word in _WORD.findall(text)}
        if words - _FUNCTION_WORDS or not re.search(r"[\da-zA-Z]", text):
            return False
    if not (_has_structure(one) or _has_structure(other)):
        return False
    agree = _by_sampling(one, other)
    if agree is not None:
        return agree
    return within_limits(one) and within_limits(other) and _ask(compact(one), compact(other))


def _by_sampling(one: str, other: str) -> bool | None:
    related = [_INEQUALITY.search(text) is not None or "=" in text for text in (one, other)]
    if not any(related):
        return same_expression(one, other)
    return same_relation(one, other) if all(related) else False


def _has_structure(text: str) -> bool:
    """Whether there is anything to calculate: a lone name or number differs from another by its text."""
    return re.search(r"[-+*/^<>=]|\\[a-zA-Z]|\w\s*\w", text) is not None


@cache
def _pool() -> WorkerPool:
    return WorkerPool("scorers.math.symbolic_worker")


@lru_cache(maxsize=65_536)
def _ask(prediction: str, gold: str) -> bool:
    return bool(_pool().call([prediction, gold]))
