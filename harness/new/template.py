"""newtask: counting things in pictures. Rows: {id, image, question, answer, kind}, the answer being a number.

harness validate newtask --task-file newtask.py --data data
harness eval --model tiny --tasks newtask --task-file newtask.py --data data
In a package, its pyproject.toml makes the task known by name, without --task-file:
[project.entry-points."harness.tasks"]
newtask = "my_package.newtask:TASK"
"""

from collections.abc import Iterator
from dataclasses import dataclass

from scorers.read.number import read_number
from scorers.types import Answer, Coords, Score, Target, verdict
from tasks.images import row_images
from tasks.types import Metric, Row, Sample, Source, Task, column


@dataclass(frozen=True, slots=True)
class CountTarget(Target):
    """What a response is compared with: plain values, which are written to the run."""

    count: float
    question: str

    def gold(self, coords: Coords | None = None) -> str:
        """A right answer as a response would give it."""
        return str(self.count)


def scorer(answer: Answer, target: CountTarget) -> Score:
    """1 for the right number, 0 for another; `unparsed` where the response gives none."""
    found = read_number(answer.response, target.question)
    return verdict(found, lambda number: number.value == target.count, None, lambda number: number.text)


def to_samples(row: Row) -> Iterator[Sample]:
    """One sample of a row; `column` names a column that is missing."""
    question = str(column(row, "question"))
    yield Sample(
        id=str(column(row, "id")),
        question=question,
        target=CountTarget(float(column(row, "answer")), question),
        images=row_images(row),
        instruction="Answer with a number.",
        groups={"kind": str(column(row, "kind"))},
    )


TASK = Task(
    name="newtask",
    category="other",  # or one of the six, in whose mean it then counts
    title="newtask: counting things in pictures",
    source=Source(repo="my-name/newtask", split="test"),
    to_samples=to_samples,
    scorer=scorer,
    target=CountTarget,
    metrics=(Metric("accuracy", headline=True), Metric("by kind", by="kind")),
)
