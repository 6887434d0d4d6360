"""Rollouts on disk: what the policy answered, what it earned and for what, a file a step.

Images are named, not copied: by path, or by the hash of their bytes where a row holds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.jsonl import encode, write_atomic
from tasks.images import ImageRef
from training.rollout import Rollout


def write_rollouts(
    folder: Path, step: int, sampled: Sequence[Rollout], advantages: Mapping[str, float]
) -> Path:
    """Write the responses of a step that have a verdict, those of dropped groups too.

    Args:
        folder: holds a file a step.
        step: the step's number.
        sampled: in the order of asking.
        advantages: request key → the advantage of its response; those of dropped groups are not there.
    """
    path = folder / f"step-{step:07d}.jsonl"
    write_atomic(
        path, (encode(_line(each, advantages.get(each.request.key))) for each in sampled), durable=False
    )
    return path


def _line(rollout: Rollout, advantage: float | None) -> dict[str, Any]:
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
        "text": rollout.response.text,
        "finish_reason": rollout.response.finish_reason,
        "tokens": len(rollout.tokens),
        "reward": earned.total,
        "terms": dict(earned.terms),
        "value": earned.value,
        "status": earned.score.status,
        "extracted": earned.score.extracted,
        "advantage": advantage,
    }


def _named(image: ImageRef) -> str:
    return str(image.path or image.url or f"sha256:{image.sha}")
