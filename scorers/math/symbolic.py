r"""Equality of two mathematical answers, however they are written.

In this order, each step cheaper than the next:

1. the same text, once both are in one spelling (`scorers.math.text`);
2. structure: intervals (`scorers.math.regions`), sets, tuples, ratios, `x = 5` against `5`, an amount and unit;
3. numbers: both sides have a value (`scorers.math.latex`);
4. words: a side that holds words is a text, and texts that differ are unequal;
5. sampling (`scorers.math.sampling`): expressions in variables that differ at a point are unequal, those that
   agree at four are equal; equations and inequalities are compared by the difference of their sides.

What none of them can read equals only itself. Work is bounded by the length and nesting of the texts, not by a
clock: the verdict is the same on every machine.
"""

from __future__ import annotations

import re

from scorers.math.amount import same_amount, value_of
from scorers.math.regions import same_region
from scorers.math.sampling import same_expression, same_relation
from scorers.math.text import LONGEST, compact, split_outside, standard

MAX_NESTING = 40
"""Deepest nesting of brackets in a text that is compared part by part."""
MAX_ELEMENTS = 32
"""Most elements of a list or set that is compared element by element."""

_LIST_WORDS = re.compile(r"\s*(?:,\s*)?(?<![a-zA-Z\\])(?:and|or)(?![a-zA-Z])\s*", re.IGNORECASE)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"-?(?:0,\d|\d+,(?:\d{1,2}|\d{4,15})(?!\d))")
_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{3,}")
_CLOSES = re.compile(r"[^(\[{]*[)\]}]")
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
    """
    if len(prediction) > LONGEST or len(gold) > LONGEST:
        return prediction.strip() == gold.strip() != ""
    one, other = standard(prediction), standard(gold)
    if max(_nesting(one), _nesting(other)) > MAX_NESTING:
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
    return _by_sampling(one, other)


def _same_text(one: str, other: str) -> bool:
    one, other = compact(one).replace(" ", ""), compact(other).replace(" ", "")
    return one == other or (one.casefold() == other.casefold() and (one.isalpha() or bool(_WORD.search(one))))


# --- Lists, sets, tuples ------------------------------------------------------------------------------------


def _members(text: str) -> tuple[str, list[str]] | None:
    r"""The brackets ("" for none, "{}" for a set) and elements of a list; None for a single thing."""
    text = text.replace(r"\lbrace", r"\{").replace(r"\rbrace", r"\}")
    if text.startswith(r"\{") and text.endswith(r"\}"):
        return "{}", split_outside(text[2:-2], ",;")
    if text[0] in "([{" and text[-1] in ")]}":
        elements = split_outside(text[1:-1], ",;")
        if len(elements) > 1 and not any(map(_CLOSES.match, elements)):
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
    if (mine is None or theirs is None) and (
        mine is theirs or _RELATION.search(one if mine is None else other)
    ):
        return None
    if mine and theirs is None and mine[0] == "{}" and _LIST_WORDS.search(one):  # "3/8 or 0.375"
        return 0 < len(mine[1]) <= MAX_ELEMENTS and all(_equal(element, other) for element in mine[1])
    return _same_members(mine or ("", [one]), theirs or ("", [other]))


def _same_members(mine: tuple[str, list[str]], theirs: tuple[str, list[str]]) -> bool:
    (brackets, elements), (gold_brackets, gold_elements) = mine, theirs
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


def _same_set(elements: list[str], gold: list[str]) -> bool:
    """Whether each element has a partner of its own."""
    left = list(gold)
    for element in elements:
        partner = next((place for place, wanted in enumerate(left) if _equal(element, wanted)), None)
        if partner is None:
            return False
        del left[partner]
    return True


# --- Equations, ratios, expressions -------------------------------------------------------------------------


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
        functions = all(_FUNCTION_NAME.fullmatch(compact(side)) for side in (name, gold_name))
        if functions or _same_text(name, gold_name):
            return _equal(value, gold_value)
        if _same_text(name, gold_value):
            return _equal(value, gold_name)
        return None
    named = value_named(one if name else other)
    return None if named is None else _equal(value, gold_value)


def value_named(text: str) -> str | None:
    """What a name or number equals by a standard text (`m+n = 256+37 = 293`); None for any other equation.

    The text itself where it is no equation.
    """
    name, value = sides(text)
    chain = len(_RELATION.split(text)) > 2
    if not name or chain or _NAME.fullmatch(name) or _QUANTITY.fullmatch(name) or value_of(name) is not None:
        return value
    return None


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
    if len(mine) != len(theirs) or None in map(value_of, mine + theirs):
        return False
    return all(
        same_expression(f"({value})/({mine[0]})", f"({gold})/({theirs[0]})") is True
        for value, gold in zip(mine[1:], theirs[1:], strict=True)
    )


def _by_sampling(one: str, other: str) -> bool:
    """Whether two expressions, equations or inequalities in variables agree; False for what cannot be read."""
    if _WORD.search(one) or _WORD.search(other):
        return False
    related = [_INEQUALITY.search(text) is not None or "=" in text for text in (one, other)]
    if any(related):
        return all(related) and same_relation(one, other) is True
    return same_expression(one, other) is True
