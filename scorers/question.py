"""What a question asks: its asking sentence, its words, and what kind of number would answer it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from scorers.number import find_numbers
from scorers.prose import sentences, tidy

MORE = (
    "more",
    "greater",
    "larger",
    "higher",
    "bigger",
    "longer",
    "taller",
    "older",
    "wider",
    "heavier",
    "faster",
)
LESS = ("fewer", "less", "smaller", "lower", "shorter", "younger", "narrower", "lighter", "slower")
"""Words that compare, whatever is compared."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    [
        *(
            "the",
            "and",
            "are",
            "was",
            "were",
            "what",
            "which",
            "who",
            "whom",
            "whose",
            "how",
            "many",
            "much",
            "does",
        ),
        *("did", "for", "from", "with", "that", "this", "these", "those", "there", "has", "have", "had", "can"),
        *(
            "could",
            "will",
            "would",
            "should",
            "all",
            "any",
            "each",
            "than",
            "then",
            "its",
            "into",
            "not",
            "they",
        ),
        *(
            "their",
            "between",
            "about",
            "when",
            "where",
            "find",
            "value",
            "number",
            "image",
            "picture",
            "figure",
        ),
        *("shown", "following"),
    ]
)
_CLAUSE = re.compile(
    r"^(?:if|as|given|since|suppose|assuming|according|use|in|on|for|when)\b.*?(,) ?(?=(?:what|which|how|who"
    r"|when|where|find|then|is|are|does|do|did|was|were|will|would|can|calculate|determine)\b)",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"\bhow (?:many|much) (?:\w+ )?(?:more|less|fewer|greater|higher|lower|larger|smaller|older|taller)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？]|[(（] ?_* ?[)）]|__|\?")


@lru_cache(maxsize=4096)
def content_words(text: str) -> tuple[str, ...]:
    """The words of a text that carry meaning, by their first six letters: "measures" is "measuring"."""
    words = (word[:6] for word in _WORD.findall(text[:4000].lower()) if word not in _COMMON)
    return tuple(dict.fromkeys(words))


@lru_cache(maxsize=4096)
def focus(question: str) -> str:
    """What of a question asks: its last sentence with a question mark or a blank, else its last.

    Of "If …, what is …?" and "As shown, find …" the part after the comma.
    """
    parts = sentences(tidy(question))
    asking = [part for part in parts if _ASKS.search(part)]
    asks = (asking or parts or [""])[-1]
    clause = _CLAUSE.search(asks)
    return asks[clause.end(1) :] if clause else asks


@lru_cache(maxsize=4096)
def asks_difference(question: str) -> bool:
    """Whether a question asks by how much something is more or less: "How many more …?"."""
    return _DIFFERENCE.search(focus(question)) is not None


def overlap(sentence: str, question: str) -> float:
    """The share of the content words of a question's focus that a sentence repeats; 0 where it has none.

    The first one counts double: in "What is the sum of the accuracies of A and B?" it is what is asked for.
    """
    asked = content_words(focus(question))
    if not asked:
        return 0.0
    said = {word[:6] for word in _WORD.findall(sentence[:1000].lower())}
    if "differ" in said and asks_difference(question):
        return 1.0
    return (sum(word in said for word in asked) + (asked[0] in said)) / (len(asked) + 1)


_YEAR_ASKED = re.compile(r"\b(?:which|what) years?\b", re.IGNORECASE)
_PERCENT_ASKED = re.compile(r"\b(?:what|which|how many|how much) (?:the )?percent", re.IGNORECASE)
_WHEN_ASKED = re.compile(r"(?:^|[.?!,] )(?:when\b|(?:at|during|by|since) when)", re.IGNORECASE)
_LABEL_ASKED = re.compile(
    r"\b(?:which|what) (week|month|day|episode|level|step|stage|grade|round|group|question|chapter|age|hour)\b",
    re.IGNORECASE,
)
_BLANK = re.compile(r"(\w+)\s[(（]?_{1,12}[)）]?\s(\w+)")
_MONEY_ASKED = re.compile(r"unit: ?[$€£]|how much (?:money|does .{1,80} cost|did .{1,80} spend)", re.IGNORECASE)
_AXIS_ASKED = re.compile(r"\b([xy])[- ](?:intercept|coordinate)", re.IGNORECASE)
_COUNT_ASKED = re.compile(r"\bhow many ((?:[\w-]+ ?){1,4})", re.IGNORECASE)


_MOST = ["most", "maximum", "highest", "largest", "greatest", "biggest", "longest", "tallest", "oldest", "max"]
_LEAST = ["least", "fewest", "minimum", "lowest", "smallest", "shortest", "youngest", "min"]
EXTREMES = {**dict.fromkeys(_MOST, 1), **dict.fromkeys(_LEAST, -1)}
"""Superlatives by their direction."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for, as far as it helps to tell the answer from other numbers."""

    question: str = ""
    """All of it."""
    numbers: frozenset[float] = frozenset()
    """The numbers of the question, which a sentence may repeat."""
    year: bool = False
    """It asks for a year."""
    when: bool = False
    """It asks when, perhaps for a year."""
    label: str = ""
    """It asks which one of things that are numbered: "week"."""
    blank: tuple[str, str] | None = None
    """It has a blank to fill in: the words before and after it."""
    difference: bool = False
    """It asks how much more or less."""
    percent: bool = False
    """It asks for a percentage."""
    money: bool = False
    """It asks for an amount of money."""
    axis: str = ""
    """It asks for a coordinate: "x" or "y"."""
    ratio: bool = False
    """It asks for a ratio or a fraction."""
    extreme: int = 0
    """It asks for the most (1) or the least (-1) of something, not for both."""
    counted: frozenset[str] = frozenset()
    """What it counts ("how many blue objects"), by the words' first five letters."""


@lru_cache(maxsize=4096)
def read_question(question: str) -> Asked:
    """What a question asks for."""
    question = question[-4000:]
    label = _LABEL_ASKED.search(question)
    counted = _COUNT_ASKED.search(question)
    axis = _AXIS_ASKED.search(question)
    words = re.findall(r"[a-z]{3,}", counted[1].lower()) if counted else []
    blank = _BLANK.search(question)
    extremes = {EXTREMES[word] for word in re.findall(r"[a-z]+", focus(question).lower()) if word in EXTREMES}
    return Asked(
        question,
        frozenset(number.value for number in find_numbers(question)),
        counted is None and _YEAR_ASKED.search(question) is not None,
        counted is None and _WHEN_ASKED.search(question) is not None,
        label[1].lower() if label else "",
        (blank[1].lower(), blank[2].lower()) if blank else None,
        asks_difference(question) or re.search(r"difference|how many times", question.lower()) is not None,
        _PERCENT_ASKED.search(question) is not None,
        _MONEY_ASKED.search(question) is not None,
        axis[1].lower() if axis else "",
        re.search(r"\b(?:ratio|fraction|proportion)\b", question.lower()) is not None,
        extremes.pop() if len(extremes) == 1 else 0,
        frozenset(
            word[:5] for word in words if word not in {"are", "the", "have", "with", "does", "were", "can"}
        ),
    )
