"""Reading a choice: the option that a response names by letter, text, value or, of a yes/no pair, polarity.

One function for every benchmark with options: the same text and options give the same option everywhere.
Letter and text that contradict each other ("A: no" where A is yes): the text decides. Options that are
themselves single letters are read as letter and text: "(C) D" is option C where its text is D.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from scorers.read.locate import AMBIGUOUS, Candidate, Channel, Found, Unclear, first, locate, plain
from scorers.read.normalise import WORDS, Clean
from scorers.read.number import NumberMatch, find_numbers, pick
from scorers.read.text import asked_stems, has_any, overlap, stem, undenied
from scorers.read.yes_no import direction, parse_yes_no, yes_no_pair

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# --- Tokens: one spelling of words, numbers and signs -------------------------------------------------------

_COMMAND = re.compile(r"\\(?:text\w{0,6}|math(?:rm|bf|it|sf)|operatorname|rm)\s{0,3}\{([^{}]{0,400})\}")
_LATEX = [(re.compile(pattern), new) for pattern, new in WORDS["latex"]["signs"]]
_TOKEN = re.compile(
    r"""(?<![\w)])-\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d) | (?<![\w)])-\d*\.?\d+   # a negative number
    | \d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d) | \d+\.\d+ | \.\d+ | \d+
    | [A-Za-z\u00c0-\u024f\u0370-\u052f][A-Za-z0-9\u00c0-\u024f\u0370-\u052f]*(?:'[A-Za-z]+)*
    | [^\W\d_]                              # a letter of a script that writes no spaces
    | [^\w\s.,;:!?()\[\]{}"'$\\*~-] | (?<=\d)-(?=\d)""",
    re.VERBOSE,
)
_ARTICLE = re.compile(r"^\W*(?:the|an?)\s+(?=\w\w)", re.IGNORECASE)
_SAME_WORD: dict[str, str] = WORDS["latex"]["same_word"]
_OPERATORS = frozenset("/^+*√")
_NO_UNIT = frozenset(("sin", "cos", "tan", "log", "and", "or", "to", *"xyznkrabcπθ"))


def _latex(text: str) -> str:
    if "\\" in text:
        text = _COMMAND.sub(r"\1", _COMMAND.sub(r"\1", text))
    for pattern, new in _LATEX if has_any(text, WORDS["latex"]["stems"]) else ():
        text = pattern.sub(new, text)
    return text


def _token(raw: str) -> str:
    if not raw[-1].isdigit():
        raw = raw.casefold()
        plural = len(raw) > 3 and raw[-1] == "s" and raw[-2] not in "sui"
        return _SAME_WORD.get(raw, raw[:-1] if plural else raw)
    raw = raw.replace(",", "")
    if "." in raw:
        raw = raw.rstrip("0").rstrip(".")
        raw = raw.replace(".", "0.", 1) if raw.lstrip("-").startswith(".") else raw
    return raw


def _words(text: str) -> tuple[str, ...]:
    """The tokens of a text without a leading article."""
    text = _ARTICLE.sub("", _latex(plain(text)))
    return tuple(filter(None, (_token(match[0]) for match in _TOKEN.finditer(text))))


@lru_cache(maxsize=4096)
def _forms(options: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """For each option the tokens that name it; () for one that reads like another."""
    own = [_words(option) for option in options]
    return tuple(
        form
        if all(other == option for other, alike in zip(options, own, strict=True) if alike == form)
        and options.index(option) == index
        else ()
        for index, (option, form) in enumerate(zip(options, own, strict=True))
    )


def same_text(text: str, options: tuple[str, ...]) -> int | None:
    """The option whose text a text is: articles, case, punctuation and notation aside."""
    words = _words(text) if len(text) <= 4096 else ()
    return _forms(options).index(words) if words and words in _forms(options) else None


def _mentions(text: str, options: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """(start, end, option) of every place where an option's text stands, none within another's longer text.

    An option that is a single letter is not searched for: in prose it is an article or a name.
    """
    tokens = [(match.span(), word) for match in _TOKEN.finditer(text) if (word := _token(match[0]))]
    joined, starts = " ", []
    for _, word in tokens:
        starts.append(len(joined))
        joined += f"{word} "
    found = []
    for index, form in enumerate(_forms(options)):
        at = joined.find(needle := f" {' '.join(form)} ") if form and len("".join(form)) > 1 else -1
        while at >= 0:
            place = bisect_right(starts, at + 1) - 1
            end = place + len(form)
            beside = tokens[max(0, place - 1) : place] + [
                token for token in tokens[end : end + 1] if token[1] != "="
            ]
            if not _OPERATORS.intersection(word for _, word in beside):
                found.append((tokens[place][0][0], tokens[end - 1][0][1], index))
            at = joined.find(needle, at + len(needle) - 1)
    kept: list[tuple[int, int, int]] = []
    for mention in sorted(found, key=lambda found: (found[0], -found[1])):
        if not kept or mention[1] > kept[-1][1]:
            kept.append(mention)
    return kept


# --- Letters ------------------------------------------------------------------------------------------------

_SPACELESS = "选项|选择|选|項"
_NOUN = rf"(?:options?|choices?|letter|answer|statement|opción|opção|Möglichkeit|вариант|{_SPACELESS})"
_LEADING = re.compile(
    r"^[\W_]*+(?:(?:the|la|el|le|die|o|is|but|it|it's|so|just|most likely|therefore|thus|correct"
    rf"|{_NOUN})\b[\s:,]*|(?:{_SPACELESS})(?=\w))*"
    r"(?P<open>[({\[<\"'$]*)(?P<letter>[A-Za-z])[)}\]>\"'$]*"
    r"(?P<mark>\s*(?:[.:,;)/|!]|[-–—](?=\s|$)|→|$)|(?=\s*[(\"\[])|(?=\s?[^\x00-\u024f])|\s+(?=(?:because|since|as|is|are|was"
    r"|项|for|which|with|that|and|or|seems|from|based|here)\b))",
    re.IGNORECASE,
)
_ANNOUNCED_LETTER = re.compile(r"(?P<open>)(?P<letter>[B-HJ-Z])(?P<mark>)(?=\s)")
_TRAILING = re.compile(
    rf"(?:\b{_NOUN}\s?(?:is\s|:\s?)?|\b(?:is|it's|as|be|choose|pick|select|think|say|guess)\s|:\s)"
    r"(?P<open>[(\[\"'$]*)(?P<letter>[A-Za-z])[)\]\"'$]*[\s.!,]*$",
    re.IGNORECASE,
)
_ITS_OPTION = re.compile(rf"\W*{_NOUN}\s?([A-Z])\W*", re.IGNORECASE)
_FIRM = re.compile(rf"\(([A-Z])\)|\b{_NOUN}\s?[(\"']?([A-Z])\b|(?<![\w'])([A-Z])\)", re.IGNORECASE)
_BARE = re.compile(r"(?<![\w'.])([A-Z])(?![\w'])(?!\.\w)")
_SEVERAL = re.compile(
    r"^[\W_]*(?:(?i:both|either|options?|choices?)\s)?\(?[A-Z]\)?"
    r"(?:\s?(?:,|/|&|,?\s?(?:and|or|und|oder|y|o|et|ou|和|或))\s?\(?[A-Zb-z]\)?(?![\w']))+"
)
_LABELLED = re.compile(r"^\W*[A-Z][.):]+\s")
_LABEL = re.compile(r"(?<![\w'])[A-Z]\s?[.):]\s")
_ENUMERATED = re.compile(
    r"^[\W_]{0,4}(?:(?:option|choice)\s)?([A-Za-z])\s?[.):]\s*\S", re.MULTILINE | re.IGNORECASE
)
_LETTERS_ONLY = re.compile(r"(?:[A-Z](?:[\W_]+|$))+")


def _index(letter: str, options: Sequence[str]) -> int:
    """The option of a letter; -1: a letter that no option has."""
    index = LETTERS.find(letter.upper()) if len(letter) == 1 else -1
    return index if index < len(options) else -1


def _lettered(text: str, options: tuple[str, ...], alone: bool, announced: bool) -> int | Unclear | None:
    """The option whose letter a text begins or ends with; AMBIGUOUS for several, or for none's."""
    several = _SEVERAL.match(text)
    if several and len(set(re.findall(r"(?<![\w'])[A-Zb-z](?![\w'])", several[0].upper()))) > 1:
        return AMBIGUOUS
    leading = _LEADING.match(text) or (_ANNOUNCED_LETTER.match(text) if announced else None)
    if leading is None or not _is_letter(leading, text):
        trailing = None if alone else _TRAILING.search(text[-200:])
        return _known(trailing["letter"], options) if trailing and _is_letter(trailing, text[-200:]) else None
    rest = re.sub(r"^[-–—]+\s", "", text[leading.end() :].lstrip(" .:,;()[]\"'")).rstrip(" .:,;)]\"'")
    own, told = _known(leading["letter"], options), same_text(rest, options)
    if named := _ITS_OPTION.fullmatch(rest):  # "D (option B)": D is its text
        return _known(named[1], options)
    if told is not None:
        return own if own is not AMBIGUOUS and options[told] == options[own] else told
    more = alone and rest and (leading["mark"].strip() not in (".", ":", ")") or _LABEL.search(rest))
    labels = leading["letter"] + "".join(label[0] for label in _LABEL.findall(rest))
    if more or (len(labels) > 2 and LETTERS.startswith(labels)):  # "A) red B) blue C) green"
        return None
    return AMBIGUOUS if _LETTERS_ONLY.fullmatch(rest[:200]) else own


def _is_letter(match: re.Match[str], text: str) -> bool:
    """Whether a matched letter is an option's: upper case, or lower case in brackets or with nothing else."""
    letter = match["letter"]
    if letter.isupper():
        return not (
            letter == "I" and match.re is _LEADING and re.match(r"\s[a-z']", text[match.end("letter") :])
        )
    at_end = match.end() - match.start("letter") >= len(text[match.start("letter") :].rstrip())
    return bool(match["open"].strip("\"'$")) or at_end


def _known(letter: str, options: Sequence[str]) -> int | Unclear:
    index = _index(letter, options)
    return AMBIGUOUS if index < 0 else index


# --- A candidate --------------------------------------------------------------------------------------------


def _one(indices: Iterable[int]) -> int | Unclear | None:
    found = set(indices)
    return None if not found else found.pop() if len(found) == 1 else AMBIGUOUS


def parse_option(candidate: Candidate, options: tuple[str, ...], question: str = "") -> int | Unclear | None:
    """The option that a candidate text names; AMBIGUOUS for several, None for none."""
    text = _latex(plain(candidate.text[:4000])).strip()
    named, bare = same_text(text, options), text.strip(" .,:;()[]\"'")
    if named is not None and (_index(bare, options) < 0 or (bare.islower() and options[named] == bare)):
        return named
    if candidate.refused and not any(option.lower().startswith("none") for option in options):
        return same_text(_LABELLED.sub("", text), options)
    whole, text = text, undenied(text)
    told = _lettered(text, options, candidate.alone, candidate.channel is Channel.ANNOUNCED)
    if told is None and (pair := yes_no_pair(options)) is not None:
        said = parse_yes_no(replace(candidate, text=whole), question)
        return None if said is None else pair.index(said)
    if told is not None:
        return told
    if (equal := _by_value(_value(_EQUALS.split(text)[-1]), options)) is not None or candidate.alone:
        return equal
    exact = candidate.channel in (Channel.BOX, Channel.JSON)
    meant = None if exact and _FORMULA.search(text) else _named(text, options, question, exact)
    return None if exact and meant is AMBIGUOUS else meant


_FORMULA = re.compile(r"[\\^_=+*/√<>]|\d\s?[-–]\s?\d")
_EQUALS = re.compile(r"[=≈]|\\approx\b")
_REST = re.compile(r"[\W\d]*(?:[^\W\d_]{1,12}[\W\d]*){0,3}")
"""What may stand beside the number of an option: a unit."""


@lru_cache(maxsize=4096)
def _values(options: tuple[str, ...]) -> tuple[float | None, ...]:
    """The numbers that options are, units aside; () where two are none ("none of these" is one) or equal."""
    values = [None if number is None else number.value for number in map(_value, options)]
    known = {value for value in values if value is not None}
    apart = len(known) == len(options) - values.count(None)
    return tuple(values) if apart and len(known) >= max(2, len(options) - 1) else ()


def _value(text: str) -> NumberMatch | None:
    """The number that a text is, with a unit at most."""
    found = find_numbers(text[:200])
    if len(found) != 1 or found[0].ordinal or re.search(r"[^\W\d_]-?$", text[: found[0].start]):
        return None
    rest = text[: found[0].start] + " " + text[found[0].end :]
    unit = _REST.fullmatch(rest) and "\\" not in rest and not _NO_UNIT.intersection(rest.lower().split())
    return found[0] if unit else None


def _by_value(number: NumberMatch | None, options: tuple[str, ...]) -> int | None:
    """The option of a value: 117° is 117, and 0.333 is 1/3; None where no option or several have it."""
    if number is None:
        return None
    decimals = re.search(r"\.(\d{2,15})(?!\d)", number.text)
    within = 0.501 * 10.0 ** -len(decimals[1]) if decimals else 0.0
    apart = [
        own is not None and abs(own - number.value) <= within + 1e-9 * abs(own) for own in _values(options)
    ]
    near = [index for index, equal in enumerate(apart) if equal]
    return near[0] if len(near) == 1 else None


def _named(text: str, options: tuple[str, ...], question: str, exact: bool) -> int | Unclear | None:
    """The one option that a sentence names: by value, by text, by a firm letter, by its words.

    A bare letter is one only where the options are letters: elsewhere it names a point, a sample, a label.
    """
    firm = _one(_index(next(filter(None, groups)), options) for groups in _FIRM.findall(text))
    mentions = _mentions(text, options)
    told = _one(index for *_, index in mentions)
    if firm is not None and firm != -1 and (told is None or told is AMBIGUOUS or firm is AMBIGUOUS):
        return firm
    if _values(options):
        number = _value(text) if exact else pick(text, question)
        if number is not None:
            return number if isinstance(number, Unclear) else _by_value(number, options)
    if told is not None:
        return _narrowed(text, mentions, options, question) if told is AMBIGUOUS else told
    if (by_words := _by_words(text, options)) is not None:
        return by_words
    if not all(len(option.strip("() ")) == 1 for option in options):
        return None
    letters = set(_BARE.findall(text)) - set("AI")
    bare = _one(_index(letter, options) for letter in letters if _index(letter, options) >= 0)
    texts = {options.index(letter) for letter in letters if letter in options}
    return AMBIGUOUS if isinstance(bare, int) and texts and texts != {bare} else bare


def _narrowed(
    text: str, mentions: list[tuple[int, int, int]], options: tuple[str, ...], question: str
) -> int | Unclear:
    """Of several options that a sentence names the one that it means: "X is larger than Y", "…, X is it"."""
    before, than, _ = text.partition(" than ")
    asked, said = direction(question), direction(before)
    if than and asked and said:
        named = {index for _, end, index in mentions if (end <= len(before)) == (asked == said)}
        if len(named) == 1:
            return named.pop()
    clauses = [clause for clause in re.split(r"[,;:]\s", text) if clause.strip()]
    single = []
    for clause in clauses:
        told = {index for *_, index in _mentions(clause, options)}
        if len(told) == 1:
            single.append((overlap(clause, question), told.pop()))
    best = max((rank for rank, _ in single), default=0.0)
    told = {index for rank, index in single if rank == best}
    return told.pop() if best > 0 and len(told) == 1 else AMBIGUOUS


def _by_words(text: str, options: tuple[str, ...]) -> int | None:
    """The only option of several words whose every content word a sentence has."""
    said = {stem(word) for word in _words(text)}
    full = [
        index
        for index, option in enumerate(options)
        if len(stems := asked_stems(option)) > 1 and said.issuperset(stems)
    ]
    return full[0] if len(full) == 1 else None


def read_option(response: Clean, options: Sequence[str], question: str = "") -> Found[int] | None:
    """The index of the option that a response chooses; None where it chooses none or several.

    Args:
        response: taken apart by `normalise.clean`.
        options: the options' texts in the order of their letters; of options in the picture their bare letters.
        question: what was asked, for sentences that repeat it.
    """
    options = tuple(options)
    letter = "" if response.blocks else response.visible
    if len(letter) == 1 and letter.isupper() and _index(letter, options) >= 0:
        return Found(_index(letter, options), Channel.WHOLE, letter)
    listed = {match[1].upper() for match in _ENUMERATED.finditer(response.visible)}
    repeats = len(listed & set(LETTERS[: len(options)])) > 1
    other = False  # a box that holds no option: only an announcement overrules it

    def parse(candidate: Candidate) -> int | Unclear | None:
        nonlocal other
        if candidate.prose and (other or (repeats and _ENUMERATED.match(candidate.text))):
            return None
        chosen = parse_option(candidate, options, question)
        other |= chosen is None and candidate.boxed
        return chosen

    return first(locate(response, question), parse)
