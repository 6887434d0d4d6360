"""Rollouts on disk: what the policy answered, what it earned and for what, a file a step.

Images are named, by path, or by the hash of their bytes where a row holds them. Of the first groups of each
family a small picture is kept too, for reports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.jsonl import encode, plain, write_atomic
from harness.run.items import gold_of, shapes_of
from harness.run.media import shrunk_jpeg
from scorers.types import Coords
from tasks.images import ImageError, ImageRef
from training.rollout import Rollout

PICTURED = 3
"""Groups of a family and step whose images are kept as pictures: those that a report shows."""
LONGEST = 768
"""Pixels of the longer side of a picture."""


def write_rollouts(
    folder: Path,
    step: int,
    sampled: Sequence[Rollout],
    advantages: Mapping[str, float],
    coords: Coords | None = None,
) -> Path:
    """Write the responses of a step that have a verdict, those of dropped groups too.

    Args:
        folder: holds a file a step.
        step: the step's number.
        sampled: in the order of asking.
        advantages: request key → the advantage of its response; those of dropped groups are not there.
        coords: how right answers that are places are written.
    """
    pictures = _pictures(folder / "images", sampled)
    path = folder / f"step-{step:07d}.jsonl"
    lines = (
        _line(each, advantages.get(each.request.key), coords, pictures.get(_group(each), ()))
        for each in sampled
    )
    write_atomic(path, map(encode, lines), durable=False)
    return path


Group = tuple[str, tuple[int, int, int]]
"""A task, and the group's number in it."""


def _group(rollout: Rollout) -> Group:
    return rollout.prompt.task.name, rollout.group


def _line(
    rollout: Rollout, advantage: float | None, coords: Coords | None, pictures: Sequence[str | None]
) -> dict[str, Any]:
    earned, prompt = rollout.reward, rollout.prompt
    epoch, index, attempt = rollout.group
    return {
        "task": prompt.task.name,
        "family": prompt.family,
        "id": prompt.sample.id,
        "epoch": epoch,
        "index": index,
        "attempt": attempt,
        "prompt": [part if isinstance(part, str) else {"image": part.index} for part in rollout.request.parts],
        "images": [_named(image) for image in rollout.request.images],
        "pictures": pictures,
        "reference": gold_of(prompt.sample.target, coords),
        "true": plain(shapes_of(prompt.sample.target)),
        "text": rollout.response.text,
        "finish_reason": rollout.response.finish_reason,
        "tokens": len(rollout.tokens),
        "reward": earned.total,
        "terms": dict(earned.terms),
        "value": earned.value,
        "status": earned.score.status,
        "extracted": earned.score.extracted,
        "predicted": plain(earned.score.shapes),
        "advantage": advantage,
    }


def _pictures(folder: Path, sampled: Sequence[Rollout]) -> dict[Group, list[str | None]]:
    """Write the pictures of the first groups of each family; group → their names, None: not readable."""
    kept: dict[Group, list[str | None]] = {}
    count: dict[str, int] = defaultdict(int)
    for each in sampled:
        family, name = each.prompt.family, _group(each)
        if name not in kept and count[family] < PICTURED:
            count[family] += 1
            kept[name] = [_picture(folder, image) for image in each.request.images]
    return kept


def _picture(folder: Path, image: ImageRef) -> str | None:
    try:
        path = folder / f"{image.sha[:24]}.jpg"
        if not path.exists():
            write_atomic(path, [shrunk_jpeg(image.picture().copy(), LONGEST, quality=80)], durable=False)
    except ImageError:
        return None
    return path.name


def _named(image: ImageRef) -> str:
    return str(image.path or image.url or f"sha256:{image.sha}")
