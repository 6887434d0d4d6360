"""Trainings that are killed and continued until they are complete."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from harness.fingerprint import check_sums
from tests.faults.lives import Moment, Starting, live
from tests.faults.model import Tally

ENOUGH = 20
"""Broken promises after which no more runs are started."""
RECIPE = """
{engine}
model = "tiny"
data = "synthetic"
tasks = ["embspatial", "chartqa"]
threads = 1
[coldstart]
steps = {steps}
batch_size = 4
sorted_batches = 2
workers = 0
log_every = 2
save_every = 1
learning_rate = 1e-4
[g2rpo]
steps = {steps}
responses = 4
max_new_tokens = 16
rollout_prompts = 4
update_prompts = 4
micro_batch = 16
fill_rounds = 1
rollout_batch = 16
learning_rate = 1e-4
low_accuracy = 0.0
high_accuracy = 1.0
empty_budget = 1.0
save_every = 1
eval_every = 4
eval_limit = 2
"""
"""Everything is saved after every step, so that many kills fall into the writing of a checkpoint."""
ENGINES = {
    "training": 'stages = ["coldstart", "g2rpo"]',
    "trl": 'engine = "trl"\nstages = ["g2rpo"]',
    "trl2": 'engine = "trl"\nstages = ["g2rpo"]',
}
"""Kind → the recipe's engine and stages. `trl2` runs in two processes."""
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
STAGES = {"coldstart": ("checkpoints", "train.jsonl"), "g2rpo": ("g2rpo/checkpoints", "g2rpo/steps.jsonl")}
"""Stage → its checkpoints and its log, in the run's folder."""
FINISHED = "coldstart.json"
"""Written when the cold start has ended."""
CLOCKS = ("seconds", "cpu_seconds", "time")
MODELS = ("model", "g2rpo/model")
PRINTED = {"coldstart": re.compile(r"^coldstart (\d+)/", re.M), "g2rpo": re.compile(r"^step (\d+) ", re.M)}
"""Stage → the line that the command prints after each step."""

Lines = dict[str, list[dict[str, Any]]]


def logs(out: Path) -> Lines:
    """Stage → the lines of its log, without what depends on the clock. A torn last line is left out."""
    found: Lines = {}
    for stage, (_, name) in STAGES.items():
        text = (out / name).read_bytes() if (out / name).exists() else b""
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
        found[stage] = [{key: value for key, value in line.items() if key not in CLOCKS} for line in lines]
    return found


def checkpoints(out: Path, stage: str) -> list[Path]:
    """The checkpoints of a stage, oldest first; what is still being written is none yet."""
    return sorted(path for path in (out / STAGES[stage][0]).glob("step-*") if not path.suffix)


def latest(out: Path, stage: str) -> int:
    """The step of the latest checkpoint, the last one once a cold start has ended; -1 where there is none."""
    if stage == "coldstart" and (out / FINISHED).exists():
        return int(json.loads((out / FINISHED).read_bytes())["steps"])
    found = checkpoints(out, stage)
    return int(found[-1].name.removeprefix("step-")) if found else -1


