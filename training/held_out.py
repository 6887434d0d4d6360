"""The periodic evaluation on held-out rows of one's own, judged by the rows' scorers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.jsonl import encode, write_atomic
from harness.run.plan import request_seed
from harness.scores.judging import judge
from harness.types import Backend, PixelLimits, Request, Sampling
from scorers.types import Coords, Score, Status
from tasks.images import ImageError
from tasks.prompts import render
from tasks.types import RowError, Sample, Task
from training.data.prompt_stream import Problems
from training.policy_recipe import PolicyRecipe


def evaluate(
    backend: Backend,
    problems: Sequence[Problems],
    recipe: PolicyRecipe,
    coords: Coords | None,
    path: Path,
    *,
    seed: int,
) -> dict[str, Any]:
    """The policy's scores on all held-out rows.

    Args:
        backend: the policy.
        problems: the rows.
        recipe: how they are asked.
        coords: the model's coordinate convention.
        path: takes the responses with their scores, one JSON object a line.
        seed: of sampled answers.

    Returns:
        `mean` of the families' means and `categories`, of 100, None and absent where no response has a verdict;
        `unparsed`, the share of responses with a verdict that hold no answer; `failed`, the rows without one.

    Raises:
        HarnessError: the disk is full.
    """
    asked: dict[str, tuple[Task, Sample]] = {}
    requests: list[Request] = []
    lines: list[bytes] = []
    limits = PixelLimits(None, recipe.max_pixels)
    for each, index in [(found, index) for found in problems for index in range(found.size or 0)]:
        key = f"{each.task.name}/{index}"
        try:
            sample = each.sample(index)
            parts = render(each.task, sample, recipe.style, coords=coords)
        except (RowError, ImageError) as error:
            lines.append(encode({"task": each.task.name, "id": key, "status": "failed", "error": str(error)}))
            continue
        asked[key] = each.task, sample
        sampling = Sampling(recipe.max_new_tokens, recipe.eval_temperature, seed=request_seed(seed, key))
        requests.append(Request(key, parts, sample.images, sampling, limits))
    scores: dict[str, list[Score]] = defaultdict(list)
    for request, response in backend.generate(requests):
        task, sample = asked[request.key]
        score = judge(task, sample, response, coords=coords)
        own = {"task": task.name, "id": sample.id, "response": response.text, "value": score.value}
        lines.append(encode({**own, "status": score.status, "error": score.error}))
        if score.status not in (Status.FAILED, Status.ERROR):
            scores[task.category].append(score)
    write_atomic(path, lines)
    families = {name: _mean([score.value for score in of]) for name, of in scores.items()}
    empty = [score.status is not Status.OK for of in scores.values() for score in of]
    return {
        "mean": 100 * _mean(list(families.values())) if families else None,
        "categories": {name: round(100 * value, 3) for name, value in families.items()},
        "unparsed": round(_mean(empty), 4) if empty else None,
        "failed": len(lines) - len(empty),
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
