"""Our tasks as a folder for lmms-eval's `--include_path`, scored there by our own scorers.

DIR/export.json            coordinate convention, pixel limits, where the rows came from
    utils.py               what the YAML files name; it calls `harness.lmms.scoring`
    harness_<task>.yaml    a task of lmms-eval
    harness_<suite>.yaml   a group: all tasks, or those of a category
    docs/<task>.parquet    its documents: prompt, image names, right answer
    items/<task>.jsonl     targets, as in a run
    images/<sha>           pictures, each once, as the rows hold them
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data import RowSource, load_rows
from harness.errors import UsageError
from harness.jsonl import plain, write_atomic, write_json, writing
from harness.lmms.scoring import FORMAT, SHARES, own_scale
from harness.progress import Progress
from harness.registry import SUITES, suite_names
from harness.run.items import Planned, gold_of
from harness.run.media import ImageStore
from harness.run.plan import PlanOptions, TaskPlan, plan_task
from harness.types import NO_LIMITS, PixelLimits
from harness.version import __version__
from scorers.types import COORDS, Coords
from tasks.types import Style, Task

PREFIX = "harness_"
"""Before every name: where lmms-eval has a task of a name, its own wins."""

_UTILS = '''\
"""What the tasks of this folder call: written by `harness export lmms-eval`."""

from pathlib import Path

from harness.lmms.scoring import exported, mean  # noqa: F401 - `mean` is named by the tasks

_exported = exported(Path(__file__).resolve().parent)


def doc_to_messages(doc):
    return _exported.messages(doc)


def doc_to_text(doc):
    return _exported.text(doc)


def doc_to_visual(doc):
    return _exported.visuals(doc)


def process_results(doc, results):
    return _exported.judged(doc, results)


def headline(verdicts):
    return _exported.headline(verdicts)


def own_scale(verdicts):
    return _exported.own_scale(verdicts)
'''


@dataclass(frozen=True, slots=True)
class Settings:
    """What an export asks and how."""

    data: str = "hub"
    """`hub`, `synthetic` or a directory."""
    limit: int | None = None
    """Samples a task, groups kept whole."""
    seed: int = 0
    """Of drawn data."""
    style: Style = "direct"
    coords: Coords | None = None
    """How the model that will be asked writes places."""
    max_new_tokens: int | None = None
    """By default each task's own limit."""
    pixels: PixelLimits = NO_LIMITS


def export(
    tasks: Sequence[Task], out: Path, settings: Settings, progress: Progress | None = None
) -> dict[str, int]:
    """Write the folder.

    Args:
        tasks: what to export.
        out: where to; it must not hold anything.
        settings: of what is asked.
        progress: where to say how far it is; None: nowhere.

    Returns:
        task name → how many documents it has.

    Raises:
        UsageError: the folder holds something, there are no rows, or a task asks for places and the
            convention is not declared.
        HarnessError: the data cannot be loaded, or the disk is full.
    """
    progress = progress or Progress(quiet=True)
    _refuse(tasks, out, settings)
    sources = {
        task.name: load_rows(task, settings.data, seed=settings.seed, alone=len(tasks) == 1) for task in tasks
    }
    out.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with closing(ImageStore(out)) as store:
        for task in tasks:
            with progress.stage(task.name, settings.limit) as stage:
                plan = _plan(task, sources[task.name], settings, store, stage.advance)
            for _, row in plan.failed:
                progress.say(f"{task.name}: left out: {row.error}")
            _write_task(plan, out, settings)
            counts[task.name] = sum(1 for _ in plan.entries.asked)
    _write_groups(out, [task.name for task in tasks])
    write_atomic(out / "utils.py", [_UTILS.encode()])
    write_json(out / "export.json", _described(tasks, sources, settings))
    return counts


def _refuse(tasks: Sequence[Task], out: Path, settings: Settings) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: there is something already: give a new folder, or remove it")
    places = [task.name for task in tasks if task.places]
    if places and settings.coords is None:
        raise UsageError(
            f"{places[0]} asks for places in the image: declare how the model that will be asked writes "
            f"coordinates with --coords {'|'.join(COORDS)}"
        )


def _plan(
    task: Task, source: RowSource, settings: Settings, store: ImageStore, tick: Callable[[], None]
) -> TaskPlan:
    options = PlanOptions(
        settings.style,
        coords=settings.coords,
        limit=settings.limit,
        max_new_tokens=settings.max_new_tokens,
        max_pixels=settings.pixels.max_pixels,
    )
    return plan_task(task, source, options, store, tick)


