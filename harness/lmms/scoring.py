"""What an exported folder calls while lmms-eval runs it: its prompts, and the verdicts of our own scorers.

Nothing here imports lmms-eval. It calls `judged` from several threads, and tries five times, two seconds apart,
where that raises; so files are read, and refused, when the first prompt is made, and a scorer's own faults are
verdicts (`harness.scores.judge`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.jsonl import read_json
from harness.models.pixels import PixelRule, fitted, server_rule
from harness.registry import Registry
from harness.run.items import FailedRow, Item, groups_of, read_items
from harness.scores.aggregate import group_names, task_result
from harness.scores.judging import judge, score_json
from harness.scores.results import TaskResult
from harness.scores.verdicts import Verdict, Verdicts, unanswered
from harness.types import PixelLimits
from scorers.types import Coords, Score, Status
from tasks.images import ImageRef
from tasks.types import Groups, Response, Task

if TYPE_CHECKING:
    from PIL.Image import Image

FORMAT = 1
"""Of `export.json`."""
SHARES = tuple(str(status) for status in Status if status is not Status.OK)
"""Metrics that are shares of responses."""
REQUEST_FAILED = "[LMMS_EVAL_REQUEST_FAILED"
"""How lmms-eval's models begin a text that stands for no response."""
_NO_RESPONSE = (REQUEST_FAILED, "[LMMS_EVAL_BUDGET_EXCEEDED]")

Doc = Mapping[str, Any]
"""A row of `docs/<task>.parquet`."""


class Said(str):
    """The text of a response that brings along how it ended: lmms-eval hands on texts alone.

    Args:
        response: what a backend of ours gave.
    """

    response: Response

    def __new__(cls, response: Response) -> Said:
        """A text with its response."""
        failed = f"{REQUEST_FAILED} after 0 retries] {response.error}"
        said = super().__new__(cls, response.text if response.error is None else failed)
        said.response = response
        return said

    def strip(self, chars: str | None = None, /) -> str:
        """Itself, where lmms-eval strips responses before it has them judged: scorers do that themselves."""
        return self if chars is None else super().strip(chars)

    def __getnewargs__(self) -> tuple[Response]:  # type: ignore[override]
        """What makes it anew in another process."""
        return (self.response,)


