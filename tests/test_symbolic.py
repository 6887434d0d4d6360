"""symbolic_equal: hand-made pairs, adversarial inputs, threads and scripts."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scorers.math_text import compact, split_outside, standard
from scorers.symbolic import symbolic_equal, within_limits

EQUAL = [
    ("5", "5"),
    ("5.0", "5"),
    (" $5$ ", "5"),
    (r"\boxed{5}", "5"),
    (r"\(5\)", "5"),
    ("1,200", "1200"),
    ("95{,}000", "95000"),
    ("−2", "-2"),
    ("0.5", r"\frac{1}{2}"),
    ("1/2", r"\frac{1}{2}"),
    (r"\dfrac{1}{2}", r"\frac12"),
    ("½", "0.5"),
    (r"\frac{2}{4}", r"\frac{1}{2}"),
    (r"3\frac{1}{2}", "3.5"),
    (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}"),
    ("√3/2", r"\frac{\sqrt{3}}{2}"),
    (r"\sqrt{12}", r"2\sqrt{3}"),
    ("sqrt(12)", r"2 \sqrt{3}"),
    (r"\sqrt[3]{27}", "3"),
    ("2π", r"2 \pi"),
    ("pi/4", r"\frac{\pi}{4}"),
    ("0.785", r"\frac{\pi}{4}"),
    ("0.333", r"\frac{1}{3}"),
    ("2^{10}", "1024"),
    ("10^-2", "0.01"),
    ("5!", "120"),
    ("30%", r"$30 \%$"),
    ("30", r"30\%"),
    ("0.3", r"30\%"),
    ("30 percent", "0.3"),
    ("12.5%", r"$12.5 \%$"),
    ("120°", r"$120^{\circ}$"),
    ("120", r"$120^\circ$"),
    ("120 degrees", r"$120^{\circ}$"),
    ("5 cm", r"$5 \mathrm{~cm}$"),
    ("5cm", "5"),
    ("5 centimeters", r"$5 \mathrm{~cm}$"),
    ("24 square centimeters", r"$24 \mathrm{~cm}^{2}$"),
    ("24 cm²", r"$24 \mathrm{~cm}^{2}$"),
    (r"\text{50 cm}", "50"),
    ("$1.06", r"$\textdollar 1.06$"),
    ("24 houses", "24"),
    ("12 in total", "12 cm"),
    ("12 cm long", "12 cm"),
    ("3 + 2 = 5", "5"),
    ("3/8 or 0.375", r"\frac{3}{8}"),
    ("x=5", "5"),
    ("5", "x = 5"),
    (r"\angle ABC = 60^\circ", "60"),
    ("x = 2 + 3 = 5", "5"),
    ("y = 2x + 1", "y=1+2x"),
    ("x = 1, y = 2", "x=1,y=2"),
    ("a=7, b=5, c=3", "7, 5, 3"),
    ("(1, 2)", "(1,2)"),
    (r"\left(\frac{1}{2}, 3\right)", "(0.5,3)"),
    ("10, 0", "(10,0)"),
    ("[0, 1)", "[0,1)"),
    (r"[0, \infty)", "[0,∞)"),
    (r"\{1, 2, 3\}", r"\{3,2,1\}"),
    ("2 and 3", "3 and 2"),
    ("2, 3 and 5", "2,3,5"),
    (r"\pm 2", "2, -2"),
    ("3:2", r"$3: 2$"),
    ("6:4", "3:2"),
    ("1:4:9", "2 : 8 : 18"),
    ("3/2", "3:2"),
    (r"\sqrt{2}:1", r"$\sqrt{2}: 1$"),
    ("monday", "Monday"),
    (r"\text{Monday}", "Monday"),
    ("7:30", "7 : 30"),
    ("b+a", "a + b"),
    ("2(w+h)^2", "2w^2+4wh+2h^2"),
    (r"\frac{a}{b}", "a/b"),
    (r"3ab", "$3 a b$"),
    (r"\frac{1}{\cos^2\beta}", r"\sec^2\beta"),
    (r"\frac{n^2-3n+2}{4n-2}", r"\frac{(n-1)(n-2)}{2(2n-1)}"),
    ("-1 < x < 2", "-1<x<2"),
    (r"\overline{CD}", r"$\overline{CD}$"),
    ("2014^2 - 1", "2013 * 2015"),
    ("2y = x + 1", "x = 2y - 1"),
    (r"2\alpha + \beta = 90", r"\beta = 90 - 2\alpha"),
    ("x > 2", "2 < x"),
    (r"\sin^2 x + \cos^2 x", "1"),
    ("S_{2}+S_{4}", "S_4 + S_2"),
]
UNEQUAL = [
    ("5", "6"),
    ("", "5"),
    ("5", ""),
    ("", ""),
    ("0.33", r"\frac{1}{3}"),
    ("0.334", r"\frac{1}{3}"),
    ("3.1", r"\pi"),
    ("0.5001", "0.5"),
    ("3.14", "3.142"),
    ("5 cm", r"$5 \mathrm{~m}$"),
    ("5 cm", r"$5 \mathrm{~cm}^2$"),
    ("60%", "60 cm"),
    ("12 in", "12 cm"),
    ("12 square cm", "12 cubic cm"),
    ("3", "30%"),
    ("2:3", "3:2"),
    ("5:05", "5:50"),
    ("5:10", "6:12"),
    ("(1, 2)", "(2, 1)"),
    ("(1, 2)", "[1, 2]"),
    ("[0, 1)", "[0, 1]"),
    ("1, 2", "1, 2, 3"),
    (r"\{1, 1\}", r"\{1, 2\}"),
    ("2 and 3", "2 and 4"),
    (r"\pm 2", "2"),
    ("x = 5", "x = 6"),
    ("x = 5", "y = 5 + 1"),
    ("a", "b"),
    ("a - b", "a + b"),
    ("2ab", "2a"),
    ("x < 2", "x > 2"),
    ("Monday", "Tuesday"),
    ("the sum", "the product"),
    ("hello world", "5"),
    ("2x", "5"),
    ("5 or 6", "5"),
    ("-5", "5"),
    (r"2\sqrt{3}", r"3\sqrt{2}"),
    ("1e5", "15"),
    (r"10^{400}", r"10^{400}+1"),
    ("AB", "CD"),
    ("2y = x + 1", "x = 2y"),
    ("x > 2", "x >= 2"),
    ("S_2 + S_4", "S_2 - S_4"),
    ("a.b.c", "abc"),
]


@pytest.mark.parametrize(("prediction", "gold"), EQUAL)
def test_equal(prediction: str, gold: str) -> None:
    assert symbolic_equal(prediction, gold)


@pytest.mark.parametrize(("prediction", "gold"), UNEQUAL)
def test_unequal(prediction: str, gold: str) -> None:
    assert not symbolic_equal(prediction, gold)


ADVERSARIAL = {
    "tower": "9^{9^{9^9}}",
    "bare tower": "9^9^9^9^9",
    "tower in e": "e^{e^{e^{e^{100}}}}",
    "nested fractions": r"\frac{" * 500 + "1" + "}{2}" * 500,
    "nested roots": r"\sqrt{" * 300 + "x" + "}" * 300,
    "bare roots": r"\sqrt" * 300 + "2",
    "factorial": "(10^9)!",
    "factorials": "5" + "!" * 50,
    "big exponent": "(x+1)^{99999}",
    "long sum": "+".join(f"x^{{{i}}}" for i in range(400)),
    "long product": "".join(f"(x+{i})" for i in range(300)),
    "digits": "9" * 100_000,
    "megabyte": "a" * 1_000_000,
    "megabyte of commas": "," * 1_000_000,
    "megabyte of braces": "{" * 1_000_000,
    "brackets": "(" * 900,
    "mixed brackets": "([{" * 300 + "}])" * 300,
    "commas": ",".join("1234567"[i % 7] for i in range(900)),
    "sets": r"\{" * 100 + "1" + r"\}" * 100,
    "nested tuples": "(1," * 200 + "1" + ")" * 200,
    "words before an equation": "a wordy name of letters " * 40 + r"\commands" * 20 + "! = 5",
    "letters after a number": "5" + "ab" * 95 + "!",
    "words after a number": "5 " + "abcdefghijklmnop " * 11 + "!",
    "units and brackets": "5" + "}cm" * 60 + "!",
    "equals": "x=" * 900 + "1",
    "colons": ":".join("1" * 900),
    "plus-minus": r"\pm " * 300,
    "surrogate": "\ud800\udfff",
    "nul": "\x00" * 100,
    "rtl": "\u202e5\u200f",
    "commands": r"\frac\sqrt\pi\text{\text{\text{}}}" * 20,
    "dollars": "$" * 1500,
    "spaces": " " * 1500 + "x",
    "boxed": r"\boxed{" * 250,
    "binomials": r"\binom{1000}{500}" * 20,
    "integral": r"\int_0^1 x^{x^x} dx",
    "sum": r"\sum_{n=1}^{\infty} \frac{1}{n^{17}}",
    "letters": " ".join("abcdefghijklmnopqrstuvwxyz" * 7),
    "trigonometry": r"\sin(\cos(\tan(\sin(\cos(x)))))^{20}",
    "powers": "((x^{20}+1)^{20}+1)^{20}",
    "many variables": "(a+b+c+d+e+f+g)^{20}",
    "radicals": "+".join(rf"\sqrt{{x+{i}}}" for i in range(12)),
}


@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("gold", ["x+1", "5"])
def test_adversarial_inputs_end_in_time(name: str, gold: str) -> None:
    symbolic_equal("2u>v+1", "v+1<2u")  # a worker is ready
    text = ADVERSARIAL[name]
    for pair in ((text, gold), (gold, text)):
        start = time.perf_counter()
        assert symbolic_equal(*pair) is False
        assert time.perf_counter() - start < 2.0


def test_deeply_nested_lists() -> None:
    nested = "(1," * 600 + "{}" + ")" * 600
    assert symbolic_equal(nested.format(1), nested.format(1))
    assert not symbolic_equal(nested.format(1), nested.format(2))
    assert symbolic_equal("(1, (2, (3, 0.5)))", r"(1,(2,(3,\frac{1}{2})))")


def test_beyond_the_limits_only_the_same_text_is_equal() -> None:
    assert symbolic_equal("9^{9^{9^9}}", "$9^{9^{9^{9}}}$") is False
    assert symbolic_equal("9^{9^{9^9}}", " 9^{9^{9^9}} ")
    assert symbolic_equal("x" * 5000, "x" * 5000)


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("x^{20}", True),
        ("x^{21}", False),
        ("x^{-21}", False),
        ("x^21", False),
        ("(x+y)^4", True),
        ("(x+y)^5", False),
        ("((x+y)^2+1)^2", True),
        ("((x+y)^2+1)^3", False),
        ("x^{y^2}", False),
        ("x^y^z", False),
        ("x!", False),
        ("1234567890123456x", False),
        ("x" * 200, True),
        ("x" * 201, False),
        ("(" * 8 + "x" + ")" * 8, True),
        ("(" * 9 + "x" + ")" * 9, False),
        ("(x", False),
        ("x)", False),
        (r"\int x", False),
        ("é", False),
    ],
)
def test_structural_limits(text: str, within: bool) -> None:
    assert within_limits(text) is within


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        (r"$120^{\circ}$", r"120^\circ"),
        ("120°", r"120^\circ"),
        (r"\boxed{\frac{3}{4}}", r"\frac{3}{4}"),
        (r"$2 \sqrt{5} \mathrm{~cm}$", r"2 \sqrt{5} cm"),
        (r"$1,\!507,\!509$", "1,507,509"),
        (r"\left(3,4\right)", "(3,4)"),
        ("**5**", "5"),
        (r"\text{A \textbf{B}}", "A B"),
        ("5.", "5"),
        ("5²", "5^{2}"),
        ("", ""),
    ],
)
def test_one_spelling(text: str, folded: str) -> None:
    assert standard(text) == folded


def test_spaces_that_mean_nothing_go() -> None:
    assert compact(r"2 \pi r + 3") == r"2 \pi r+3"
    assert compact(r"\frac {1} {2}") == r"\frac{1}{2}"


def test_separators_in_brackets_do_not_split() -> None:
    assert split_outside("a,(b,c),[d,e)", ",") == ["a", "(b,c)", "[d,e)"]


def test_threads_share_the_workers() -> None:
    wrong: list[int] = []

    def work(thread: int) -> None:
        pairs = [(f"{thread + 2}y>x+{i}", f"x+{i}<{thread + 2}y") for i in range(6)]
        wrong.extend(i for i, pair in enumerate(pairs) if not symbolic_equal(*pair))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_script_without_a_main_guard(tmp_path: Path) -> None:
    """Its workers do not import it, end with it, and print nothing into it."""
    script = tmp_path / "script.py"
    script.write_text(
        "import scorers.symbolic as s\n"
        "print(s.symbolic_equal('2y>x+1', 'x+1<2y'), s.symbolic_equal('2y>x+1', 'x<2y'))\n"
        "print(*s._pool().pids())\n"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PYTHONPATH": str(root), "PATH": ""},
        cwd=tmp_path,
        check=True,
    )
    verdicts, pids = done.stdout.splitlines()
    assert verdicts == "True False"
    assert pids
    assert done.stderr == ""
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.split())
