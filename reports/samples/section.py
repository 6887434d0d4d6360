"""The sample viewer's section: what was asked, what each run answered, how it was scored.

Samples of all runs are merged by (task, fingerprint of its data, id). The page holds

- `samples`: the index, one column for each thing one can filter by (`reports.samples.index`), and where the
  images are;
- `samples-0`, `samples-1`, …: a few hundred samples each with all their texts (`reports.samples.texts`);
- `pictures-0`, …: images as data URLs (`reports.samples.thumbnails`).

The first two kinds are gzipped JSON in base64. The browser unpacks a block when it is needed, so that the page
opens at once, also with 50,000 samples.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.registry import Registry
from harness.run.items import Line
from harness.spool import Spool
from reports.page import Section, Stream, markup
from reports.runs import Run
from reports.samples.index import NOT_ASKED, NOT_MEASURED, Groups, Index, cell_of, measures_of, rank_of
from reports.samples.texts import Answers, asked, merged, prompt_of, reply
from reports.samples.thumbnails import INLINE, Folder, Pictures

_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""What values of another form raise where they are read."""
CHUNK_SAMPLES = 250
CHUNK_CHARACTERS = 1 << 20
LIBRARIES = ("temml.min.js", "temml.css", "marked.umd.js", "purify.min.js", "panzoom.min.js")
SCRIPTS = (
    "rich.js",
    "samples_index.js",
    "samples_list.js",
    "samples_places.js",
    "samples_picture.js",
    "samples_text.js",
    "samples_detail.js",
    "samples.js",
)


def samples_section(runs: Sequence[Run], media: Path | None, *, limit: int = INLINE) -> Section:
    """The viewer of all samples of some runs.

    Args:
        runs: what `load_runs` gives.
        media: the folder beside the page for images that do not fit into it; None: those are left out.
        limit: characters of images in the page.

    Raises:
        HarnessError: a file of a run is broken, or `media` cannot be written.
    """
    viewer = _Viewer(runs)
    for task, fingerprint in _sets(runs):
        viewer.add(task, fingerprint)
    placed = viewer.pictures.place(media, limit)
    blocks = viewer.finish()
    data: dict[str, Any] = {
        "samples": Stream(lambda: packed(viewer.index.pieces(runs, placed.table()))),
        **{f"samples-{number}": Stream(partial(_kept, blocks, number)) for number in range(len(blocks))},
    }
    data |= {f"pictures-{number}": block for number, block in enumerate(placed.blocks)}
    return Section(
        id="samples",
        title="Samples",
        html=markup("samples.html.jinja", samples=len(viewer.index), runs=[run.name for run in runs]),
        data=data,
        libraries=LIBRARIES,
        scripts=SCRIPTS,
        styles=("samples.css",),
    )


def packed(pieces: Iterable[str]) -> Iterator[str]:
    """JSON, gzipped, in base64: what `harness.inflate` reads. Lone surrogates survive as escapes."""
    zipped, left = zlib.compressobj(1, zlib.DEFLATED, 31), b""
    for piece in pieces:
        left += zipped.compress(piece.encode("ascii"))
        whole = len(left) // 3 * 3
        yield base64.b64encode(left[:whole]).decode("ascii")
        left = left[whole:]
    yield base64.b64encode(left + zipped.flush()).decode("ascii")


def _kept(blocks: Spool, number: int) -> Iterator[str]:
    yield blocks[number].decode("ascii")