def torn_folders(out: Path) -> list[str]:
    """Checkpoints and models that cannot be loaded, with the reason."""
    import torch
    from safetensors.torch import load_file

    bad = []
    folders = [path for stage in STAGES for path in checkpoints(out, stage)]
    for folder in [*folders, *(out / name for name in MODELS if (out / name).exists())]:
        try:
            for name in ("config.json", "tokenizer.json", "preprocessor_config.json"):
                json.loads((folder / name).read_bytes())
            load_file(folder / "model.safetensors")
            if folder in folders:
                json.loads((folder / "training" / "state.json").read_bytes())
                check_sums(folder / "training")
                for path in (folder / "training").glob("*.pt"):
                    torch.load(path, weights_only=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the folder does not load
            bad.append(f"{folder.relative_to(out)}: {type(error).__name__}: {error}"[:200])
    return bad


def differing(out: Path, whole: Path) -> list[str]:
    """What a finished run has otherwise than one that was not killed."""
    kept = [whole / name / "model.safetensors" for name in MODELS if (whole / name).exists()]
    for stage in STAGES:
        for path in checkpoints(whole, stage):
            kept += [path / "model.safetensors", path / "training" / "state.json"]
            kept += sorted((path / "training").glob("*.pt"))
    names = [str(path.relative_to(whole)) for path in kept]
    found = [
        name
        for name in names
        if not (out / name).exists() or (out / name).read_bytes() != (whole / name).read_bytes()
    ]
    mine, expected = logs(out), logs(whole)
    return found + [f"the log of {stage}" for stage in STAGES if mine[stage] != expected[stage]]


class Run:
    """One training, from its first process to its last."""

    def __init__(self, tally: Tally, out: Path, expected: Lines) -> None:
        self._tally, self._out, self._expected = tally, out, expected
        self._saved = dict.fromkeys(STAGES, -1)
        self._done: set[tuple[str, int]] = set()
        self._again = 0

    def ended(self, said: str) -> None:
        """Check what a process did and left."""
        tally, again = self._tally, 0
        for stage, pattern in PRINTED.items():
            steps = [int(step) for step in pattern.findall(said)]
            repeated = [step for step in steps if (stage, step) in self._done]
            again += len([step for step in repeated if step > 0])  # 0 is an evaluation before the first step
            if lost := [step for step in steps if step <= self._saved[stage]]:
                tally.lost += len(lost)
                tally.broken.append(f"{stage}: step {lost[0]} was done again, and has a checkpoint")
            if (saved := latest(self._out, stage)) < self._saved[stage]:
                tally.lost += 1
                tally.broken.append(f"{stage}: the checkpoint of step {self._saved[stage]} is gone")
            self._saved[stage] = saved
            self._done |= {(stage, step) for step in steps}
        tally.again += again
        tally.again_most = max(tally.again_most, again)
        tally.broken += [f"torn: {what}" for what in torn_folders(self._out)]
        for stage, lines in logs(self._out).items():
            if lines != self._expected[stage][: len(lines)]:
                tally.broken.append(f"{stage}: its log is not the first lines of that of the whole run")

    def killed(self, said: str) -> None:
        """Check a process that was killed."""
        tally = self._tally
        tally.kills += 1
        tally.early += not any(pattern.search(said) for pattern in PRINTED.values())
        self.ended(said)
        for name in (log for _, log in STAGES.values()):
            path = self._out / name
            data = path.read_bytes() if path.exists() else b""
            tally.torn += bool(data) and not data.endswith(b"\n")
        open_ = sum(
            step > max(self._saved[stage], 0)
            for stage, pattern in PRINTED.items()
            for step in map(int, pattern.findall(said))
        )
        tally.flying_most = max(tally.flying_most, open_)


def _moment(rng: Random, out: Path, starting: Starting) -> Moment:
    """A moment while the process starts, while it learns, or while it writes a checkpoint."""
    kind = rng.random()
    if kind < 0.15:
        return starting.before(rng.random())
    if kind < 0.6:
        return starting.then(rng.uniform(0, 3.0))
    writing = _partials(out)
    return Moment(lambda: bool(writing()), rng.uniform(0, 0.15))


def _printed(log: Path) -> bool:
    said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return any(pattern.search(said) for pattern in PRINTED.values())


def _partials(out: Path) -> Callable[[], set[Path]]:
    """Sees checkpoints that are being written, beside those that a kill has left."""

    def now() -> set[Path]:
        return {path for folder, _ in STAGES.values() for path in (out / folder).glob("step-*.partial")}

    left = {path: path.stat().st_ino for path in now()}

    def new() -> set[Path]:
        found = set()
        for path in now():
            try:
                if path.stat().st_ino != left.get(path):
                    found.add(path)
            except FileNotFoundError:
                continue
        return found

    return new


def kill_trainings(kind: str, kills: int, rng: Random, folder: Path, *, size: float = 1.0) -> Tally:
    """Kill trainings so many times, carry each to its end, and compare with one that was not killed."""
    tally = Tally()
    folder.mkdir(parents=True)
    recipe, log = folder / "recipe.toml", folder / "said.txt"
    recipe.write_text(RECIPE.format(engine=ENGINES[kind], steps=max(2, round(12 * size))), encoding="utf-8")
    environment = {"XDG_CACHE_HOME": str(folder / "cache"), "CUDA_VISIBLE_DEVICES": ""}

    def words(out: Path) -> list[str]:
        launcher = TWO if kind == "trl2" else []
        return ["-u", *launcher, "-m", "harness", "train", str(recipe), "--out", str(out)]

    def choose(workers: Sequence[int]) -> int:
        """One of the workers, or every third time all processes."""
        return rng.choice([*workers, 0])

    whole = folder / "whole"
    starting = Starting(lambda: _printed(log))
    ended = live(words(whole), log, environment, starting.then(math.inf))
    if ended.code != 0:
        tally.broken.append(f"the run without kills: exit {ended.code}: {ended.last_words}")
        return tally
    expected = logs(whole)
    number = 0
    while tally.kills < kills and len(tally.broken) < ENOUGH:
        number += 1
        out = folder / f"run-{number}"
        run = Run(tally, out, expected)
        while True:
            log.unlink(missing_ok=True)
            moment = _moment(rng, out, starting) if tally.kills < kills else None
            ended = live(words(out), log, environment, moment, choose=choose if kind == "trl2" else None)
            if ended.killed_at is None:
                break
            run.killed(ended.said)
        if ended.code != 0:
            tally.broken.append(f"continued, kill {tally.kills}: exit {ended.code}: {ended.last_words}")
            continue
        run.ended(ended.said)
        tally.broken += [f"other than without kills: {what}" for what in differing(out, whole)]
        tally.runs += 1
        shutil.rmtree(out)
    return tally
