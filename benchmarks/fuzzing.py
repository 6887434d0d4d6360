"""How much processor time the longest responses take to judge: runs of everything that patterns stumble over.

    python benchmarks/fuzzing.py [TASK ...] [--length N]

Every attack of `tests/hostile.py` is judged by every kind of target of a task, at N characters (a million), and
the slowest ones at a quarter of that too: linear is a ratio of about 4, less where a limit cuts the text.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from itertools import islice
from pathlib import Path
from types import ModuleType

from harness.data import load_rows
from harness.run.plan import samples_of
from harness.scores.judging import judge
from scorers.types import Status
from tasks import BUILTIN, load_builtin
from tasks.types import Response, Sample, Task

FIELDS = ("kind", "answer_type", "formula", "corrected")


def hostile() -> ModuleType:
    path = Path(__file__).absolute().parents[1] / "tests" / "hostile.py"
    spec = spec_from_file_location("hostile", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["hostile"] = module
    spec.loader.exec_module(module)
    return module


def kinds(task: Task) -> list[Sample]:
    """One sample of each kind of target: options or none, a number, a word or places, each answer type."""
    found: dict[object, Sample] = {}
    for sample in islice(samples_of(task, load_rows(task, "synthetic", limit=100)), 100):
        if isinstance(sample, Sample):
            target = sample.target
            answer = str(getattr(target, "answer", ""))
            given = bool(getattr(target, "options", ()) or getattr(target, "choices", ()))
            fields = tuple(str(getattr(target, name, None)) for name in FIELDS)
            found.setdefault((given, answer[:1].isdigit(), answer in ("yes", "no", ""), fields), sample)
    return list(found.values())


def forget() -> None:
    """Empties the caches of the scorers, so that a text is read anew."""
    for name, module in list(sys.modules.items()):
        if name.startswith("scorers."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def took(task: Task, sample: Sample, text: str) -> float:
    forget()
    began = time.process_time()
    score = judge(task, sample, Response(text), coords="norm1" if task.places else None)
    spent = time.process_time() - began
    assert score.status is not Status.ERROR, (task.name, text[:60], score.error)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=BUILTIN)
    parser.add_argument("--length", type=int, default=1_000_000)
    options = parser.parse_args()
    module = hostile()
    attacks = list(module.attacks())
    for name in options.tasks:
        task = load_builtin(name)
        samples = kinds(task)
        timed = []
        for attack in attacks:
            text = module.long(attack, options.length)
            timed += [(took(task, sample, text), attack, sample) for sample in samples]
        timed.sort(key=lambda entry: -entry[0])
        print(
            f"{name}: {len(samples)} kinds of target, {len(attacks)} attacks of {options.length:,} characters"
        )
        for long, attack, sample in timed[:3]:
            quarter = took(task, sample, module.long(attack, options.length // 4))
            what = f"{attack[1]!r} after {attack[0][:20]!r}"
            print(f"  {long:6.3f} s, {long / quarter:4.1f} times a quarter's: {what}")


if __name__ == "__main__":
    main()
