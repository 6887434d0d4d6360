"""What a sample more costs in memory: columns of numbers, whatever the texts; those lie on disk."""

from __future__ import annotations

import errno
import json
import tracemalloc
from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.columns import sorted_column
from harness.compare import compare_runs
from harness.errors import HarnessError
from harness.jsonl import DiskFullError, sha, sha_of_list
from harness.progress import Progress
from harness.registry import suite_names
from harness.run import rescore
from harness.run.items import Entries, with_scores
from harness.run.journal import Key, TaskJournal
from harness.scores.stats import macro_interval, mean_interval, numbered, paired_macro_spread
from harness.scores.verdicts import Verdict, Verdicts
from harness.spool import Spool
from reports.build import write_run_report
from scorers.types import Score, Status
from tasks.types import Response

FAKES = str(Path(__file__).parent / "fakes.py")
SMALL, LARGE = 200, 800
MOST = 800
"""Bytes; as objects a sample took 2,000 to 7,000."""


@pytest.fixture(autouse=True)
def few_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small runs are as large ones: most of what is asked is read back from the disk."""
    monkeypatch.setattr(Entries, "HELD", 40_000)


@pytest.fixture(scope="module")
def runs(fakes: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """For each size a folder with data and two runs of `letters`, `a` and `b`."""
    found = {}
    for size in (SMALL, LARGE):
        folder = tmp_path_factory.mktemp(f"of{size}")
        rows = [
            fakes.row(index, kind=f"kind {index % 7}", page=f"page {index // 3}") | {"question": "why " * 100}
            for index in range(size)
        ]
        fakes.write(folder / "data", "letters", rows)
        for name in "ab":
            evaluate(folder, name)
        found[size] = folder
    return found


def evaluate(folder: Path, name: str) -> None:
    text = f"{'AB'[name == 'b']} because {'of this ' * 50}"
    data = str(folder / "data")
    harness.evaluate(f"mock:text={text}", tasks="letters", task_file=FAKES, data=data, out=str(folder / name))


def report(folder: Path) -> None:
    write_run_report(folder / "a", Progress(quiet=True))


VERBS: dict[str, Callable[[Path], Any]] = {
    "eval": lambda folder: evaluate(folder, f"again {len(list(folder.iterdir()))}"),
    "resume": lambda folder: evaluate(folder, "a"),
    "score": lambda folder: rescore(folder / "a"),
    "compare": lambda folder: compare_runs(folder / "a", folder / "b"),
    "report": report,
}


def peak(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("verb", VERBS)
def test_a_sample_more_is_a_few_numbers_more(runs: dict[int, Path], verb: str) -> None:
    VERBS[verb](runs[SMALL])  # what is imported or made once
    small, large = (peak(lambda size=size: VERBS[verb](runs[size])) for size in (SMALL, LARGE))
    assert (large - small) / (LARGE - SMALL) < MOST


def test_what_is_read_back_is_asked_and_scored_as_what_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for held in (0, 1 << 20):
        monkeypatch.setattr(Entries, "HELD", held)
        harness.evaluate(
            "mock:echo=true",
            suite="all",
            data="synthetic",
            limit=4,
            images=False,
            out=str(tmp_path / f"{held}"),
        )
    for name in suite_names("all"):
        for folder in ("items", "scores"):
            ours, theirs = (tmp_path / held / folder / f"{name}.jsonl" for held in ("0", f"{1 << 20}"))
            assert ours.read_bytes() == theirs.read_bytes()


def test_a_spool_gives_its_pieces_back_and_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "things")
    pieces = [b"one", b"", b"x" * 300_000, b"two\n"]
    assert [spool.add(piece) for piece in pieces] == [0, 1, 2, 3]
    assert [spool[number] for number in (3, 0, 2, 1)] == [pieces[number] for number in (3, 0, 2, 1)]
    assert len(spool) == 4
    with pytest.raises(IndexError):
        spool[4]
    assert list(tmp_path.iterdir()) == []


def test_a_small_spool_needs_no_disk() -> None:
    spool = Spool(Path("/nonexistent"), "things")
    assert [spool.add(piece) for piece in (b"one", b"")] == [0, 1]
    assert (spool[0], spool[1]) == (b"one", b"")
    with pytest.raises(HarnessError, match="cannot be written"):
        spool.add(b"x" * 300_000)


def test_a_spool_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(DiskFullError, match=r"things held for a while\): no space left"):
        Spool(tmp_path, "things").add(b"x" * 300_000)


def test_the_hash_of_a_list_is_that_of_the_list_whole() -> None:
    for values in ([], ["a"], ["a", "é\ud800", "b"]):
        assert sha_of_list(iter(values)) == sha(values)


def verdict(position: int, epoch: int, score: Score, **groups: Any) -> Verdict:
    return Verdict(position, f"s{position}", epoch, groups, score, 3, 4)


def test_verdicts_in_any_order_give_lines_in_that_of_the_rows() -> None:
    scores = [Score(1.0, None), Score(0.5, 1.0, components={"iou": 0.5}), Score(0.0, 0.0, Status.UNPARSED)]
    given = [(1, 1), (0, 1), (2, 0), (1, 0), (0, 0)]
    table = Verdicts.of(
        (verdict(place, epoch, scores[place], page=f"p{place}") for place, epoch in given), "v1"
    )
    lines = [json.loads(line) for line in table.lines()]
    assert [(line["id"], line["epoch"]) for line in lines] == [
        ("s0", 0),
        ("s0", 1),
        ("s1", 0),
        ("s1", 1),
        ("s2", 0),
    ]
    assert {line["scorer"] for line in lines} == {"v1"}
    assert [table.component("iou", row) for row in range(5)] == [0.5, None, None, 0.5, None]
    assert [table.group("page", row) for row in range(5)] == ["p1", "p0", "p2", "p1", "p0"]
    assert table.group("other", 0) is None


def test_one_group_in_a_tuple_is_that_group() -> None:
    table = Verdicts.of(
        [verdict(0, 0, Score(1.0, None), skill=("a",)), verdict(1, 0, Score(1.0, None), skill=("a", "b"))]
    )
    assert [table.group("skill", row) for row in range(2)] == ["a", ("a", "b")]


def test_labels_as_numbers_or_as_texts_give_the_same_intervals() -> None:
    texts = ["x", "y", "x", "z", "y", "x", "w"]
    numbers = array("q", [4, 2, 4, 9, 2, 4, 0])
    values, others = [1.0, 0.25, 0.5, 0.0, 0.75, 1.0, 0.5], [0.0, 0.5, 0.5, 1.0, 0.0, 1.0, 0.25]
    assert numbered(texts) == numbered(numbers) == (array("q", [0, 1, 0, 2, 1, 0, 3]), 4)
    assert mean_interval(values, texts) == mean_interval(array("d", values), numbers)
    for groups in ("ababbaa", "aabbbac"):
        assert macro_interval(values, groups, texts) == macro_interval(values, groups, numbers)
        assert paired_macro_spread(values, others, groups, texts) == paired_macro_spread(
            values, others, groups, numbers
        )


def test_a_column_is_sorted_as_a_list_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.columns.PORTION", 7)
    for count in (0, 6, 7, 100):
        column = array("q", [(index * 37) % 11 for index in range(count)])
        assert list(sorted_column(column)) == sorted(column)
        places = array("q", range(count))
        assert list(sorted_column(places, column.__getitem__)) == sorted(places, key=column.__getitem__)


def test_the_last_answer_of_a_key_is_found(tmp_path: Path) -> None:
    journal = TaskJournal(tmp_path / "letters.jsonl", "letters")
    keys = [Key("letters", name, 0, "p", "", generation) for name in "abc" for generation in ("g", "h")]
    for text in ("first", "last"):
        for key in keys:
            journal.append(key, Response(f"{text} {key.id} {key.generation_sha}"))
    journal.close()
    answers = journal.answers()
    assert len(answers) == 12
    assert [answers.get(key) for key in keys] == [
        Response(f"last {key.id} {key.generation_sha}") for key in keys
    ]
    assert answers.get(Key("letters", "d", 0, "p", "", "g")) is None
    by_id = journal.answers(lambda key: key.id if key.generation_sha == "g" else None)
    assert [by_id.get(name) for name in "abc"] == [Response(f"last {name} g") for name in "abc"]
    assert len(list(by_id.seconds())) == 3
    assert len(TaskJournal(tmp_path / "absent.jsonl", "letters").answers()) == 0


def test_scores_out_of_order_are_refused() -> None:
    items = [{"id": name} for name in "abc"]
    lines = [{"id": "a", "epoch": 0}, {"id": "c", "epoch": 0}, {"id": "c", "epoch": 1}]
    assert [(item["id"], len(own)) for item, own in with_scores(items, lines, "here")] == [
        ("a", 1),
        ("b", 0),
        ("c", 2),
    ]
    with pytest.raises(HarnessError, match="here: its scores are not in the order of its items, from 'a' on"):
        list(with_scores(items, [*lines[1:], lines[0]], "here"))
