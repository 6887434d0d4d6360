"""Side by side with lmms-eval and inspect_ai, in one run: ours, theirs, and the ratio.

    python benchmarks/peers.py --lmms PYTHON --inspect PYTHON [--repeats N] [--out TABLE.md]

Each peer has an environment of its own, named by its Python:

    python3 -m venv lmms && lmms/bin/pip install -c constraints.txt torch transformers accelerate datasets \
        pillow pytz loguru evaluate tenacity sacrebleu pytablewriter openai python-dotenv \
        math-verify==0.9.0 latex2sympy2_extended==1.11.0 antlr4-python3-runtime==4.13.2
    lmms/bin/pip install --no-deps lmms-eval==0.7.3
    python3 -m venv inspect && inspect/bin/pip install inspect_ai==0.3.285 openai pillow \
        latex2sympy2-extended==1.11.0 antlr4-python3-runtime==4.13.2

Every measure is taken of each tool in turn, N times over; the median counts. It is the processor time of the
tool's own process, all its threads together, which what else runs on the machine changes little. A peer that is
not named is left out, as is what it has no counterpart of.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import api
import engine
import PIL.Image
import points
from anls import RECORDED, a_second, made_up, recorded
from startup import HARNESS, timed
from symbolic import milliseconds

from scorers.math.symbolic import symbolic_equal
from scorers.rules.refspatial import points_in_mask
from scorers.types import Answer

HERE = Path(__file__).parent
FEW, MANY = 200, 1200
"""Samples of the two runs whose difference is the marginal cost, without a model."""
API_FEW, API_MANY = 40, 160
PAIRS = 3
"""Of such runs, after one that warms up; the median of their slopes counts."""
RESPONSE, SIZE = "[(0.4321, 0.5678)]", (640, 480)
FRACTIONS = [(rf"\frac{{{top}}}{{8}}", f"{top / 8:g}") for top in range(1, 120, 2)]
ALGEBRA = [(f"{n}(w+h)^2", f"{n}w^2+{2 * n}wh+{n}h^2") for n in range(2, 42)]
HELP, TASKS, ONE = "`eval --help`", "list tasks", "one sample, no-op model"
KEPT = "a sample more, no-op model, each answer kept as it comes"
UNKEPT = "the same, lmms-eval without its response cache"
SENT = f"a sample more, API, {api.SIDE} × {api.SIDE} PNG, 32 in flight"
SIMILAR, INSIDE = "ANLS", f"point in mask, {SIZE[0]} × {SIZE[1]}"
SYMBOLIC = {"symbolic: fractions": FRACTIONS, "symbolic: algebra": ALGEBRA}
UNITS = dict.fromkeys((HELP, TASKS, ONE), "s") | dict.fromkeys(
    (KEPT, UNKEPT, SENT, SIMILAR, INSIDE, *SYMBOLIC), "ms"
)
"""Of each measure, in the order of the table."""
WANTED = {KEPT: 0.3, SENT: 0.1}
"""The ratio to the best peer that is wanted at most."""


def peer_rows(count: int, image: str | None) -> list[dict[str, Any]]:
    """Rows for a peer's own task: the questions of `engine` and `api`."""
    return [
        {
            "question": f"How are the chair and table {index} positioned to each other?",
            "answer": "A",
            "image": image.format(index) if image is not None else None,
        }
        for index in range(count)
    ]


