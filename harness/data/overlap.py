"""Questions of one data set that are also in another: by what their pictures look like, and by their words.

A picture is the same where its bytes are, or where it looks the same (`harness.data.looks`): resized or encoded
again it is still found. A question is the same where its normalised words are.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from harness.config import SYNTHETIC_LIMIT
from harness.data import load_rows
from harness.jsonl import plain
from harness.progress import Progress
from harness.run.plan import samples_of
from harness.words import counted
from tasks.images import ImageError, ImageRef
from tasks.types import Sample, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["both", "image", "question"]
"""The same picture and question in one row; only the same picture; only the same question."""
KINDS: dict[Kind, str] = {
    "both": "same image and question",
    "image": "same image, another question",
    "question": "same question, another image",
}
LISTED = 10_000
"""Pairs of each kind whose ids are held."""
SHOWN = 5
"""Pairs of each kind that are printed."""
_REMEMBERED = 4096
"""Pictures of the second data set that are not looked at twice."""
_MARKER = re.compile(r"<image(?:\s*\d+)?>", re.IGNORECASE)
_OPTIONS = re.compile(r"\n\s*(?:(?:options|choices)\s*:|[(\[]?A[).:\]]\s)", re.IGNORECASE)
"""Where a question begins to list its options, which data sets write in many ways."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared of a row."""

    id: str
    text: str
    images: tuple[ImageRef, ...]


def task_questions(
    tasks: Iterable[Task], data: str, split: Literal["test", "train"] = "test"
) -> Iterator[Question]:
    """The questions of tasks' rows; rows that give no sample are passed over.

    Args:
        tasks: whose.
        data: as for `harness.data.load_rows`; of `synthetic` the first `SYNTHETIC_LIMIT` rows.
        split: as for `load_rows`.
    """
    chosen = list(tasks)
    for task in chosen:
        source = load_rows(task, data, split=split, limit=SYNTHETIC_LIMIT, alone=len(chosen) == 1)
        for sample in samples_of(task, source):
            if isinstance(sample, Sample):
                yield Question(f"{task.name}/{sample.id}", sample.question, sample.images)


def normalised(question: str) -> str:
    """The words of a question, folded, without image markers, punctuation and the options that it lists."""
    asked = _OPTIONS.split(_MARKER.sub(" ", question).strip())[0]
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", asked).casefold()))


@dataclass(slots=True)
class Found:
    """What two data sets have in common. A question of the second counts once, for the first kind it is of."""

    first: int = 0
    """Questions of the first data set."""
    second: int = 0
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(get_args(Kind), 0))
    """Questions of the second, by kind."""
    pairs: dict[Kind, list[tuple[str, str]]] = field(
        default_factory=lambda: {kind: [] for kind in get_args(Kind)}
    )
    """(id in the first, id in the second) of the first `LISTED` of each kind."""
    unreadable: int = 0
    """Pictures that could not be read, of both."""

    def add(self, kind: Kind, first: str, second: str) -> None:
        """One more question that both have."""
        self.counts[kind] += 1
        if len(self.pairs[kind]) < LISTED:
            self.pairs[kind].append((first, second))


def overlap(first: Iterable[Question], second: Iterable[Question], progress: Progress | None = None) -> Found:
    """Which questions of the second data set are in the first.

    Args:
        first: read once, and held at some 800 bytes a question.
        second: read once, and never held.
        progress: where to say how far it is; None: nowhere.
    """
    progress = progress or Progress(quiet=True)
    known, found = _Known(), Found()
    with progress.stage("reading the first", None) as stage:
        for question in first:
            known.add(question)
            stage.advance()
    known.sort()
    found.first = len(known)
    with progress.stage("comparing the second", None) as stage:
        for question in second:
            found.second += 1
            if (match := known.match(question)) is not None:
                found.add(*match, question.id)
            stage.advance()
    found.unreadable = known.unreadable
    return found


