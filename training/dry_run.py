"""`harness train --dry-run`: what a recipe would train on. Nothing is trained, and nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.models import family_coords, tiny_path
from harness.run.media import ImageStore
from harness.scores.judging import judge
from harness.words import counted
from scorers.types import Coords, ScorerError
from tasks.images import ImageError, ImageRef
from tasks.prompts import ImagePart, Part, render
from tasks.types import Response, RowError, Sample, Style
from training.data.demonstrations import load_demonstrations
from training.data.file_problems import FileProblems, told
from training.data.load import stage_problems
from training.data.overlap import find_overlap, overlap_lines
from training.data.prompt_stream import UNREADABLE, Problems
from training.data.rows import left_out
from training.log import STEPS, read_steps
from training.memory import estimate
from training.policy_recipe import PolicyRecipe
from training.policy_setup import check_coords, open_stream
from training.recipe import UNTRAINED, Recipe

_HEAD = f"{'family':12} {'problem type or task':24} {'rows':>9} {'images':>9} {'passes':>7}  units"


def dry_run(recipe: Recipe) -> Iterator[str]:
    """What each stage of a recipe would train on, line by line.

    Rows by family and problem type, the rows that are left out, the units of places, and for each problem type
    one prompt as it is asked, with its gold answer and what that earns; and what the stage takes.

    Raises:
        UsageError, HarnessError: as the stages themselves, for what is wrong with the recipe or the data.
    """
    source = tiny_path() if recipe.model in ("tiny", UNTRAINED) else Path(recipe.model)
    coords = recipe.coords or family_coords(str(source))
    if (found := find_overlap(recipe)) is not None:
        yield from overlap_lines(recipe, found)
    for name in recipe.stages:
        with TemporaryDirectory() as scratch:
            yield f"{name}: {recipe.model} on {recipe.data}"
            if name == "coldstart" and recipe.own_rows:
                yield from _demonstrations(recipe, coords, Path(scratch))
            else:
                yield from _problems(recipe, name, source, coords, Path(scratch))


def _problems(recipe: Recipe, name: str, source: Path, coords: Coords | None, scratch: Path) -> Iterator[str]:
    """The data of a stage of policy training and what it takes; or the data of a cold start on task rows."""
    stage: PolicyRecipe | None = None if name == "coldstart" else getattr(recipe, name)
    problems, failed, held_out = stage_problems(recipe, stage.families if stage else (), scratch)
    passes = _passes(recipe, stage, problems) if stage else {}
    check_coords(coords, (each.task for each in problems), recipe.model)
    yield from _table(problems, passes)
    yield from left_out(failed)
    if held_out:
        yield f"Held out beside them: {told(held_out)}."
    places = f"The model writes places in {coords}" if coords else "How the model writes places is not known"
    yield f"{places}; balance = {recipe.balance}."
    mostly: Style = "think" if recipe.coldstart.think_share >= 0.5 else "direct"
    style = stage.style if stage else mostly
    for each in problems:
        yield ""
        yield from _example(each, style, coords)
    if stage is not None:
        rows = sum(each.size or 0 for each in problems)
        yield ""
        if stage.epochs is not None:
            most = counted(stage.most_steps(rows), "step")
            yield (
                f"epochs = {stage.epochs:g} of {counted(rows, 'row')}: at most {most}, fewer where prompts are "
                "drawn in the place of others."
            )
        yield from estimate(source, recipe, stage, rows)
        yield _time(Path(recipe.out, name, STEPS), stage.most_steps(rows))


def _time(log: Path, steps: int) -> str:
    """How long a stage takes at the pace of what it has logged; without a log nothing is guessed."""
    made = [line for line in read_steps(log) if line["step"] > 0]
    if len(made) < 2:
        return f"Time: not known; there are no two steps in {log} (--set {log.parent.name}.steps=3 makes some)."
    first, last = made[0], made[-1]
    each = (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])
    return (
        f"Time: {each:.3g} s a step, evaluations included, by {log} up to step {last['step']}: "
        f"{each * steps / 3600:.2g} hours for {counted(steps, 'step')}."
    )


def _passes(recipe: Recipe, stage: PolicyRecipe, problems: Sequence[Problems]) -> dict[str, float]:
    """Family → passes over its rows in the stage, without prompts that are drawn in the place of dropped ones.

    Raises:
        UsageError: a task has no shape, or the balance or `epochs` does not fit the data.
    """
    stream = open_stream(recipe, stage, problems)
    for task in stream.tasks:
        stage.shape(task)
    asked = dict.fromkeys(stream.families, 0)
    for step in range(1, stage.most_steps(stream.row_count) + 1):
        for family, number in stream.quotas(stage.rollout_prompts, step):
            asked[family] += number
    return {family: asked[family] / rows for family, rows in stream.rows.items() if rows}


def _table(problems: Sequence[Problems], passes: dict[str, float]) -> Iterator[str]:
    yield _HEAD
    total = 0
    for each in problems:
        family = each.task.category
        rows = "no end" if each.size is None else str(each.size)
        total += each.size or 0
        images = units = ""
        if isinstance(each, FileProblems):
            images = str(sum(bool(row.images) for row in each.rows))
            units = " ".join(sorted({str(row.problem.coords) for row in each.rows})) if each.task.places else ""
        asked = f"{passes[family]:.2f}" if family in passes else ""
        name = each.task.name.removeprefix(f"{family}/")
        yield f"{family:12} {name[:24]:24} {rows:>9} {images:>9} {asked:>7}  {units}".rstrip()
    if total:
        yield f"{'':12} {'':24} {total:>9}"


def _example(problems: Problems, style: Style, coords: Coords | None) -> Iterator[str]:
    """One prompt of a task as it is asked, with its gold answer and what that earns."""
    for index in range(min(UNREADABLE, problems.size or UNREADABLE)):
        try:
            sample = problems.sample(index)
            parts = render(problems.task, sample, style, coords=coords)
            shown = [*_shown(parts, sample.images)]
        except (RowError, ImageError):
            continue
        yield f"{problems.task.name}, {sample.id}:"
        yield from shown
        yield f"  gold: {_gold(problems, index, sample, coords)}"
        return
    yield f"{problems.task.name}: none of the first {UNREADABLE} rows can be read"


def _shown(parts: Sequence[Part], images: Sequence[ImageRef]) -> Iterator[str]:
    """A prompt, indented, with the size of each image in its place."""
    for part in parts:
        if isinstance(part, ImagePart):
            width, height = images[part.index].size
            yield f"  | [image {part.index + 1}, {width} x {height}]"
        else:
            yield from (f"  | {line}".rstrip() for line in part.strip().splitlines())


def _gold(problems: Problems, index: int, sample: Sample, coords: Coords | None) -> str:
    """A sample's gold answer, a file's as its row writes it, and what it earns."""
    if isinstance(problems, FileProblems):
        row = problems.rows[index].problem
        answer, written = row.gold, row.coords
    else:
        try:
            found = sample.target.gold(coords)
        except (ScorerError, NotImplementedError):
            found = None
        if found is None:
            return "none that can be written"
        answer, written = found, coords
    score = judge(problems.task, sample, Response(f"<answer>{answer}</answer>"), coords=written)
    earned = f"{score.value:.2f}" if score.error is None else score.error
    return f"{' '.join(answer.split())} -> {earned}"


def _demonstrations(recipe: Recipe, coords: Coords | None, scratch: Path) -> Iterator[str]:
    found, failed = load_demonstrations(recipe.data, recipe.row_format, coords, ImageStore(scratch))
    for family, taught in found.items():
        yield f"{family:12} {counted(len(taught), 'demonstration')}"
    yield from left_out(failed)
    for family, taught in found.items():
        yield ""
        yield f"{family}:"
        yield from _shown(taught[0].request.parts, taught[0].request.images)
        yield from (f"  > {line}" for line in taught[0].response.splitlines())
