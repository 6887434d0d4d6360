"""The options of a multiple-choice row: from its column, or listed in its question; and which is right."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scorers.read.option import LETTERS
from scorers.read.text import text_equal
from scorers.rules.choice import ChoiceTarget
from training.problems.problem import Problem, ProblemError

_LABEL = re.compile(r"\s*\(?([A-Z])[).:]\s*")
_LINE = re.compile(r"^[ \t]*\(?([A-Z])[).:][ \t]*(?=\S)", re.MULTILINE)
_INLINE = re.compile(r"(?:^|(?<=\s))\(?([A-Z])[).:]\s+(?=\S)")
_LETTER = re.compile(r"[\s(\[]*([A-Za-z])[\s.:)\]]*")


@dataclass(frozen=True, slots=True)
class Options:
    """What a row offers to choose from."""

    texts: tuple[str, ...]
    """In the order of their letters, without them."""
    question: str
    """What is asked, without image marks and without the list of options."""
    listed: bool
    """The question lists them itself, one lettered line an option or in one line."""
    lettered: bool
    """The data gives each its letter: a letter is then never an option's text."""


def read_options(problem: Problem) -> Options:
    """The options of a row.

    The question lists them where lettered lines ("(A) red") have their texts; also where the row has none, or
    bare letters, and the question has lettered lines (where it has none: or letters in one line). A text that
    merely occurs in the question is no list.

    Raises:
        ProblemError: there are none, or only one, or their letters are not A, B, C ….
    """
    given = tuple(str(option).strip() for option in problem.options)
    told = _listed(problem.asked, _LINE)
    if not given:
        told = told or _listed(problem.asked, _INLINE)
        if told is None:
            raise ProblemError("there are no options, and the question lists none")
        return Options(*told, listed=True, lettered=True)
    texts, lettered = _unlettered(given)
    if len(texts) < 2 or len(texts) > len(LETTERS):
        raise ProblemError(f"{len(texts)} options: wants 2 to {len(LETTERS)}")
    bare = texts == tuple(LETTERS[: len(texts)])
    if told and len(told[0]) == len(texts) and (bare or all(map(text_equal, told[0], texts))):
        return Options(*told, listed=True, lettered=True)
    return Options(texts, problem.asked, listed=False, lettered=lettered)


def _listed(question: str, label: re.Pattern[str]) -> tuple[tuple[str, ...], str] | None:
    """The options after the last run of labels A, B, C … and what stands before it; None without one."""
    run: list[re.Match[str]] = []
    for match in label.finditer(question):
        if match[1] == "A":
            run = [match]
        elif run and match[1] == LETTERS[len(run) % len(LETTERS)]:
            run.append(match)
    if len(run) < 2:
        return None
    ends = [match.start() for match in run[1:]] + [len(question)]
    texts = [question[match.end() : end].strip() for match, end in zip(run, ends, strict=True)]
    texts[-1] = texts[-1].split("\n", 1)[0].strip()  # below the last option may stand how to answer
    return tuple(texts), question[: run[0].start()].strip()


def _unlettered(options: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Options without their letters, and whether they had any.

    One letter alone is a name's ("J. Smith"); an option without a letter among lettered ones stays as it is. An
    option that is only its letter is in the picture.

    Raises:
        ProblemError: their letters are not A, B, C … in this order.
    """
    labels = [_LABEL.match(option) for option in options]
    found = "".join(label[1] if label else " " for label in labels)
    own = sum(letter == LETTERS[at] for at, letter in enumerate(found[: len(LETTERS)]))
    shuffled = "".join(sorted(found)) == LETTERS[: len(found)] != found
    if shuffled or (own > 1 and own < len(found.replace(" ", ""))):
        raise ProblemError(f"the options are lettered {', '.join(found.replace(' ', ''))}: wants A, B, C …")
    if own < 2:
        return options, False
    texts = (option[label.end() :] if label else option for option, label in zip(options, labels, strict=True))
    return tuple(text.strip() or LETTERS[at] for at, text in enumerate(texts)), True


def choice_target(problem: Problem) -> ChoiceTarget:
    """The target of a multiple-choice row: the gold answer is an option's letter, its text, or both.

    Raises:
        ProblemError: as `read_options`; or the answer is no option's, or the letter of one and another's text.
    """
    offered = read_options(problem)
    return ChoiceTarget(offered.texts, _right(problem, offered), offered.question)


def _right(problem: Problem, offered: Options) -> int:
    gold, texts = problem.gold, offered.texts
    letter, told = (
        _lettered(gold, texts),
        next((at for at, text in enumerate(texts) if text_equal(gold, text)), None),
    )
    if letter is not None and (told in (None, letter) or (offered.lettered and not gold.islower())):
        return letter
    if letter is not None:
        raise ProblemError(f"answer {problem.shown_gold()} is the letter of one option and the text of another")
    if told is None:
        raise ProblemError(f"answer {problem.shown_gold()} is none of {len(texts)} options")
    return told


def _lettered(gold: str, texts: tuple[str, ...]) -> int | None:
    """The option whose letter an answer is ("B", "(b)"), or whose letter and text ("B. dog")."""
    alone, label = _LETTER.fullmatch(gold), _LABEL.match(gold)
    found = alone or label
    at = LETTERS.index(found[1].upper()) if found else len(texts)
    if at >= len(texts) or (label and not alone and not text_equal(gold[label.end() :], texts[at])):
        return None
    return at
