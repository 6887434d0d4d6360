"""Kills in small, and the model that the large test checks a run against (`tox -e kills`)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.faults.model import Asked, Journal, Model, Tally, read_journal

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kinds", "kills"), [(("mock", "server"), 3), (("training",), 2), (("trl",), 2), (("trl2",), 1)]
)
def test_killed_and_continued_nothing_is_lost(kinds: tuple[str, ...], kills: int, tmp_path: Path) -> None:
    """A few kills of each kind. How long anything takes decides nothing."""
    if "training" in kinds:
        pytest.importorskip("torch")
    if kinds[0].startswith("trl"):
        pytest.importorskip("trl")
    words = ["--kinds", ",".join(kinds), "--kills", str(kills * len(kinds)), "--training", str(kills)]
    words += ["--trl", str(kills)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.kills", *words, "--size", "0.2", "--within", "60"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    table = {row[0]: row[1] for line in done.stdout.splitlines() if len(row := line.split()) > 1}
    assert {kind: table[kind] for kind in kinds} == dict.fromkeys(kinds, str(kills))


# The model


def journal(names: Iterable[str], torn: int = 0) -> Journal:
    lines = {name: f"{name}\n".encode() for name in names}
    return Journal(tuple(lines.values()), dict.fromkeys(lines, "A"), torn)


def killed(asked: str, answered: Mapping[str, float], written: str, before: str = "", room: int = 2) -> Tally:
    tally = Tally()
    Model(tally, room, 1, 1.0).killed(Asked(list(asked), answered), 10.0, journal(before), journal(written))
    return tally


def test_what_is_in_flight_or_has_just_arrived_is_not_lost() -> None:
    tally = killed("abcd", {"a": 5.0, "b": 9.5}, "a", before="a")
    assert (tally.broken, tally.lost) == ([], 0)
    assert (tally.flying_most, tally.again_most, tally.oldest) == (2, 3, 0.5)


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        (killed("ab", {"a": 5.0}, ""), "answered more than 1 s before"),
        (killed("a", {"a": 5.0}, "", before="a"), "not there after"),
        (killed("ab", {"a": 5.0}, "ab"), "never answered"),
        (killed("ab", {"a": 9.5, "b": 9.6}, ""), "2 arrived and not written, where 1 may be"),
        (killed("abc", {}, ""), "3 in flight, where 2 may be"),
        (killed("aab", {}, ""), "asked twice by one process"),
    ],
)
def test_a_broken_promise_is_found(tally: Tally, said: str) -> None:
    assert any(said in line for line in tally.broken)


def test_over_several_kills_each_is_asked_once_and_once_more_where_it_was_open() -> None:
    tally = Tally()
    model = Model(tally, 2, 1, 1.0)
    model.killed(Asked("abc", {"a": 9.0}), 10.0, journal("a"), journal("a"))
    model.killed(Asked("bc", {"b": 19.0}), 20.0, journal("ab"), journal("ab"))
    model.finished(Asked("cd", {"c": 29.0, "d": 29.0}), journal("abcd"), set("abcd"))
    assert tally == Tally(kills=2, runs=1, again=3, again_most=2, flying_most=2)


def test_what_is_written_may_not_be_asked_again_nor_vanish() -> None:
    tally = Tally()
    model = Model(tally, 2, 1, 1.0)
    model.killed(Asked("ab", {"a": 9.0}), 10.0, journal("a"), journal("a"))
    model.killed(Asked("ab", {"b": 19.0}), 20.0, journal("b"), journal("b"))
    assert tally.lost == 1
    assert any("written and asked again" in line for line in tally.broken)
    model.finished(Asked("a", {}), journal("a"), set("ab"))
    assert any("too much or too little" in line for line in tally.broken)
    assert any("not asked just once" in line for line in tally.broken)


def test_a_journal_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    text = '{"id":"1","text":"A"}\n{"id":"1","text":"B"}\nrubbish\n{"id":"2","te'
    (tmp_path / "samples" / "t.jsonl").write_text(text)
    found = read_journal(tmp_path)
    assert found.answers == {"t/1": "A"}
    assert (len(found.lines), found.torn) == (3, 1)
    assert [line.split(":")[1] for line in found.damage] == [" a line again", " a line of garbage"]