def _sets(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """(task, fingerprint of its data), in the order of the runs' tasks."""
    for task in dict.fromkeys(name for run in runs for name in run.run["tasks"]):
        described = [run.run["tasks"][task] for run in runs if task in run.run["tasks"]]
        for fingerprint in dict.fromkeys(one["fingerprint"] for one in described):
            yield task, fingerprint


class _Viewer:
    """Collects samples in order: columns of the index, chunks of texts, images."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        self.pictures = Pictures()
        self.index = Index(len(runs))
        self._folders = [Folder(run.path / "images") for run in runs]
        self._registry = Registry()
        self._blocks = Spool(None, "samples")
        self._chunk: list[str] = []
        self._characters = 0

    def add(self, task: str, fingerprint: str) -> None:
        """All samples of a task on one data set, in the order of their rows."""
        answers = {
            number: Answers(run, task)
            for number, run in enumerate(self.runs)
            if run.run["tasks"].get(task, {}).get("fingerprint") == fingerprint
        }
        groups, headline = Groups(), self._headline(task)
        self.index.begin()
        for per_run in merged(answers):
            number, item = next(iter(per_run.items()))
            try:
                groups.add(item.get("groups") or {})
                self._sample(task, headline, per_run, answers)
            except _BROKEN as error:
                raise HarnessError(
                    f"{self.runs[number].path}: {task}, sample {item['id']!r}: its items or scores are not as "
                    f"this version writes them: {error!r}"
                ) from None
            for own in per_run:
                answers[own].scores.pop(item["id"], None)
        run = self.runs[min(answers)]
        result = run.results.tasks.get(task)
        self.index.end(
            {
                "task": task,
                "category": result.category if result else "",
                "data": str(fingerprint)[:8],
                "label": str(run.run["tasks"][task].get("data", "")),
                "synthetic": bool(run.run["tasks"][task].get("synthetic")),
                "of": headline,
                "runs": list(answers),
                "rendered": {
                    number: {"id": found["id"], "text": found["example"]}
                    for number in answers
                    if (found := self.runs[number].run["tasks"][task].get("rendered"))
                },
            },
            groups,
        )

    def finish(self) -> Spool:
        """The chunks, packed."""
        self._cut()
        return self._blocks

    def _headline(self, task: str) -> str:
        """What the task's headline is a mean of."""
        try:
            return self._registry.get(task).headline.of
        except UsageError:  # of a task file: a report runs no code that a run names
            return "value"

    def _sample(
        self, task: str, headline: str, per_run: Mapping[int, Line], answers: Mapping[int, Answers]
    ) -> None:
        """One sample: its cells in the index, its texts in a chunk, its images."""
        item = next((item for item in per_run.values() if "error" not in item), None) or min(per_run.items())[1]
        name = item["id"]
        cells = [
            cell_of(answers[number].scores.get(name, ()), answers[number].epochs, headline)
            if number in per_run
            else NOT_ASKED
            for number in range(len(self.runs))
        ]
        pictures = self._places(task, per_run, rank_of([cells[number] for number in per_run]))
        texts = asked(item)
        texts["im"] = [pictures[image] for image in item.get("images") or ()]
        texts["r"] = {
            number: self._replies(item, own, answers[number], pictures) for number, own in per_run.items()
        }
        measures = [
            measures_of(texts["r"][number]["e"], texts) if number in per_run else NOT_MEASURED
            for number in range(len(self.runs))
        ]
        self.index.add(str(name), str(item.get("question") or ""), cells, measures)
        self._write(texts)

    def _replies(self, item: Line, own: Line, answers: Answers, pictures: Mapping[str, int]) -> dict[str, Any]:
        """What one run answered, `e` an epoch each; and its prompt and images where those are its own."""
        name = own["id"]
        found: dict[str, Any] = {
            "e": [
                reply(score, answers.responses.get((name, score["epoch"])), answers.epochs, answers.delimiters)
                for score in answers.scores.get(name, ())
            ]
        }
        if own is not item and own.get("prompt") != item.get("prompt"):
            found["p"] = prompt_of(own)
        if own is not item and own.get("images") != item.get("images"):
            found["im"] = [pictures[image] for image in own.get("images") or ()]
            found["size"] = own.get("sizes")
        if "error" in own:
            found["err"] = own["error"]
        return found

    def _places(self, task: str, per_run: Mapping[int, Line], rank: int) -> dict[str, int]:
        """Image name → its number, each from a run that keeps it."""
        numbers: dict[str, int] = {}
        for number, own in per_run.items():
            folder = self._folders[number]
            for image in own.get("images") or ():
                if image not in numbers or image in folder.sizes:
                    numbers[image] = self.pictures.add(image, folder, task, rank)
        return numbers

    def _write(self, texts: Line) -> None:
        if not self._chunk:
            self.index.chunks.append(len(self.index) - 1)
        self._chunk.append(json.dumps(texts, separators=(",", ":"), allow_nan=False))
        self._characters += len(self._chunk[-1])
        if len(self._chunk) >= CHUNK_SAMPLES or self._characters >= CHUNK_CHARACTERS:
            self._cut()

    def _cut(self) -> None:
        if self._chunk:
            self._blocks.add("".join(packed(["[" + ",".join(self._chunk) + "]"])).encode("ascii"))
        self._chunk, self._characters = [], 0
