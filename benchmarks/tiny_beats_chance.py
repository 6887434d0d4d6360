"""Does the tiny model look? For each task: its headline against the best constant answer and against itself
with the images dealt among the samples, as paired 95 % intervals on the same samples.

    python benchmarks/tiny_beats_chance.py [--model tiny] [--limit N] [--out DIR] [--tasks a,b]

The best constant answer is chosen with the test answers in hand: of every true answer in the data (places in
the model's convention), every letter, yes, no, and boxes and points on a grid, the one with the highest
headline. A task counts where both intervals lie above 0.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import evaluate
from harness.models import family_coords
from harness.registry import Registry
from harness.run.items import Item, read_items
from harness.scores import judge
from harness.scores.stats import Estimate, paired_interval
from scorers.types import Coords, Score, Status
from tasks.types import Response, Sample, Task
from training.data.gold import answer_text

GRID = (100, 300, 500, 700, 900)
Observation = tuple[float, str, str]
"""(score, group of the headline's `by`, cluster)."""


def headline(task: Task, samples: Sequence[Sample], scores: Sequence[Score]) -> list[Observation]:
    """What the headline is the mean of: one number a sample, or a group (circular)."""
    metric = task.headline
    taken: list[Observation] = []
    for sample, score in zip(samples, scores, strict=True):
        if metric.where is not None and sample.groups.get(metric.where[0]) != metric.where[1]:
            continue
        own = {"value": score.value, "official": score.official or 0.0}
        value = own.get(metric.of, score.components.get(metric.of, 0.0))
        cluster = str(sample.groups.get(task.cluster, sample.id)) if task.cluster else sample.id
        taken.append((value, str(sample.groups.get(metric.by, "")) if metric.by else "", cluster))
    if metric.reduce != "circular":
        return taken
    worst: dict[str, float] = {}
    for value, group, _ in taken:
        worst[group] = min(value, worst.get(group, 1.0))
    return [(value, "", group) for group, value in worst.items()]


def weighted(task: Task, observations: Sequence[Observation]) -> list[float]:
    """The observations, scaled so that their plain mean is the headline (macro: each group counts alike)."""
    if task.headline.reduce != "macro":
        return [value for value, _, _ in observations]
    sizes: dict[str, int] = defaultdict(int)
    for _, group, _ in observations:
        sizes[group] += 1
    n = len(observations)
    return [value * n / (len(sizes) * sizes[group]) for value, group, _ in observations]


def constants(task: Task, samples: Sequence[Sample], coords: Coords) -> list[str]:
    """Answers to try, each given to every sample."""
    found = dict.fromkeys([*"ABCDEF", "yes", "no"])
    for sample in samples:
        found.update(dict.fromkeys(filter(None, [answer_text(sample, coords)])))
    if task.places:
        boxes = [(a, b, c, d) for a in GRID for b in GRID for c in GRID for d in GRID if a < c and b < d]
        found.update(dict.fromkeys(f'{{"bbox_2d": {list(box)}}}' for box in boxes))
        found.update(dict.fromkeys(f'[{{"point_2d": [{x}, {y}]}}]' for x in GRID for y in GRID))
    return list(found)


def best_constant(task: Task, samples: Sequence[Sample], coords: Coords) -> tuple[str, list[float]]:
    """The constant answer with the highest headline, and its observations."""
    tried = []
    for text in constants(task, samples, coords):
        scores = [judge(task, sample, Response(text), coords=coords) for sample in samples]
        values = weighted(task, headline(task, samples, scores))
        tried.append((sum(values) / len(values), text, values))
    _, text, values = max(tried)
    return text, values


def read_scores(run: Path, task: Task, samples: Sequence[Sample]) -> list[Score]:
    """The verdicts of a run in the order of its items."""
    by_id = {}
    for line in (run / "scores" / f"{task.name}.jsonl").read_text(encoding="utf-8").splitlines():
        read = json.loads(line)
        by_id[read["id"]] = Score(
            read["value"], read["official"], Status(read["status"]), None, read.get("components", {})
        )
    return [by_id[sample.id] for sample in samples]


def compare(task: Task, seen: Path, dealt: Path, coords: Coords) -> dict[str, object]:
    """One line of the table."""
    items = read_items(seen / "items" / f"{task.name}.jsonl", task)
    samples = [item.sample for item in items if isinstance(item, Item)]
    observed = headline(task, samples, read_scores(seen, task, samples))
    tiny = weighted(task, observed)
    permuted = weighted(task, headline(task, samples, read_scores(dealt, task, samples)))
    text, constant = best_constant(task, samples, coords)
    clusters = [cluster for _, _, cluster in observed]
    scale = task.headline.scale
    line: dict[str, object] = {"task": task.name, "metric": task.headline.name, "n": len(tiny)}
    line |= {"tiny": scale * mean(tiny), "constant": scale * mean(constant), "permuted": scale * mean(permuted)}
    over = [paired_interval(tiny, other, clusters) for other in (constant, permuted)]
    line |= {"answer": text, "over_constant": bounds(over[0], scale), "over_permuted": bounds(over[1], scale)}
    line["beats"] = all(estimate.low is not None and estimate.low > 0 for estimate in over)
    return line


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def bounds(estimate: Estimate, scale: float) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return scale * estimate.low, scale * estimate.high


def table(lines: Sequence[dict[str, object]]) -> Iterator[str]:
    yield "| task | n | tiny | best constant | images dealt | over constant | over dealt | beats both |"
    yield "|---|---|---|---|---|---|---|---|"
    for line in lines:
        low, high = line["over_constant"]  # type: ignore[misc]
        down, up = line["over_permuted"]  # type: ignore[misc]
        answer = str(line["answer"]).replace("|", "/")
        yield (
            f"| {line['task']} | {line['n']} | {line['tiny']:.1f} | {line['constant']:.1f} (`{answer}`) "
            f"| {line['permuted']:.1f} | {low:+.1f} to {high:+.1f} | {down:+.1f} to {up:+.1f} "
            f"| {'yes' if line['beats'] else 'no'} |"
        )
    yield f"\n{sum(bool(line['beats']) for line in lines)} of {len(lines)} tasks beat both."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--limit", type=int, help="samples a task [as harness eval]")
    parser.add_argument("--out", type=Path, default=Path("runs/tiny-beats-chance"))
    parser.add_argument("--tasks", help="comma-separated [all 18]")
    args = parser.parse_args()
    settings = {"data": "synthetic", "verbose": True}
    if args.limit:
        settings["limit"] = args.limit
    settings |= {"tasks": args.tasks} if args.tasks else {"suite": "all"}
    seen, dealt = args.out / "seen", args.out / "dealt"
    results = evaluate(args.model, out=str(seen), **settings)
    evaluate(args.model, out=str(dealt), permute_images=True, **settings)
    coords = family_coords(args.model) or "norm1000"
    registry = Registry()
    lines = [compare(registry.get(name), seen, dealt, coords) for name in results.tasks]
    (args.out / "table.json").write_text(json.dumps(lines, indent=1), encoding="utf-8")
    print("\n".join(table(lines)))


if __name__ == "__main__":
    main()