class _Known:
    """The questions of a data set, to find another's among them."""

    def __init__(self) -> None:
        from harness.data.looks import Looks

        self.unreadable = 0
        self._ids: list[str] = []
        self._alone, self._texts = array("q"), array("Q")
        """Of `_alone`: questions without a picture. Of `_texts`: of each question."""
        self._pair_images, self._pair_questions = array("q"), array("q")
        self._by_sha: dict[bytes, int] = {}
        self._looks = Looks()
        self._met: dict[bytes, list[int]] = {}
        """Pictures of the second data set met lately → the same ones here."""

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, question: Question) -> None:
        number = len(self._ids)
        self._ids.append(question.id)
        self._texts.append(_hash(question.text))
        if not question.images:
            self._alone.append(number)
        for image in question.images:
            if (known := self._number(image)) is not None:
                self._pair_images.append(known)
                self._pair_questions.append(number)

    def _number(self, image: ImageRef) -> int | None:
        """The number of a picture, by its bytes; a new one where they are."""
        from harness.data.looks import look

        try:
            sha = _digest(image)
            if sha not in self._by_sha:
                self._by_sha[sha] = self._looks.add(look(image.picture()))
        except ImageError:
            self.unreadable += 1
            return None
        return self._by_sha[sha]

    def sort(self) -> None:
        """Make ready for `match`."""
        import numpy as np

        images, questions = (np.array(column, np.int64) for column in (self._pair_images, self._pair_questions))
        self._all_texts = np.array(self._texts, np.uint64)
        order = np.lexsort((self._all_texts[questions], images))
        self._images, self._questions = images[order], questions[order]
        self._pair_texts = self._all_texts[self._questions]
        self._text_order = np.argsort(self._all_texts, kind="stable")
        self._sorted_texts = self._all_texts[self._text_order]
        self._alone_texts = {self._texts[number]: number for number in reversed(self._alone)}

    def match(self, question: Question) -> tuple[Kind, str] | None:
        """(kind, id) of a question here that is the same; None where none is."""
        text = _hash(question.text)
        same = [images for image in question.images if (images := self._same(image)) is not None]
        if same and all(same):
            for number in self._asked_of(same[0], text):
                if all(self._shows(number, images) for images in same[1:]):
                    return "both", self._ids[number]
            for number in self._asked_of(same[0], None):
                if all(self._shows(number, images) for images in same[1:]):
                    return "image", self._ids[number]
        if not question.images and text in self._alone_texts:
            return "both", self._ids[self._alone_texts[text]]
        if (place := _equal(self._sorted_texts, text)).start < place.stop:
            return "question", self._ids[int(self._text_order[place.start])]
        return None

    def _same(self, image: ImageRef) -> list[int] | None:
        """The pictures here that are the same as another; None where that cannot be read."""
        from harness.data.looks import look

        try:
            sha = _digest(image)
            if sha not in self._met:
                if len(self._met) >= _REMEMBERED:
                    del self._met[next(iter(self._met))]
                equal = [self._by_sha[sha]] if sha in self._by_sha else []
                near = self._looks.near(look(image.picture()))
                self._met[sha] = list(dict.fromkeys([*equal, *near]))
        except ImageError:
            self.unreadable += 1
            return None
        return self._met[sha]

    def _asked_of(self, images: list[int], text: int | None) -> Iterator[int]:
        """The questions on pictures: of a text, or the first on each; in the order of the pictures."""
        for image in images:
            place = _equal(self._images, image)
            if text is None:
                yield from (int(number) for number in self._questions[place][:1])
                continue
            inner = _equal(self._pair_texts[place], text)
            yield from map(int, self._questions[place][inner][:SHOWN])

    def _shows(self, number: int, images: list[int]) -> bool:
        """Whether a question shows one of some pictures."""
        return any(number in self._questions[_equal(self._images, image)] for image in images)


def _equal(column: NDArray[np.int64] | NDArray[np.uint64], value: int) -> slice:
    """The places of a value in a sorted column."""
    import numpy as np

    key = column.dtype.type(value)
    return slice(int(np.searchsorted(column, key)), int(np.searchsorted(column, key, "right")))


def _hash(text: str) -> int:
    data = normalised(text).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _digest(image: ImageRef) -> bytes:
    return hashlib.sha256(image.data).digest()[:16]


def as_json(found: Found) -> Iterator[str]:
    """What was found, as one JSON object."""
    yield json.dumps(plain(found), indent=2)


def lines(found: Found, first: str, second: str) -> Iterator[str]:
    """What was found, for people."""
    yield f"{first}: {counted(found.first, 'question')}"
    yield f"{second}: {counted(found.second, 'question')}, of which in the former:"
    for kind, what in KINDS.items():
        yield f"  {found.counts[kind]:>9,}  {what}"
        for one, other in found.pairs[kind][:SHOWN]:
            yield f"             {other} is {one}" if one != other else f"             {other}"
        if (more := found.counts[kind] - SHOWN) > 0:
            yield f"             and {more:,} more"
    if found.unreadable:
        yield f"{counted(found.unreadable, 'picture')} could not be read, and were compared with none."
