"""Yes or no: the polarity of an answer in words.

In order: the last explicit statement ("the answer is no", "Answer: yes", "so, no."); a last or first sentence
that is a yes or no alone; the word that the text begins with; the last sentence that opens with one, denies
("it does not") or affirms in short ("it does").

A hedge, a refusal and "yes or no" have no polarity, nor has a sentence that only describes.
"""

from __future__ import annotations

import re
from collections import deque

from scorers.mentions import clean

_YES = (
    r"yes|yeah|yep|yup|y|affirmative|true|correct|right|indeed|certainly|absolutely|definitely|of\scourse"
    r"|是的|是|对|sí|oui|ja"
)
_NO = (
    r"(?:definitely|certainly|absolutely|of\scourse|probably)\snot|not\s(?:really|at\sall|quite|exactly)"
    r"|no|nope|nah|n|negative|false|incorrect|wrong|不是|否|不|non|nein"
)
_SAID = rf"(?:(?P<no>{_NO})|(?P<yes>{_YES}))"
_STATED = re.compile(
    rf"""(?:\b(?:answer|response|conclusion|statement|claim)\b["']?(?:\s(?:to|for|of|that|in)\b[^.\n;!?]{{0,80}}?)?\s?
            (?:is|was|would\sbe|should\sbe|must\sbe|will\sbe|:|=)
        | \\f?boxed\s?\{{ | 答案(?:是|为|:)
        | \bi(?:'d|\swould)?\s(?:say|think|believe|guess)\b(?=[\s"':,]{{1,3}}(?:yes|no)\b)
        | \b(?:so|therefore|thus|hence)[,:]?\s(?=(?:yes|no)\s?(?:[.,;!]|$)))
        [\s:"'(\[{{*,-]{{0,12}}(?:(?:option|choice|therefore|thus|simply|an?|\w{{3,10}}ly|[(]?[A-D][).:])\s){{0,3}}
        {_SAID}(?![a-z'])(?!\s?(?:or|and|/)\s?(?:yes|no)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_ALONE = re.compile(rf"[\s\"'(\[{{*-]{{0,8}}{_SAID}[\s\"')\]}}.!,;*]{{0,8}}", re.IGNORECASE)
_OPENING = re.compile(
    r"""[\s"'(\[{*:-]{0,8}
        (?:(?:okay|ok|well|sure|so|hmm|oh|thus|therefore|hence|sorry|actually|in\sshort|certainly)\b[\s,.!:-]{1,4}){0,4}
        (?:(?P<yes>yes|yeah|yep|yup|true|correct|indeed|affirmative|of\scourse(?!\snot)|是的|对|sí|oui|ja)
          |(?P<no>no(?!\s(?:problem|worries|doubt|answer|image|picture|idea)|\.\s?\d)|nope|nah|false|incorrect
            |(?:definitely|certainly|absolutely|of\scourse)\snot|not\s(?:really|at\sall)|不|否|nein|non))
        (?![a-z'])(?!\s?(?:or|and|/)\s?(?:yes|no)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_KNOWING = (
    r"determin|tell|say|see\b|answer|know|help|assist|view|identify|judge|confirm|verify|provide|make\sout|decide"
    r"|infer|assess|conclude|ascertain|give|access|process|analy[sz]e"
)
_DATA = "info|detail|context|data|evidence"
_HEDGE = re.compile(
    rf"""(?:\bcan(?:not|'t|\snot)|\bcould(?:n't|\snot)
            |\b(?:not\sable|unable|impossible|difficult|hard|not\spossible)\sto)\s(?:be\s)?(?:\w{{2,14}}ly\s)?(?:{_KNOWING})
        | (?:\bnot|n't)\s(?:\w{{2,14}}\s){{0,2}}(?:enough|sufficient)\s(?:\w{{2,14}}\s)?(?:{_DATA})
        | \binsufficient\b | \bnot\s(?:clear|sure|certain)\b
        | \b(?:unclear|unsure|uncertain|unknown|undetermined)\b
        | \b(?:yes\s?(?:or|and|/)\s?no|no\sway\sto|sorry|might|maybe|perhaps|possibly|depends|as\san\sai)\b
        | (?:\bdo\snot|\bdon't)\s(?:know|have)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_AUXILIARY = r"(?:is|are|was|were|does|do|did|has|have|had|can|could|will|would|should)"
_DENIAL = re.compile(
    rf"\b(?:{_AUXILIARY}\s(?:\w{{1,14}}\s)?not\b|{_AUXILIARY}n't|can't|won't|cannot\b|(?:is|are|was|were)\sno(?:ne)?\b"
    r"|no\slonger\b|neither\b|never\b|none\sof\b|no\sone\b)|不",
    re.IGNORECASE,
)
_AFFIRMATION = re.compile(
    rf"\b(?:it|they|there|he|she|that|this|we|you)\s(?:\w{{2,14}}ly\s)?{_AUXILIARY}"
    r"(?:\s(?:indeed|so|correct|right|true|one|some))?\s?(?:[.,;!]|$)"
    r"|\bindeed\b|\bthat's\s(?:right|correct|true)\b|\bi\s(?:think|believe)\sso\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"\n+|(?<=[.!?;])\s+|(?<=[。！？；])")
_WINDOW = 600
"""Characters of a sentence that are looked at."""


def read_yes_no(text: str) -> bool | None:
    """Whether a text says yes or no; None where it says neither, hedges or refuses.

    Args:
        text: a final answer, or a response without its thinking.
    """
    text = clean(text)
    stated = deque(_STATED.finditer(text), maxlen=1)
    if stated:
        return stated[0]["yes"] is not None
    sentences = [part[:_WINDOW] for part in _SENTENCE.split(text) if part.strip()]
    if not sentences:
        return None
    for sentence in (sentences[-1], sentences[0]):
        alone = _ALONE.fullmatch(sentence)
        if alone:
            return alone["yes"] is not None
    opening = _OPENING.match(text)
    if opening and not _HEDGE.search(sentences[0]):
        return opening["yes"] is not None
    said = (_polarity(sentence) for sentence in reversed(sentences))
    return next((positive for positive in said if positive is not None), None)


def _polarity(sentence: str) -> bool | None:
    """The polarity of one sentence: an opening yes or no, a denial, a short affirmation."""
    if _HEDGE.search(sentence):
        return None
    opening = _OPENING.match(sentence)
    if opening:
        return opening["yes"] is not None
    if _DENIAL.search(sentence):
        return False
    return True if _AFFIRMATION.search(sentence) else None