class Exported:
    """A folder that `harness export lmms-eval` wrote.

    Args:
        folder: where it lies.

    Raises:
        HarnessError: it is not complete, or another version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        settings = read_json(folder / "export.json")
        if settings.get("format") != FORMAT:
            raise HarnessError(f"{folder}: not an export of this version: run harness export lmms-eval again")
        self._folder = folder
        self._coords: Coords | None = settings["coords"]
        self._limits = PixelLimits(settings["min_pixels"], settings["max_pixels"])
        self._sources: Mapping[str, Mapping[str, Any]] = settings["tasks"]
        self._items: dict[str, tuple[Task, Sequence[Item | FailedRow]]] = {}
        self._lock = Lock()

    @property
    def _rule(self) -> PixelRule:
        return server_rule("", self._coords, self._limits)

    def _task(self, name: str) -> tuple[Task, Sequence[Item | FailedRow]]:
        """A task and what it asks, read once."""
        with self._lock:
            if name not in self._items:
                task = Registry().get(name)
                self._items[name] = task, list(read_items(self._folder / "items" / f"{name}.jsonl", task))
            return self._items[name]

    def _images(self, doc: Doc) -> list[ImageRef]:
        return [ImageRef(self._folder / "images" / name) for name in doc["images"]]

    def _picture(self, image: ImageRef) -> Image:
        return fitted(image, self._limits, self._rule)

    def messages(self, doc: Doc) -> list[dict[str, Any]]:
        """The prompt as lmms-eval's chat models take it: text and pictures in our order.

        Raises:
            tasks.images.ImageError: a picture cannot be decoded.
        """
        images = self._images(doc)
        content: list[dict[str, Any]] = []
        for part in json.loads(doc["prompt"]):
            if isinstance(part, str):
                content.append({"type": "text", "text": part})
            else:
                content.append({"type": "image", "url": self._picture(images[part["image"]])})
        return [{"role": "user", "content": content}]

    def text(self, doc: Doc) -> str:
        """The prompt's text, an image that stands within it as `<image n>`."""
        self._task(doc["task"])
        parts = json.loads(doc["prompt"])
        text = parts[len(_leading(parts)) :]
        return "".join(part if isinstance(part, str) else f"<image {part['image'] + 1}>" for part in text)

    def visuals(self, doc: Doc) -> list[Image]:
        """The pictures for lmms-eval's simple models, which show them before the text.

        Raises:
            HarnessError: the prompt has pictures elsewhere, which such a model cannot be asked.
        """
        parts = json.loads(doc["prompt"])
        leading = _leading(parts)
        if not all(isinstance(part, str) for part in parts[len(leading) :]):
            raise HarnessError(
                f"{doc['task']} {doc['id']}: it has images within its text, which a simple model of lmms-eval "
                "cannot be given: use a chat model"
            )
        images = self._images(doc)
        return [self._picture(images[index]) for index in leading]

    def judged(self, doc: Doc, results: Sequence[str]) -> dict[str, Any]:
        """The verdict on a response, as lmms-eval's metrics take it; never raises for what a response says.

        Args:
            doc: what was asked.
            results: the response, after lmms-eval's filters, which are none.
        """
        task, items = self._task(doc["task"])
        item = items[doc["position"]]
        assert isinstance(item, Item)
        score = judge(task, item.sample, self._response(doc, results[0]), coords=self._coords)
        verdict = {"task": task.name, "id": item.id, "position": doc["position"], **score_json(score)}
        cluster = _cluster(task, item.sample.groups)
        counts = score.status not in (Status.FAILED, Status.ERROR)
        metrics = {
            "headline": verdict,
            "value": _number(score.value if counts else None, cluster),
            **{status: _number(float(score.status == status), cluster) for status in SHARES},
        }
        if task.official is not None:
            metrics["official"] = _number(score.official if counts else None, cluster)
        if (name := own_scale(task)) is not None:
            metrics[name] = verdict
        return metrics

    def _response(self, doc: Doc, said: str) -> Response:
        """A response, with the size at which its pictures were shown where answers are in pixels."""
        if isinstance(said, Said):
            return said.response
        if said.startswith(_NO_RESPONSE):
            return Response("", "error", error=" ".join(said.split()))
        if self._coords != "abs":
            return Response(said)
        shown = tuple(self._rule.size(image.size, self._limits) for image in self._images(doc))
        return Response(said, shown=shown)

    def headline(self, verdicts: Sequence[Mapping[str, Any]]) -> float:
        """The task's headline in per cent; NaN where nothing counts."""
        return _or_nan(self._result(verdicts).percent.value)

    def own_scale(self, verdicts: Sequence[Mapping[str, Any]]) -> float:
        """The task's headline as it is shown: OCRBench's total of 1000; NaN where nothing counts."""
        return _or_nan(self._result(verdicts).score.value)

    def _result(self, verdicts: Sequence[Mapping[str, Any]]) -> TaskResult:
        """What our aggregation makes of verdicts of one task."""
        task, items = self._task(verdicts[0]["task"])
        found = [_verdict(line, items) for line in verdicts]
        for position, item in enumerate(items):
            if isinstance(item, FailedRow):
                found.append(unanswered(position, item.id, groups_of(task, item), 0, item.error))
        found.sort(key=lambda verdict: verdict.position)
        return task_result(task, Verdicts.of(found), **self._sources[task.name])


@cache
def exported(folder: Path) -> Exported:
    """A folder's export, once for all that asks: lmms-eval imports `utils.py` for every function it names."""
    return Exported(folder)


def mean(items: Iterable[Mapping[str, float]]) -> float:
    """The mean over the responses that count; NaN where none does."""
    scores = [item["score"] for item in items if "score" in item]
    return sum(scores) / len(scores) if scores else float("nan")


def own_scale(task: Task) -> str | None:
    """The name of a task's headline where it is not shown in per cent."""
    headline = task.headline
    return headline.name.replace(" ", "_") if headline.scale != 100 else None


def _leading(parts: Iterable[Any]) -> list[int]:
    """The images that a prompt begins with."""
    return [part["image"] for part in takewhile(lambda part: not isinstance(part, str), parts)]


def _cluster(task: Task, groups: Groups) -> str | None:
    names = group_names(groups.get(task.cluster)) if task.cluster else ()
    return names[0] if names else None


def _number(number: float | None, cluster: str | None) -> dict[str, Any]:
    """One number of a metric as lmms-eval's error bars read it; without `score` where there is none."""
    found: dict[str, Any] = {} if number is None else {"score": number}
    return found if cluster is None else found | {"cluster": cluster}


def _verdict(line: Mapping[str, Any], items: Sequence[Item | FailedRow]) -> Verdict:
    item = items[line["position"]]
    assert isinstance(item, Item)
    components = line.get("components", {})
    status = Status(line["status"])
    score = Score(line["value"], line["official"], status, components=components, error=line.get("error"))
    return Verdict(line["position"], item.id, 0, item.sample.groups, score)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
