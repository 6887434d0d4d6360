"""Where a text names an option: cleaning, tokens, and the places that an option's text or letter stands at.

Everything here runs in linear time: texts are cut to `LIMIT` first, patterns have bounded repeats, option
texts are searched as token sequences with `str.find`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

LIMIT = 32_768
"""Characters of a text that are read; of a longer one the first eighth and the last seven eighths of these."""

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000\t\x0b\x0c"), " ")
_INVISIBLE = dict.fromkeys(
    [0, 0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
)
_ALIKE = {
    ord(old): new for old, new in {"‘": "'", "’": "'", "“": '"', "”": '"', "−": "-", "–": "-", "—": "-"}.items()
}
_CHARACTERS = _WIDE | _SPACES | _INVISIBLE | _ALIKE | {ord("\r"): "\n", ord("`"): None}
_TEXT_COMMAND = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|operatorname|rm)\s{0,3}\{([^{}]{0,400})\}"
)
_LATEX = [
    (re.compile(r"\^\s?\{?\s?\\circ\s?\}?|\\degree\b"), "°"),
    (re.compile(r"\\sqrt\b\s?(?:\{\s?(\w{1,12})\s?\})?"), r"√\1"),
    (re.compile(r"\\pi\b"), "π"),
    (re.compile(r"\\[dt]frac\b"), r"\\frac"),
    (re.compile(r"\\frac\s?\{\s?([\w.√]{1,16})\s?\}\s?\{\s?([\w.√]{1,16})\s?\}"), r"\1/\2"),
    (re.compile(r"\\(?:left|right|displaystyle)\b|\\[,;!()\[\]]|\\ "), " "),
    (re.compile(r"\\([%$&#])"), r"\1"),
]
_TAG = re.compile(r"</?(?:[a-z]|[A-Za-z][A-Za-z0-9]{1,15})\s?/?>")
_EMPHASIS = re.compile(r"(?<![0-9A-Za-z)])\*+|\*+(?![0-9A-Za-z(])|__|^#+ ", re.MULTILINE)
_TOKEN = re.compile(
    r"""(?<![\w)])-\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d) | (?<![\w)])-\d*\.?\d+   # a negative number
    | \d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d) | \d+\.\d+ | \.\d+ | \d+
    | [A-Za-z\u00c0-\u024f\u0370-\u052f][A-Za-z0-9\u00c0-\u024f\u0370-\u052f]*(?:'[A-Za-z]+)*
    | [^\W\d_]                              # a letter of a script that writes no spaces
    | [^\w\s.,;:!?()\[\]{}"'$\\*~-] | (?<=\d)-(?=\d)""",
    re.VERBOSE,
)
_UNIT = re.compile(r"[^\W\d_]{1,12}|[°%²³^'′″]|[23]")
_FUNCTIONS = ("sin", "cos", "tan", "log", "ln", "exp", "sqrt", "frac", "times", "cdot", "and", "or", "to")
_NO_UNITS = frozenset((*_FUNCTIONS, *"xyznkrabcπθ"))
_ARTICLES = ("the", "a", "an")
_SAME_WORD = {"degrees": "°", "degree": "°", "percent": "%", "&": "and"}


def shorten(text: str) -> str:
    """The text itself, or head and tail of one longer than `LIMIT`."""
    if len(text) <= LIMIT:
        return text
    return f"{text[: LIMIT // 8]}\n\n{text[-LIMIT * 7 // 8 :]}"


def clean(text: str) -> str:
    """A text with one form of each character, without Markdown emphasis, tags and LaTeX wrappers."""
    text = shorten(text).translate(_CHARACTERS)
    if "\\" in text:
        for _ in range(2):
            text = _TEXT_COMMAND.sub(r"\1", text)
        for pattern, new in _LATEX:
            text = pattern.sub(new, text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    return _EMPHASIS.sub("", text.replace("$", "")).strip()


def _token(raw: str) -> str:
    if raw[-1].isdigit():
        raw = raw.replace(",", "")
        if "." in raw:
            raw = raw.rstrip("0").rstrip(".")
            raw = raw.replace(".", "0.", 1) if raw.lstrip("-").startswith(".") else raw
        return raw
    raw = raw.casefold()
    return _SAME_WORD.get(raw, raw)


class Tokens:
    """The tokens of a cleaned text, searchable as one string and mapped back to places in the text."""

    def __init__(self, text: str) -> None:
        self.words: list[str] = []
        self.spans: list[tuple[int, int]] = []
        self._starts: list[int] = []
        position = 1
        for match in _TOKEN.finditer(text):
            word = _token(match[0])
            if not word:
                continue
            self.words.append(word)
            self.spans.append(match.span())
            self._starts.append(position)
            position += len(word) + 1
        self.joined = f" {' '.join(self.words)} "

    def find(self, words: Sequence[str]) -> list[tuple[int, int]]:
        """Spans in the text of every place where these tokens stand in a row."""
        needle = f" {' '.join(words)} "
        found = []
        at = self.joined.find(needle)
        while at >= 0:
            first = bisect_right(self._starts, at + 1) - 1
            found.append((self.spans[first][0], self.spans[first + len(words) - 1][1]))
            at = self.joined.find(needle, at + len(needle) - 1)
        return found


def _bare(words: Sequence[str]) -> tuple[str, ...]:
    """Tokens without a leading article, where something follows it."""
    return tuple(words[1:] if len(words) > 1 and words[0] in _ARTICLES else words)


def _number_alone(forms: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """For options of a number and a unit ("70°"), the number; () where that does not tell them apart."""
    short = [
        form[:1] if len(form) > 1 and form[0][-1].isdigit() and re.match(r"[^\W\d_]|[°%]", form[1]) else ()
        for form in forms
    ]
    units = {form[1:] for form, head in zip(forms, short, strict=True) if head}
    heads = [form[:1] for form in forms]
    if len(units) != 1 or any(heads.count(head) > 1 for head in short if head):
        return [()] * len(forms)
    return short


@lru_cache(maxsize=4096)
def option_forms(options: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """For each option the token sequences that name it.

    None for an empty option and for one that reads like another; of options with the very same text the
    first stands for all.
    """
    forms = [_bare(Tokens(clean(option)).words) for option in options]
    short = _number_alone(forms)
    named = []
    for index, option in enumerate(options):
        alike = [other for other, form in zip(options, forms, strict=True) if form == forms[index]]
        clear = options.index(option) == index and all(other == option for other in alike)
        named.append(tuple(form for form in (forms[index], short[index]) if form) if clear else ())
    return tuple(named)


def is_numeric(options: tuple[str, ...]) -> bool:
    """Whether the options are numbers: two or more begin with one, at most one ("none of these") does not."""
    numbers = [
        form[0][-1].isdigit() or form[0] in "√π" for forms in option_forms(options) for form in forms[:1]
    ]
    return sum(numbers) > 1 and len(numbers) - sum(numbers) <= 1


def same_text(text: str, options: tuple[str, ...]) -> int | None:
    """The option whose text a cleaned text is: articles, case, punctuation, notation, a number's unit aside."""
    words = _bare(Tokens(text).words) if len(text) <= 4096 else ()
    if not words:
        return None
    named = option_forms(options)
    for index, forms in enumerate(named):
        if words in forms:
            return index
    for index, forms in enumerate(named):
        if any(
            words[: len(form)] == form and form[0][-1].isdigit() and _is_unit(form[-1], words[len(form) :])
            for form in forms
        ):
            return index
    return None


def _is_unit(last: str, rest: tuple[str, ...]) -> bool:
    """Whether a few tokens after a number are its unit."""
    return (
        last[-1].isdigit()
        and len(rest) <= 3
        and all(_UNIT.fullmatch(word) and word not in _NO_UNITS for word in rest)
    )


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where an option is named."""

    start: int
    end: int
    option: int
    """Index of the option; -1: a letter that no option has."""
    letter: bool
    firm: bool = True
    """False for a letter that stands bare in a sentence and may be something else's name."""


def text_mentions(tokens: Tokens, options: tuple[str, ...]) -> list[Mention]:
    """Where options are named by their texts; one inside another's longer text does not count.

    An option that is a single letter is not searched for: in prose it is an article or a name.
    """
    found = [
        Mention(start, end, index, letter=False)
        for index, forms in enumerate(option_forms(options))
        for form in forms
        if form != (form[0],) or len(form[0]) > 1 or not form[0].isalpha()
        for start, end in tokens.find(form)
    ]
    return outermost(found)


def outermost(mentions: list[Mention]) -> list[Mention]:
    """The mentions in order of place, without those that lie inside another."""
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda found: (found.start, -found.end, not found.letter)):
        if not kept or mention.end > kept[-1].end:
            kept.append(mention)
    return kept
