"""How long symbolic equality takes: recorded MathVision answers, then inputs made to hang it.

Run: python benchmarks/symbolic.py [--golden DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from scorers.math.symbolic import symbolic_equal
from scorers.rules.math import MathTarget, mathvision
from scorers.types import Answer

GOLDEN = Path(os.environ.get("HARNESS_SHARED", Path(__file__).absolute().parents[2] / "shared")) / "golden"
PAIRS = [
    (r"\frac{1}{2}", "0.5"),
    (r"2\sqrt{3}", r"\sqrt{12}"),
    ("5 cm", r"$5 \mathrm{~cm}$"),
    ("(1, 2)", "(1,2)"),
    ("2(w+h)^2", "2w^2+4wh+2h^2"),
    ("2y = x + 1", "x = 2y - 1"),
    ("-1 < x < 2", "x > -1"),
    (r"\overline{AB}+\overline{CD}", r"\overline{CD}+\overline{AB}"),
]
ADVERSARIAL = {
    "tower": "9^{9^{9^9}}",
    "factorial": "(10^9)!",
    "nested fractions": r"\frac{" * 400 + "1" + "}{2}" * 400,
    "long product": "".join(f"(x+{i})" for i in range(250)),
    "powers of powers": "((x^{20}+1)^{20}+1)^{20}",
    "inequality of powers": "((a+b+c)^{4}+d)^{4}<((e+f+g)^{4}+h)^{4}",
    "inequality of radicals": "+".join(rf"\sqrt{{x+{i}}}" for i in range(9)) + "<1",
    "transcendental": r"\overline{x}=\sin(\cos(\tan(\sin(x^{20}))))",
    "megabyte": "(" * 1_000_000,
}


def milliseconds(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long a call takes."""
    start = clock()
    call()
    return 1000 * (clock() - start)


def summary(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    p99 = ordered[int(0.99 * (len(ordered) - 1))]
    print(
        f"{name:34} n {len(times):6}   median {statistics.median(times):8.4f} ms"
        f"   p99 {p99:8.3f} ms   max {ordered[-1]:9.3f} ms"
    )


def recorded(folder: Path) -> Iterable[tuple[str, list[tuple[str, MathTarget]]]]:
    for path in sorted(folder.glob("mathvision/*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        yield (
            path.stem,
            [
                (
                    row["response"],
                    MathTarget(
                        row["record"]["question"], row["record"]["answer"], tuple(row["record"]["options"])
                    ),
                )
                for row in rows
            ],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--golden", type=Path, default=GOLDEN, help="folder of recorded outputs")
    folder = parser.parse_args().golden
    print(f"first call   {milliseconds(lambda: symbolic_equal('x>y', 'y<x')):.0f} ms")
    every: list[float] = []
    equality: list[float] = []
    for name, rows in recorded(folder):
        times = [milliseconds(lambda r=r, t=t: mathvision(Answer(r, raw=True), t)) for r, t in rows]
        summary(f"score, {name[:26]}", times)
        every += times
        pairs = [(r[-200:], t.options[ord(t.answer) - 65] if t.options else t.answer) for r, t in rows]
        equality += [milliseconds(lambda p=p, g=g: symbolic_equal(p, g)) for p, g in pairs]
    if every:
        summary("score, all", every)
        summary("symbolic_equal, response and gold", equality)
    else:
        print(f"no recorded outputs in {folder}")
    for prediction, gold in PAIRS:
        first = milliseconds(lambda p=prediction, g=gold: symbolic_equal(p, g))
        again = milliseconds(lambda p=prediction, g=gold: symbolic_equal(p, g))
        print(f"{prediction:32} {gold:28} first {first:8.3f} ms   again {again:7.4f} ms")
    times = []
    for name, text in ADVERSARIAL.items():
        for gold in ("x+1", "5", "x<5"):
            times.append(milliseconds(lambda p=text, g=gold: symbolic_equal(p, g)))
        print(f"adversarial: {name:26} longest of 3 {max(times[-3:]):9.2f} ms")
    summary("adversarial, all", times)


if __name__ == "__main__":
    main()
