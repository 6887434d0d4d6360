"""Responses that nobody should give and rows that nobody should publish, drawn by seed.

`response(draw, gold)` draws one response, `mutated(draw, row)` one damaged row; `attacks()` lists the texts
that cost most, as (before, piece, after): the piece is repeated up to the length that is wanted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

PAIRS = (
    ("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ('"', '"'), ("“", "”"), ("$", "$"), ("$$", "$$"),
    ("`", "`"), ("```json\n", "\n```"), ("**", "**"), ("__", "__"), ("\\(", "\\)"), ("\\[", "\\]"),
    ("\\boxed{", "}"), ("\\text{", "}"), ("\\frac{1}{", "}"), ("\\sqrt{", "}"), ("2^{", "}"),
    ("\\left(", "\\right)"), ("\\begin{pmatrix}", "\\end{pmatrix}"), ("<think>", "</think>"),
    ("◁think▷", "◁/think▷"), ("<answer>", "</answer>"), ("<|begin_of_box|>", "<|end_of_box|>"),
    ("<|channel|>final<|message|>", "<|end|>"), ('{"answer": ', "}"), ("[1, ", "]"),
    ('{"point_2d": [', "]}"), ("<b>", "</b>"), ("<box>", "</box>"), ("|", "|"),
)  # fmt: skip
"""What opens, and what closes."""
WORDS = (
    "A", "B", "(C)", "D.", "b)", "Z", "option ", "the ", "answer is ", "The answer is ", "Answer: ", "答案是",
    "#### ", "yes", "no", "not ", "is not ", "isn't ", "or ", "and ", "so ", "Therefore, ", "wait, ",
    "No, wait. ", "than ", "left", "right", "red", "12", "-3.5", "1,234", "0.5", "47%", "2014", "½", "²",
    "one hundred ", "half ", "x", "=", "<", ">", "≤", "\\pi", "\\infty", "\\cup", "\\pm", "&", "\\\\", "\\",
    "^", "_", ",", ";", ":", ".", "!", "?", "…", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028",
    "\x00", "\x1b[0m", "\ud800", "\udfff", "\u202e", "\u200f", "\u200b", "\ufeff", "\U000f0000",
    "\U0010ffff", "e\u0301", "ﬁ", "İ", "ß", "٤٧", "中", "ไทย", "👨‍👩‍👧", "I cannot determine the answer",
    "cannot see the image. ", "<loc0001>", "<loc_5>", "<|im_end|>", "</s>", "\\\"", "x_min: 5 ", "px", "'",
    '"',
)  # fmt: skip
NUMBERS = (
    "9" * 400, "-" * 30 + "1", "1e999", "1e-999", "-1e308", "0x10", "1_000", "nan", "inf", "-Infinity",
    "NaN", "0/0", "1/0", "10^{10^{10}}", "2**9999999", "99!", "1000!!", "0." + "3" * 300, "1," * 200,
    "1e5e5", "٣", "¼", "1:2:3", "3000000000", "-0", "+.5", ".", "1.2.3.4", "9" * 40 + "/7", "10^-400",
    "5 trillion billion",
)  # fmt: skip
SENTENCES = (
    "{}", "{}.", "The answer is {}.", "**{}**", "\\boxed{{{}}}", "<answer>{}</answer>",
    "<think>{}</think>{}", '{{"answer": "{}"}}', "not {}", "{} is wrong", "{} or {}",
    "It is {}, because it is.\n\nFinal answer: {}", "<think>hm {}", "$\\text{{{}}}$", "{}\n" * 3,
    "A: {} B: {} C: {}", "[{}]", "({}, {})", "Therefore {}. So {}.",
)  # fmt: skip


def _mixture(draw: Random, gold: str) -> str:
    parts = [draw.choice((*WORDS, *NUMBERS, *draw.choice(PAIRS), gold)) for _ in range(draw.randint(0, 30))]
    return draw.choice(("", " ", "\n")).join(parts)


def _length(draw: Random) -> int:
    """Mostly short, at times beyond every limit."""
    return int(draw.choices((300, 3000, 40_000, 200_000), (80, 18, 1.9, 0.1))[0] * draw.random())


def _repeated(draw: Random, gold: str) -> str:
    piece = draw.choice((*WORDS, *draw.choice(PAIRS), f"{draw.choice(WORDS)}{draw.choice(WORDS)}", gold or " "))
    before, after = _mixture(draw, gold), draw.choice(("", gold, "x", draw.choice(WORDS)))
    return before + piece * (_length(draw) // len(piece)) + after


def _nested(draw: Random, gold: str) -> str:
    """Deep, and at times not closed as often as opened."""
    text, depth = gold, draw.choice((1, 3, 50, 300, 5000))
    for opening, closing in draw.choices(PAIRS, k=draw.randint(1, 3)):
        closed = depth if draw.random() < 0.5 else draw.randint(0, depth)
        text = opening * depth + text + closing * closed
    return text


def _numbers(draw: Random, gold: str) -> str:
    def number() -> str:
        some = (f"{draw.uniform(-2000, 2000):.{draw.randint(0, 9)}f}", str(draw.getrandbits(200)), "0", "999")
        return draw.choice((*some, draw.choice(NUMBERS)))

    vectors = [
        draw.choice(
            ("({})", "[{}]", "<{}>", "{}", "[[{}]]", '{{"bbox_2d": [{}]}}', "x1={}", "\\frac{{{}}}")
        ).format(draw.choice((", ", ",", " ", ";", "+", "^")).join(number() for _ in range(draw.randint(1, 6))))
        for _ in range(draw.randint(1, 12))
    ]
    return draw.choice((" ", ",", "\n", "")).join([gold, *vectors])


def _object(draw: Random, gold: str) -> str:
    """JSON that is deep, wide or cut off."""
    value: Any = draw.choice((gold, None, math.nan, math.inf, 10**300, [], {}, [gold] * 50, True, "\\" * 50))
    for _ in range(draw.choice((0, 1, 5, 400))):
        value = draw.choice(
            ({"answer": value}, [value], {"point": value, "label": gold}, {"bbox_2d": [value, 1]})
        )
    text = json.dumps(value, ensure_ascii=draw.random() < 0.5)
    text = text[: draw.randint(0, len(text))] if draw.random() < 0.4 else text
    return draw.choice(("{}", "```json\n{}\n```", "The answer is {}")).replace("{}", text)


def _characters(draw: Random, gold: str) -> str:
    planes = ((0, 0x80), (0x80, 0x700), (0x2000, 0x2100), (0xD800, 0xE000), (0xFE00, 0x10000), (0, 0x110000))
    said = "".join(chr(draw.randrange(*draw.choice(planes))) for _ in range(draw.randint(0, 60)))
    return draw.choice((said, gold + said, said + gold))


def _changed(draw: Random, gold: str) -> str:
    """A right answer in a sentence, with a few characters deleted, doubled, swapped, or others put in."""
    text = list(draw.choice(SENTENCES).replace("{}", gold))
    for _ in range(draw.randint(0, 5)):
        at = draw.randint(0, len(text))
        text[at : at + draw.randint(0, 3)] = draw.choice(
            ([], text[at : at + 2] * 2, text[at : at + 3][::-1], [draw.choice(WORDS)], [*draw.choice(PAIRS)])
        )
    said = "".join(text)
    return draw.choice((said, said.upper(), said.lower(), said[::-1])) if draw.random() < 0.2 else said


KINDS: tuple[Callable[[Random, str], str], ...] = (
    _mixture, _repeated, _nested, _numbers, _object, _characters, _changed, _changed,
)  # fmt: skip


def response(draw: Random, gold: str) -> str:
    """One hostile response to a question with that right answer."""
    return draw.choice(KINDS)(draw, gold)


# --- Rows ---------------------------------------------------------------------------------------------------


def _deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def _cell(draw: Random, value: Any) -> Any:
    """What a column holds in place of a value."""
    other: tuple[Any, ...] = (
        None, math.nan, math.inf, "", " ", "nan", "None", 0, -1, 10**30, 2.5, True, b"\xff\xfe\x00", [], {},
        [None], [[]], [value], [value, value], {"bytes": None}, {"bytes": b"no picture", "path": "../x"},
        str(value)[:5000], "Z", "AB", "E\nF", "\x00", "\ud800", "[[[[", "[" * 3000 + "]" * 3000,
        "[" + "-" * 50_000 + "1]", "['a', 'b'", "[1, 2, 3", "{'a': 1}", "[(0.1, nan), (inf, 2)]",
        "x" * 200_000, "9" * 5000, "[" + "1," * 20_000 + "]", _deep(3), _deep(2000), {"a": _deep(500)},
        ["a"] * 100, object(), "http://x/y.png", "data:image/png;base64,####", ("a", 1),
        {"x": {"y": {"z": None}}}, "\\frac{" * 500, json.dumps({"a": 1}), "Question?\nA. x\nB. y",
        "<image 9>",
    )  # fmt: skip
    return draw.choice(other)


def mutated(draw: Random, row: dict[str, Any]) -> dict[str, Any]:
    """A row with one to four of its columns removed, replaced or exchanged."""
    damaged = dict(row)
    for _ in range(draw.randint(1, 4)):
        name = draw.choice(list(row))
        how = draw.random()
        if how < 0.15:
            damaged.pop(name, None)
        elif how < 0.25:
            damaged[name] = row[draw.choice(list(row))]
        elif how < 0.4 and isinstance(row[name], list | tuple | str | bytes) and row[name]:
            damaged[name] = row[name][: draw.randrange(len(row[name]))]
        elif how < 0.5 and isinstance(row[name], dict) and row[name]:
            damaged[name] = mutated(draw, row[name])
        else:
            damaged[name] = _cell(draw, row[name])
    return damaged


# --- Growth -------------------------------------------------------------------------------------------------

_RUNS = (
    " ", "\n", "\t", "\u00a0", "\u200b ", "a", "A", "a ", "A. ", "(A) ", "1", "1 ", "1,", "1.", "1/", "-",
    "1 - ", "[[", "((", "()", "{", "<", '"', "'", '"a', "\\", "$", "$$", "`", "**", "**a", "__a ", ",", ".",
    ";", "?", "!", "= ", "=1 ", "^", "\\frac{", "\\boxed{", "\\boxed{}", "\\text{", "\\(", "<think>",
    "</think>", "<think></think><answer>", "<|", "<answer>x</answer>", "<|begin_of_box|>", "(0,0)", "(0,0),",
    "[1,2,3,4]", "0,0,0,0 ", "x1: 1 ", "not ", "or ", "is ", "is not ", "the answer ", "answer is ",
    "answer is 7 ", "answer: B\n", "so x. ", "So x.\n", "wait, ", "option A ", "hundred ", "1 to ",
    "because ", '{"answer": ', '"answer": "', '"answer": [', ':"a" ', ' , "a', "½", "中", "不是", "A.\n",
    "- 1\n", "x is right. ", "(1,2)\n", "<b> ", "<b>\n", "` ", "aa, ", ", so", "(a(", "[x,x]", "3!", "e^",
)  # fmt: skip
_AROUND = (("", ""), ("The answer is ", "\x01"), ("<answer>" + "1" * 120 + "=1", " x.</answer>"))


def attacks() -> Iterator[tuple[str, str, str]]:
    """(before, piece, after) of texts that cost most where a pattern tries again and again."""
    for piece in _RUNS:
        for before, after in _AROUND:
            yield before, piece, after


def long(attack: tuple[str, str, str], length: int) -> str:
    """The text of an attack in about so many characters."""
    before, piece, after = attack
    return before + piece * (length // len(piece)) + after
