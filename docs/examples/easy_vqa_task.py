"""easy-VQA (Zhou, MIT): 9,673 test questions on pictures of a shape, as `pip install easy-vqa` brings them.

harness eval --model tiny --tasks easy_vqa --task-file easy_vqa_task.py --limit 300
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from harness.data import RowSource
from scorers.read.locate import read_phrases
from scorers.read.text import text_equal
from scorers.read.yes_no import read_yes_no
from scorers.types import Answer, Coords, Score, Target, said, verdict
from tasks.images import row_images
from tasks.types import Metric, Row, Sample, Source, Task, column


@dataclass(frozen=True, slots=True)
class WordTarget(Target):
    word: str
    question: str

    def gold(self, coords: Coords | None = None) -> str:
        return self.word


def scorer(answer: Answer, target: WordTarget) -> Score:
    """1 for the right word: a shape, a colour, yes or no."""
    if target.word in ("yes", "no"):
        yes = read_yes_no(answer.response, target.question)
        return verdict(yes, lambda affirmed: said(affirmed) == target.word, None, said)
    words = read_phrases(answer.response, target.question)
    return verdict(words, lambda found: any(text_equal(word, target.word) for word in found), None, min)


def to_samples(row: Row) -> Iterator[Sample]:
    question, word = str(column(row, "question")), str(column(row, "answer"))
    target, groups = WordTarget(word, question), {"kind": "yes or no" if word in ("yes", "no") else "word"}
    images, asked = row_images(row), "Answer with a single word."
    yield Sample(str(column(row, "id")), question, target, images, instruction=asked, groups=groups)


def rows(_: str) -> RowSource:
    import easy_vqa

    paths, questions = easy_vqa.get_test_image_paths(), list(zip(*easy_vqa.get_test_questions(), strict=True))
    label = f"easy-vqa {version('easy-vqa')}"

    def read() -> Iterator[Row]:
        for number, (question, answer, image) in enumerate(questions):
            yield {"id": number, "question": question, "answer": answer, "image": paths[image]}

    return RowSource(read, hashlib.sha256(label.encode()).hexdigest(), label, count=len(questions))


METRICS, SOURCE = (Metric("accuracy", headline=True), Metric("by kind", by="kind")), Source("easy-VQA", "test")
TASK = Task("easy_vqa", "other", "easy-VQA (test)", SOURCE, to_samples, scorer, WordTarget, METRICS, rows=rows)