class Peer:
    """A tool in an environment of its own."""

    def __init__(self, name: str, python: str, folder: Path, url: str, images: Path) -> None:
        self.name, self.python, self.folder = name, python, folder
        self.script = HERE / f"peers_{name}.py"
        self.images, self.url = images, url
        self.repeat = 0

    def measured(self) -> Iterator[tuple[str, float]]:
        """One value of each measure."""
        self.repeat += 1
        module = {"lmms": "lmms_eval", "inspect": "inspect_ai"}[self.name]
        yield HELP, timed([self.python, "-m", module, "eval", "--help"])[2]
        if self.name == "lmms":
            yield TASKS, timed([self.python, "-m", module, "--tasks", "list"])[2]
        one = self._jobs("one", [("run", self._run("one", 1, [1], None))])
        yield ONE, timed([self.python, str(self.script), str(one)])[2]
        unkept = self._run("unkept", MANY, [20, *[FEW, MANY] * PAIRS], None)
        by_api = self._run("sent", API_MANY, [10, *[API_FEW, API_MANY] * PAIRS], self.url)
        jobs: dict[str, tuple[str, Any]] = {UNKEPT: ("run", unkept), SENT: ("run", by_api)}
        jobs |= {name: ("symbolic", {"pairs": pairs}) for name, pairs in SYMBOLIC.items()}
        if self.name == "lmms":
            jobs[KEPT] = "run", self._run("kept", MANY, unkept["limits"], None) | {"cached": True}
            pairs = [(list(target.answers), response) for response, target in anls_rows()]
            jobs[SIMILAR] = "anls", {"pairs": pairs, "rounds": 5}
            mask = str(self.images / "mask.png")
            jobs[INSIDE] = "points", {"counts": 200, "mask": mask, "response": RESPONSE}
        found = dict(zip(jobs, self._ask(list(jobs.values())), strict=True))
        for name, result in found.items():
            if name in SYMBOLIC:
                yield name, self._right(result, SYMBOLIC[name])
            elif "seconds" in result:
                few, many = (API_FEW, API_MANY) if name == SENT else (FEW, MANY)
                yield name, slope(result["seconds"][1:], few, many)
            else:
                yield name, result["ms"] if "ms" in result else 1000 / result["rate"]
        if self.name == "inspect":  # its log is written as samples finish, whatever is asked for
            yield KEPT, slope(found[UNKEPT]["seconds"][1:], FEW, MANY)

    def _right(self, found: dict[str, float], pairs: list[tuple[str, str]]) -> float:
        if found["right"] < len(pairs) - 1:
            print(
                f"{self.name}: finds {found['right']:.0f} of {len(pairs) - 1} such pairs equal, which all are"
            )
        return found["ms"]

    def _run(self, name: str, count: int, limits: list[int], url: str | None) -> dict[str, Any]:
        folder = self.folder / f"{self.name}-{name}-{self.repeat}"
        folder.mkdir()
        image = str(self.images / "mmstar" / "images" / "{}.png") if url is not None else None
        return {"folder": str(folder), "rows": peer_rows(count, image), "limits": limits, "url": url}

    def _jobs(self, name: str, jobs: list[tuple[str, Any]]) -> Path:
        path = self.folder / f"{self.name}-{name}-{self.repeat}.json"
        path.write_text(json.dumps(jobs))
        return path

    def _ask(self, jobs: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        command = [self.python, str(self.script), str(self._jobs("all", jobs))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{self.name}: {done.stderr[-2000:]}")
        found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return found


def slope(seconds: Sequence[float], few: int, many: int) -> float:
    """Milliseconds that a sample more takes, by the seconds of small and large runs in turn."""
    pairs = zip(seconds[::2], seconds[1::2], strict=True)
    return statistics.median((more - less) / (many - few) * 1000 for less, more in pairs)


def anls_rows() -> list[tuple[str, Any]]:
    files = recorded(RECORDED) or made_up()
    return [row for rows in files.values() for row in rows]


def without_a_model(folder: Path, repeat: int) -> list[float]:
    """Seconds of small and large runs of the harness, with a model that answers at once."""
    return [
        engine.seconds(folder / str(count), folder / f"none-{place}-{repeat}", True, engine.TEXT_TASK)[1]
        for place, count in enumerate((FEW, *[FEW, MANY] * PAIRS))
    ][1:]


def sent(folder: Path, url: str, images: Path, repeat: int) -> list[float]:
    """The same with pictures that are sent to a server."""
    return [
        api.seconds(images, url, count, folder / f"api-{place}-{repeat}", time.process_time)
        for place, count in enumerate((API_FEW, *[API_FEW, API_MANY] * PAIRS))
    ][1:]


def ours(folder: Path, url: str, images: Path, repeat: int) -> Iterator[tuple[str, float]]:
    """One value of each measure of the harness."""
    yield HELP, timed([*HARNESS, "eval", "--help"])[2]
    yield TASKS, timed([*HARNESS, "ls", "tasks"])[2]
    asked = ["eval", "--model", "mock", "--tasks", engine.TEXT_TASK, "--task-file", engine.TEXT_FILE]
    asked += ["--limit", "1", "--out", str(folder / f"1-{repeat}")]
    yield ONE, timed([*HARNESS, *asked, "--data", str(folder / str(FEW))])[2]
    with ProcessPoolExecutor(1, get_context("spawn")) as process:  # new, as that of each peer
        seconds = process.submit(without_a_model, folder, repeat).result()
        for name in (KEPT, UNKEPT):
            yield name, slope(seconds, FEW, MANY)
        yield SENT, slope(process.submit(sent, folder, url, images, repeat).result(), API_FEW, API_MANY)
    yield SIMILAR, 1000 / a_second(anls_rows(), 5, time.process_time)
    answer, target = Answer(RESPONSE, "norm1"), points.blob(*SIZE, 6, random.Random(0))
    points_in_mask(answer, target)
    yield INSIDE, points.per_call(lambda: points_in_mask(answer, target), 1, 2000, time.process_time)
    for name, pairs in SYMBOLIC.items():
        symbolic_equal(*pairs[0])
        times = [milliseconds(lambda pair=pair: symbolic_equal(*pair), time.process_time) for pair in pairs[1:]]
        assert all(symbolic_equal(*pair) for pair in pairs)
        yield name, statistics.mean(times)


@contextlib.contextmanager
def material(folder: Path) -> Iterator[tuple[Path, str]]:
    """Rows and images, and a server."""
    for count in (FEW, MANY):
        engine.write_rows(folder / str(count) / engine.TEXT_TASK, count, None)
    images = folder / "images"
    api.write_rows(images / "mmstar", API_MANY)
    pixels = points.ellipses(*SIZE, 6, random.Random(0))
    PIL.Image.fromarray(pixels.astype("uint8") * 255).save(images / "mask.png")
    server, url = api.start_server()
    try:
        yield images, url
    finally:
        server.kill()
        server.wait()


def table(values: dict[str, dict[str, list[float]]], repeats: int) -> list[str]:
    """Medians as Markdown."""
    lines = [
        "| measure | ours | lmms-eval | inspect_ai | ours / best peer | wanted |",
        "|---|---|---|---|---|---|",
    ]
    for name, unit in UNITS.items():
        found = {tool: statistics.median(each[name]) for tool, each in values.items() if each.get(name)}
        own = found.pop("ours")
        best = min(found.values(), default=None)
        cells = [f"{own:.3g} {unit}"]
        cells += [f"{found[peer]:.3g} {unit}" if peer in found else "–" for peer in ("lmms", "inspect")]
        cells.append(f"{own / best:.2g}" if best is not None else "–")
        cells.append(f"≤ {WANTED[name]}" if name in WANTED else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [
        *lines,
        "",
        f"Processor time, medians of {repeats}; the machine's load at the end: {os.getloadavg()[0]:.1f}.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lmms", metavar="PYTHON")
    parser.add_argument("--inspect", metavar="PYTHON")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="where the table is written too")
    given = parser.parse_args()
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as temporary, material(Path(temporary)) as (images, url):
        folder = Path(temporary)
        pythons = {"lmms": given.lmms, "inspect": given.inspect}
        peers = [Peer(name, python, folder, url, images) for name, python in pythons.items() if python]
        for repeat in range(given.repeats):
            for tool, measured in (
                ("ours", ours(folder, url, images, repeat)),
                *((peer.name, peer.measured()) for peer in peers),
            ):
                for name, value in measured:
                    values[tool][name].append(value)
                    print(f"{repeat + 1} {tool:8} {name}: {value:.4g}", flush=True)
    text = "\n".join(table(values, given.repeats))
    print(f"\n{text}")
    if given.out is not None:
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