def _write_task(plan: TaskPlan, out: Path, settings: Settings) -> None:
    """Write what one task asks."""
    name = plan.task.name
    for planned in plan.planned:
        for image in planned.sample.images:
            path = out / "images" / image.sha
            if not path.exists():
                write_atomic(path, [image.data], durable=False)
    plan.entries.write(out / "items" / f"{name}.jsonl")
    _write_docs(out / "docs" / f"{name}.parquet", _docs(plan, settings.coords))
    write_atomic(out / f"{PREFIX}{name}.yaml", [_task_yaml(plan).encode()])


def _docs(plan: TaskPlan, coords: Coords | None) -> Iterator[dict[str, Any]]:
    """The documents of a task."""
    for position, entry in enumerate(plan.entries):
        if isinstance(entry, Planned):
            parts = [part if isinstance(part, str) else {"image": part.index} for part in entry.parts]
            yield {
                "task": plan.task.name,
                "id": entry.sample.id,
                "position": position,
                "prompt": json.dumps(parts, ensure_ascii=False),
                "images": [image.sha for image in entry.sample.images],
                "gold": gold_of(entry.sample.target, coords) or "",
            }


def _write_docs(path: Path, docs: Iterator[dict[str, Any]]) -> None:
    """Write documents with declared types: a reader of JSON would take some texts for dates."""
    import pyarrow as pa
    import pyarrow.parquet

    texts = [(name, pa.string()) for name in ("task", "id", "prompt", "gold")]
    schema = pa.schema([*texts, ("position", pa.int64()), ("images", pa.list_(pa.string()))])
    table = pa.Table.from_pylist(list(docs), schema=schema)
    path.parent.mkdir(exist_ok=True)
    with writing(path):
        pyarrow.parquet.write_table(table, path)


def _task_yaml(plan: TaskPlan) -> str:
    task = plan.task
    metrics = [("headline", "headline", True), ("value", "mean", True)]
    if task.official is not None:
        metrics.append(("official", "mean", True))
    if (name := own_scale(task)) is not None:
        metrics.append((name, "own_scale", True))
    metrics += [(status, "mean", False) for status in SHARES]
    lines = [
        "# Written by harness export lmms-eval: scored by the scorers of the installed harness.",
        f"task: {PREFIX}{task.name}",
        "dataset_path: parquet",
        "dataset_kwargs:",
        "  data_files:",
        f"    test: docs/{task.name}.parquet",
        "test_split: test",
        "output_type: generate_until",
        "doc_to_messages: !function utils.doc_to_messages",
        "doc_to_text: !function utils.doc_to_text",
        "doc_to_visual: !function utils.doc_to_visual",
        "doc_to_target: gold",
        "process_results: !function utils.process_results",
        "generation_kwargs:",
        f"  max_new_tokens: {plan.max_new_tokens}",
        "  temperature: 0",
        "  do_sample: false",
        "  until: []",
        "reasoning_tags: none",
        *(["cluster_key: cluster"] if task.cluster else []),
        "metric_list:",
    ]
    for name, aggregation, higher in metrics:
        lines += [
            f"  - metric: {name}",
            f"    aggregation: !function utils.{aggregation}",
            f"    higher_is_better: {str(higher).lower()}",
        ]
    return "\n".join([*lines, "metadata:", f"  version: {__version__}", ""])


def _write_groups(out: Path, names: Sequence[str]) -> None:
    """Write the groups: the plain mean of headlines in per cent, as in a run's results."""
    for suite in SUITES:
        members = [name for name in names if suite == "all" or name in suite_names(suite)]
        if not members:
            continue
        lines = [
            f"group: {PREFIX}{suite}",
            "task:",
            *(f"  - {PREFIX}{name}" for name in members),
            "aggregate_metric_list:",
            "  - metric: headline",
            "    aggregation: mean",
            "    weight_by_size: false",
            "metadata:",
            f"  version: {__version__}",
            "",
        ]
        write_atomic(out / f"{PREFIX}{suite}.yaml", ["\n".join(lines).encode()])


def _described(tasks: Sequence[Task], sources: dict[str, RowSource], settings: Settings) -> dict[str, Any]:
    """`export.json`, written last: its presence means complete."""
    return {
        "format": FORMAT,
        "harness": __version__,
        "coords": settings.coords,
        "prompt": settings.style,
        "limit": settings.limit,
        "seed": settings.seed,
        **plain(settings.pixels),
        "tasks": {
            task.name: {
                "data": sources[task.name].label,
                "fingerprint": sources[task.name].fingerprint,
                "synthetic": sources[task.name].synthetic,
            }
            for task in tasks
        },
    }
