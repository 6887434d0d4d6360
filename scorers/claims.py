"""What a text claims about options: where it says which one is the answer."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from scorers.chains import denied, standing
from scorers.letters import ends_here, is_letter_at, is_list, letter_mentions, listed_lines
from scorers.mentions import Mention, Tokens, is_numeric, outermost, same_text, text_mentions

_VERB = r"(?:is|are|was|be|(?:would|should|must|will|has\sto|seems\sto|appears\sto)\sbe|ist|es|est|è|é)"
_ASIDE = (
    r"(?:,?\s(?:to|for|of|in|from|here|then|therefore|thus|based|given|must|that|i|you|we)\b[^.\n;!?]{0,80}?)?"
)
_CUE = re.compile(
    rf"""(?<!other\s)(?<!wrong\s)(?<!incorrect\s)(?<!remaining\s)(?<!each\s)(?<!every\s)
        \b(?:answers?|option|choice|letter|conclusion|selection|pick|guess|ans|antwort|respuesta|r[ée]ponse
        |risposta|resposta|ответ)(?:\s(?:letter|option|choice|correcta|correcte|corretta))?
        ["']?{_ASIDE}\s?(?:{_VERB}\b|'s\b|[:=])
    | \bfinal(?:\s(?:decision|verdict|result))?\s?[:=]
    | (?:答案|答え|正解|정답)\s?(?:应该是|应为|是|为|為|は|은|는|이|:)?
    | (?:故|应|應|我)?(?:选|選)(?:择|擇|项|項)?\s?(?:是|:)?(?=\s?[(]?[A-Za-z])
    | \b(?:choose|chose|pick|select|choosing|picking|selecting|(?:go|going|left)\swith|opt\sfor
        |settle\son|vote\sfor|(?:would|i'd)\ssay)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BOX = re.compile(r"\\f?box(?:ed)?\s?\{")
_SOFT_CUE = re.compile(
    r"\b(?:i|we)\s(?:\w{1,12}\s)?(?:think|believe|guess|say|suspect)\b"
    r"|\b(?:it|that|this)(?:'s|\s(?:is|must\sbe|should\sbe))\b|\b(?:maybe|perhaps|probably|possibly)\b",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"(?:[\s:\"'=>,*-]|[(\[{](?![A-Za-z]\s?[)\]}])|\b(?:the|that|is|be|it|it's|option|choice|letter|answer|number"
    r"|indeed|therefore|thus|likely|most|still|just|as|follows|then|\w{3,14}ly)\b)*",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"(?:none|neither|nothing|unclear|unknown|undetermined|not\s(?:clear|known|given|listed|among))\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[(\[{\"']{0,2}([A-Za-z])(?![A-Za-z0-9_]|'[A-Za-z]|\s?[=+^])")
_RIGHT = re.compile(
    r"""[\s)\].:-]{1,3}(?:correct|right)\b
    | [\s"'),]{0,4}(?:(?:是)?正确
        |(?:is|are|seems|appears|looks|must\sbe|has\sto\sbe)\s(?:to\sbe\s)?
        (?:(?:indeed|therefore|thus|also|both|the|most|my|our|an?|single|one|final|\w{2,12}ly)\s)*
        (?:correct|right\b|best|answer|appropriate|closest|choice|one\sthat))""",
    re.IGNORECASE | re.VERBOSE,
)
_IF = re.compile(r"\b(?:if|whether|when|why|were|had)\s+(?:the\s|option\s|\()*$", re.IGNORECASE)
_SENTENCE = re.compile(r"\n+|(?<=[.!?;])(?<!^[A-Za-z]\.)\s+|(?<=[。！？；])", re.MULTILINE)
_CONCLUDES = re.compile(
    r"\b(?:therefore|thus|hence|so|consequently|in\sconclusion|finally|overall|in\ssummary)\b|所以|因此|故|∴",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"(?:=|≈|\b(?:is|are|be|equals?|was))[\s:\"'(]*(?:(?:the|an?|about|approximately|exactly|equal|to)\s+)*$",
    re.IGNORECASE,
)
_HENCE = re.compile(r"(?:\b(?:so|hence|thus|therefore|ergo)|∴)[,:]?\s(?:the\s)?$", re.IGNORECASE)
_FULL_STOP = re.compile(r"[)\]\"']{0,3}[.!]?[)\]\"']{0,3}[ ]?(?=\n|$|(?<=[.!])\s|(?<=[.!]\s))")
_STOPS = re.compile(r"[)\]\"']{0,3}(?:[.,;:!?。，；]|\s{0,8}(?:\n|$)|\s{0,8}[(-]|\s(?:because|since|as)\b)")
_LEADING = re.compile(
    r"[\s\"'(\[{.:]{0,4}([A-Za-z])[\"')\]}]{0,3}"
    r"(?=\s*$|[ \t]*\n|[.):,;]|[ \t]+[-(\"]|\s+(?:because|since|as)\b)"
)
_NUMBER = re.compile(r"[-−]?[$€£]?\d")
_DIGIT = re.compile(r"\d")
_STATED_NUMBER = re.compile(
    r"(?:=|≈|\b(?:is|are|be|equals?|was))[\s:\"'(-]{0,4}(?:(?:the|an?|about|approximately|exactly|equal|to)\s){0,3}\d",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[\s\"'(\[{.:]{0,6}([A-Za-z])[\s\"')\]}.:,;!。]{0,6}")
_WINDOW = 400
"""Characters after a cue in which its option is looked for."""
_AT_ONCE = 64
"""Mentions that are looked at in one sentence."""

Options = frozenset[int]
"""Indices of options named together; -1: none of the options. Several: the text does not decide."""

_NONE: Options = frozenset({-1})


@dataclass(frozen=True, slots=True)
class Claim:
    """A place that chooses."""

    start: int
    options: Options
    value: bool = False
    """It states a value that no option has, which counts only where nothing else claims."""


class Reading:
    """A cleaned text with its mentions of options.

    Args:
        text: from `scorers.mentions.clean`.
        options: the option texts; empty ones are named by letter only.
        letters: the options' letters, in the order of the options.
        polar: the options are yes and no, whose words stand in sentences that name no option.
    """

    def __init__(self, text: str, options: tuple[str, ...], letters: str, polar: bool = False) -> None:
        self.text = text
        self.options = options
        self.letters = letters
        self.polar = polar
        self.numeric = is_numeric(options)
        found = outermost([*letter_mentions(text, letters), *text_mentions(Tokens(text), options)])
        self.reprinted = _reprinted(text, options)
        """Where lines list the options again: what they name says nothing."""
        self.named = standing(text, [mention for mention in found if not _inside(mention, self.reprinted)])
        self._starts = [named.mention.start for named in self.named]
        self._sentences = _spans(text)

    # --- claims ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """Everything that chooses, in order of place; where nothing does, values that no option has."""
        found = [self._after(match.end(), soft=False) for match in _CUE.finditer(self.text)]
        found += [self._after(match.end(), soft=True) for match in _SOFT_CUE.finditer(self.text)]
        found += [self._boxed(match.end()) for match in deque(_BOX.finditer(self.text), maxlen=8)]
        for index in range(len(self.named)):
            found += [self._said_right(index), self._equated(index)]
        found += [self._leading(), *self._alone()]
        claims = sorted((claim for claim in found if claim), key=lambda claim: claim.start)
        return [claim for claim in claims if not claim.value] or claims

    def _after(self, position: int, *, soft: bool) -> Claim | None:
        """What follows "the answer is": an option at once, else the only one in the rest of the sentence."""
        filler = _FILLER.match(self.text, position, position + 80)
        at = filler.end() if filler else position
        near = self._between(position, at + 1)
        if near:
            return self._claim(near[0])
        letter = _LETTER.match(self.text, at)
        stops = letter is not None and (not soft or _STOPS.match(self.text, letter.end(1)) is not None)
        if (
            letter
            and stops
            and is_letter_at(self.text, letter.start(1))
            and not denied(self.text, letter.end(1))
        ):
            return Claim(letter.start(1), frozenset({self._lettered(letter[1])}))
        return None if soft else self._in_the_rest(at)

    def _in_the_rest(self, at: int) -> Claim | None:
        """After a cue that no option follows at once: none of them, or the only one in the sentence."""
        if _NOTHING.match(self.text, at):
            return Claim(at, _NONE)
        end = _SENTENCE.search(self.text, at, at + _WINDOW)
        rest = self._between(at, end.start() if end else at + _WINDOW)
        rest = [] if self.polar else [index for index in rest if self.named[index].mention.firm]
        if len(self._options(rest)) == 1:
            return self._claim(rest[0])
        return Claim(at, _NONE, value=True) if self.numeric and _NUMBER.match(self.text, at) else None

    def _boxed(self, position: int) -> Claim | None:
        """What stands in a box: an option by letter or text, else none of them; empty boxes do not count."""
        content = self.text[position : self._box_end(position)]
        near = self._between(position, position + len(content))
        letters = [index for index in near if self.named[index].mention.letter]
        lone = _ALONE.fullmatch(content)
        same = same_text(content, self.options)
        if letters:
            return self._claim(letters[0])
        if lone:
            return Claim(position, frozenset({self._lettered(lone[1])}))
        if same is not None:
            return Claim(position, frozenset({same}))
        if near and not self.numeric:
            return self._claim(near[0])
        return Claim(position, _NONE, value=True) if content.strip() else None

    def _box_end(self, position: int) -> int:
        """Where the brace that opened before a place closes, at most `_WINDOW` further on."""
        depth = 1
        for place in range(position, min(len(self.text), position + _WINDOW)):
            depth += {"{": 1, "}": -1}.get(self.text[place], 0)
            if depth == 0:
                return place
        return min(len(self.text), position + _WINDOW)

    def _said_right(self, index: int) -> Claim | None:
        """As in: B is correct."""
        mention = self.named[index].mention
        if not _RIGHT.match(self.text, mention.end, mention.end + 96):
            return None
        if _IF.search(self.text, max(0, mention.start - 24), mention.start):
            return None
        return self._claim(index)

    def _equated(self, index: int) -> Claim | None:
        """As in: The missing picture is (D). Hence B. A bare letter must end its sentence."""
        mention = self.named[index].mention
        if not mention.letter or not (ends_here if mention.firm else _FULL_STOP.match)(self.text, mention.end):
            return None
        before = _RESULT if mention.firm else _HENCE
        stands = before.search(self.text, max(0, mention.start - 24), mention.start)
        return self._claim(index) if stands else None

    def _leading(self) -> Claim | None:
        """A letter that the text begins with, set off from what follows; not the first of a list of options."""
        match = _LEADING.match(self.text)
        if not match or is_list(self.text, self.letters):
            return None
        if match[1] == "I" and self.text.startswith(",", match.end(1)):
            return None
        near = self._between(0, match.end())
        if near:
            return Claim(0, self.named[near[0]].options)
        return None if denied(self.text, match.end()) else Claim(0, frozenset({self._lettered(match[1])}))

    def _alone(self) -> list[Claim]:
        """First and last sentences that are nothing but an option; all as one, where every sentence is."""
        ends = self._sentences[:1] + self._sentences[1:][-1:]
        all_of_them = len(self._sentences) <= len(self.letters)
        found = [
            Claim(start, options)
            for start, end in (self._sentences if all_of_them else ends)
            if (options := self._is_option(start, end))
        ]
        if found and len(found) == len(self._sentences):
            return [Claim(found[-1].start, frozenset().union(*(claim.options for claim in found)))]
        return [claim for claim in found if claim.start in {start for start, _ in ends}]

    def _is_option(self, start: int, end: int) -> Options:
        letter = _ALONE.fullmatch(self.text, start, end)
        if letter:
            return frozenset({self._lettered(letter[1])})
        options = self._options(self._between(start, end))
        whole = len(options) == 1 and same_text(self.text[start:end], self.options) is not None
        return options if whole else frozenset()

    def _lettered(self, letter: str) -> int:
        """The option of a letter; one that is no option's may be the very text of one. -1: neither."""
        if letter not in self.letters and letter in self.options:
            return self.options.index(letter)
        return self.letters.find(letter.upper())

    # --- where nothing claims -------------------------------------------------------------------------------

    def concluded(self) -> Options:
        """What the last sentence that concludes ("therefore …") and names an option names."""
        if self.numeric:
            return self._result()
        for start, end in reversed(self._sentences):
            if _CONCLUDES.search(self.text, start, min(end, start + _WINDOW)):
                options = self._in_sentence(start, end)
                if options:
                    return options
        return frozenset()

    def _result(self) -> Options:
        """Of numbers, what the last sentence with one says, or the last that concludes with one."""
        told = [span for span in self._sentences if _DIGIT.search(self.text, *span)]
        concluding = [
            span for span in told if _CONCLUDES.search(self.text, span[0], min(span[1], span[0] + _WINDOW))
        ]
        for span in dict.fromkeys(sorted(told[-1:] + concluding[-1:], reverse=True)):
            options = self._in_sentence(*span)
            if options:
                return options
        return _NONE if concluding else frozenset()

    def last(self) -> Options:
        """What the last sentence that names an option names."""
        named = (self._in_sentence(start, end) for start, end in reversed(self._sentences))
        return next(filter(None, named), frozenset())

    def letters_named(self) -> Options:
        """Options named by a letter in brackets or after "option"."""
        return self._options(
            i for i, named in enumerate(self.named) if named.mention.letter and named.mention.firm
        )

    def bare_letters_named(self) -> Options:
        """Options named by a letter, however it stands."""
        return self._options(i for i, named in enumerate(self.named) if named.mention.letter)

    def texts_named(self) -> Options:
        """Options named by their text."""
        return self._options(i for i, named in enumerate(self.named) if not named.mention.letter)

    def _in_sentence(self, start: int, end: int) -> Options:
        """What a sentence names: by letter, else the last result ("= 5", "is 5"), else all its texts."""
        near = self._between(start, end)
        firm = [index for index in near if self.named[index].mention.letter and self._stands_firm(index)]
        if firm:
            return self._options(firm)
        texts = [] if self.polar else [index for index in near if not self.named[index].mention.letter]
        if self.numeric and texts:
            stated = deque(_STATED_NUMBER.finditer(self.text, start, min(end, start + 4 * _WINDOW)), maxlen=1)
            place = stated[0].end() - 1 if stated else start
            here = [index for index in texts if self.named[index].mention.start in (place, place - 1)]
            return self._options(here or ([] if stated else texts))
        if len(self._options(texts)) > 1:
            for index in reversed(texts):
                place = self.named[index].mention.start
                if _RESULT.search(self.text, max(start, place - 40), place):
                    return self.named[index].options
        return self._options(texts)

    def _stands_firm(self, index: int) -> bool:
        """Whether a letter names an option: in brackets, labelled, or at the end of a clause after "is"."""
        mention = self.named[index].mention
        after_is = _RESULT.search(self.text, max(0, mention.start - 24), mention.start)
        return mention.firm or (after_is is not None and ends_here(self.text, mention.end))

    def _between(self, start: int, end: int) -> list[int]:
        """Indices of the mentions that start between two places; at most `_AT_ONCE`."""
        first = bisect_left(self._starts, start)
        return list(range(first, min(bisect_left(self._starts, end), first + _AT_ONCE)))

    def _options(self, indices: Iterable[int]) -> Options:
        return frozenset().union(*(self.named[index].options for index in indices))

    def _claim(self, index: int) -> Claim:
        return Claim(self._starts[index], self.named[index].options)


def _spans(text: str) -> list[tuple[int, int]]:
    """Where sentences begin and end; a line break ends one, the full stop after a line's letter does not."""
    spans, start = [], 0
    for match in _SENTENCE.finditer(text):
        spans.append((start, match.start()))
        start = match.end()
    spans.append((start, len(text)))
    return [(first, last) for first, last in spans if text[first:last].strip()]


def _reprinted(text: str, options: tuple[str, ...]) -> list[tuple[int, int]]:
    """Lines that list the options again, letter and text; none where there is only one such line."""
    spans = [
        (start, end)
        for start, content, end in listed_lines(text)
        if same_text(text[content:end], options) is not None
    ]
    return spans if len(spans) > 1 else []


def _inside(mention: Mention, spans: list[tuple[int, int]]) -> bool:
    before = bisect_left(spans, (mention.start + 1, 0)) - 1
    return before >= 0 and mention.start < spans[before][1]
