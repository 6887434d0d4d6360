"""`harness eval --shard` and `harness merge`: the parts of a run are dealt whole, told apart, put together."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.cli import main
from harness.compare import compare_runs
from harness.config import RunConfig
from harness.data import RowSource
from harness.errors import Exit, HarnessError, UsageError
from harness.models.mock import MockBackend
from harness.run import rescore
from harness.run.lock import Lock
from harness.run.media import ImageStore
from harness.run.merge import merge_shards
from harness.run.plan import FailedRow, PlanOptions, TaskPlan, plan_task
from harness.scores.results import Results, read_results
from harness.scores.table import lines as table
from harness.shards import Shard
from reports.board.board import make_board
from reports.board.formats import to_markdown
from reports.board.leaderboard import View
from reports.runs import load_runs
from tasks.types import Metric, Sample

HERE = Path(__file__).parent
FAKES = str(HERE / "fakes.py")
SCALE = HERE.parent / "docs" / "scale.md"


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "1/2/3", "", "1.0/3"])
def test_what_names_no_shard_is_refused_in_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--model", "mock", "--shard", text]) == 2
    said = capsys.readouterr().err
    assert said == f"harness eval: shard: a shard is I/N with I from 1 to N, such as 1/8 (given: {text!r})\n"


def source(rows: list[dict[str, Any]]) -> RowSource:
    return RowSource(lambda: iter(rows), "f" * 64, "here", count=len(rows))


def plan(task: Any, rows: list[dict[str, Any]] | RowSource, tmp_path: Path, **options: Any) -> TaskPlan:
    rows = rows if isinstance(rows, RowSource) else source(rows)
    return plan_task(task, rows, PlanOptions(**options), ImageStore(tmp_path))


def ids(found: TaskPlan) -> list[str]:
    return [entry.id if isinstance(entry, FailedRow) else entry.sample.id for entry in found.entries]


def written(found: TaskPlan) -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        found.entries.write(path := Path(folder) / "items.jsonl")
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def parts(task: Any, rows: Any, tmp_path: Path, number: int, **options: Any) -> list[TaskPlan]:
    return [plan(task, rows, tmp_path, shard=Shard(i + 1, number), **options) for i in range(number)]


def together(found: list[TaskPlan]) -> list[str]:
    """The ids of several shards in the order that their positions say."""
    placed = [(line["position"], line["id"]) for part in found for line in written(part)]
    assert sorted(position for position, _ in placed) == list(range(found[0].entries.whole))
    return [name for _, name in sorted(placed)]


def two_a_row(row: Any) -> Iterator[Sample]:
    from tests import fakes

    for sample in fakes.to_samples(row):
        for twin in "ab":
            yield replace(sample, id=sample.id + twin)


@pytest.mark.parametrize("seed", range(40))
def test_shards_share_what_the_whole_plan_asks_unit_by_unit(
    fakes: ModuleType, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    number, limit = draw.randint(1, 6), draw.choice([None, *range(1, 40)])
    macro = fakes.task("macro", metrics=(Metric("macro", reduce="macro", by="kind", headline=True),))
    several = fakes.task("several", to_samples=two_a_row)
    task = draw.choice([fakes.LETTERS, fakes.TWINS, macro, several])
    rows = [
        fakes.row(
            draw.choice([index, index, index, 0]),  # some ids come twice, of the same row or of another
            draw.choice("AAAB") if draw.random() < 0.9 else draw.choice(["boom", ""]),
            pair=f"p{draw.randint(0, 12)}",
            kind=draw.choice("xyz"),
        )
        for index in range(draw.randint(1, 40))
    ]
    whole, found = plan(task, rows, tmp_path, limit=limit), parts(task, rows, tmp_path, number, limit=limit)
    assert together(found) == ids(whole)
    assert all(part.entries.whole == len(whole.entries) for part in found)
    where = [{entry.sample.groups["pair"] for entry in part.planned} for part in found]
    if task is fakes.TWINS:
        assert sum(map(len, where)) == len(set().union(*where)), "a unit is in one shard alone"
    if task is several:
        rows_of = [{name.rstrip("ab") for name in ids(part) if "row" not in name} for part in found]
        assert sum(map(len, rows_of)) == len(set().union(*rows_of)), "so are the samples of a row"


def test_shards_are_balanced(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [fakes.row(index, pair=f"p{index % 10}") for index in range(50)]
    for task, each in ((fakes.LETTERS, [17, 17, 16]), (fakes.TWINS, [20, 15, 15])):
        assert [len(part.entries) for part in parts(task, rows, tmp_path, 3)] == each
        shares = [len(part.entries) for part in parts(task, rows, tmp_path, 3, limit=30)]
        assert max(shares) - min(shares) <= 5


def test_a_sample_stays_in_its_shard_when_the_limit_grows(fakes: ModuleType, tmp_path: Path) -> None:
    macro = fakes.task("macro", metrics=(Metric("macro", reduce="macro", by="kind", headline=True),))
    rows = [
        fakes.row(index, pair=f"p{index % 7}", kind="few" if index % 9 == 8 else "many") for index in range(60)
    ]
    for task in (fakes.LETTERS, fakes.TWINS, macro):
        for few, many in zip(
            parts(task, rows, tmp_path, 4, limit=12), parts(task, rows, tmp_path, 4, limit=40), strict=True
        ):
            assert set(ids(few)) <= set(ids(many))


def test_endless_data_are_dealt_up_to_the_limit(fakes: ModuleType, tmp_path: Path) -> None:
    drawn: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for index in count():
            drawn.append(index)
            yield fakes.row(index, pair=f"p{index // 2}")

    endless = RowSource(rows, "f" * 64, "synthetic", synthetic=True)
    for task in (fakes.LETTERS, fakes.TWINS):
        found = parts(task, endless, tmp_path, 3, limit=20)
        assert together(found) == [f"r{index}" for index in range(20)]
    assert max(drawn) < 25


def test_images_of_other_shards_are_not_touched(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [fakes.row(index, image={"bytes": fakes.picture(index)}) for index in range(4)]
    for index in (1, 3):
        rows[index]["image"] = {"bytes": b"no image"}
    first, second = parts(fakes.LETTERS, rows, tmp_path, 2)
    assert ids(first) == ["r0", "r2"]
    assert not list(first.failed)
    assert [row.id for _, row in second.failed] == ["r1", "r3"]


@pytest.fixture
def data(tmp_path: Path, fakes: ModuleType) -> Path:
    """`letters` with images and rows that fail, `twins` whose members lie apart, `spots` with two rows."""
    rows = [fakes.row(i, "AB"[i % 2], kind="xy"[i % 2], image=f"{i % 5}.png") for i in range(20)]
    rows[7]["answer"], rows[8]["image"] = "boom", "absent.png"
    fakes.write(tmp_path / "data", "letters", rows)
    for shade in range(5):
        (tmp_path / "data" / "letters" / f"{shade}.png").write_bytes(fakes.picture(shade))
    fakes.write(tmp_path / "data", "spots", [fakes.row(i) for i in range(2)])
    twins = [fakes.row(i, "AB"[i % 3 == 0], pair=f"p{i % 6}") for i in range(12)]
    return fakes.write(tmp_path / "data", "twins", twins)


def run(data: Path, out: str, model: Any = "mock", **settings: Any) -> Results:
    settings = {"task_file": (FAKES,), "tasks": "letters,twins,spots", "failure_budget": 1.0, **settings}
    return harness.evaluate(model, data=str(data), out=str(data.parent / out), **settings)


def sharded(data: Path, number: int = 3, **settings: Any) -> list[Path]:
    for index in range(1, number + 1):
        run(data, f"shard-{index}", shard=f"{index}/{number}", **settings)
    return [data.parent / f"shard-{index}" for index in range(1, number + 1)]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def journal(run_dir: Path) -> list[tuple[str, ...]]:
    """What is answered, without how long it took, sorted."""
    lines = [json.loads(line) for path in (run_dir / "samples").glob("*.jsonl") for line in path.open()]
    return sorted((*map(str, (value for name, value in line.items() if name != "latency")),) for line in lines)


@pytest.mark.parametrize("settings", [{}, {"limit": 7}, {"epochs": 2, "temperature": 1.0, "seed": 3}])
def test_the_merged_run_is_the_run_that_was_never_divided(data: Path, settings: dict[str, Any]) -> None:
    whole = run(data, "whole", "mock:echo", **settings)
    shards = sharded(data, model="mock:echo", **settings)
    merge_shards(shards[::-1], data.parent / "merged")
    merged = rescore(data.parent / "merged").results
    assert (merged.tasks, merged.mean, merged.exit_code) == (whole.tasks, whole.mean, whole.exit_code)
    assert merged.shard is None
    here, there = data.parent / "whole", data.parent / "merged"
    for folder in ("items", "scores"):
        for path in (here / folder).iterdir():
            assert (there / folder / path.name).read_bytes() == path.read_bytes()
    assert journal(there) == journal(here)
    assert {path.name for path in (there / "images").iterdir()} == {
        path.name for path in (here / "images").iterdir()
    }
    assert all(path.stat().st_nlink > 1 for path in (there / "images").iterdir()), "linked, not copied"
    one, other = read(here / "run.json"), read(there / "run.json")
    assert other.pop("merged") == [str(shard) for shard in shards[::-1]]
    one["config"].pop("out"), other["config"].pop("out")
    assert other == one


def test_the_command_without_shard_continues_the_merged_run_and_asks_nothing(data: Path) -> None:
    merge_shards(sharded(data), data.parent / "merged")
    before = {path: path.read_bytes() for path in (data.parent / "merged" / "items").iterdir()}
    again = run(data, "merged")
    assert (again.asked, again.exit_code, again.shard) == (0, Exit.COMPLETE, None)
    assert before == {path: path.read_bytes() for path in before}


def test_what_a_shard_lacks_is_missing_in_the_merged_run_and_asked_for_alone(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = sharded(data)
    lost = shards[1] / "samples" / "letters.jsonl"
    kept, gone = lost.read_bytes().splitlines(keepends=True)[:2], len(lost.read_bytes().splitlines()) - 2
    lost.write_bytes(b"".join(kept) + b'{"id":"r1","text":"to')  # as kill -9 may leave it
    (shards[1] / "results.json").unlink()
    merged = data.parent / "merged"
    assert main(["merge", *map(str, shards), "--out", str(merged)]) == Exit.INCOMPLETE
    said = capsys.readouterr().out
    assert f"not complete, {gone} responses are missing" in said
    assert not (merged / "results.json").exists()
    assert run(data, "merged").asked == gone
    assert read_results(merged).tasks == run(data, "whole").tasks


def test_failed_answers_of_a_shard_are_asked_again_in_the_merged_run(data: Path) -> None:
    shards = sharded(data, tasks="twins")
    shutil.rmtree(shards[0])
    run(data, "shard-1", "mock:failing=1.0", tasks="twins", shard="1/3")
    merge_shards(shards, data.parent / "merged")
    assert rescore(data.parent / "merged").results.tasks["twins"].failed == 4
    again = run(data, "merged", tasks="twins")
    assert (again.asked, again.tasks["twins"].failed) == (4, 0)


def test_a_shard_that_is_killed_is_continued_and_merged(data: Path) -> None:
    command = [sys.executable, "-m", "harness", "eval", "--model", "mock:latency=0.2", "--data", str(data)]
    command += ["--tasks", "letters,twins,spots", "--task-file", FAKES, "--failure-budget", "1", "--no-report"]
    command += ["--shard", "2/3", "--out", str(data.parent / "shard-2")]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    killed = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    answers = data.parent / "shard-2" / "samples" / "letters.jsonl"
    while not (answers.exists() and answers.read_bytes().count(b"\n") >= 2):
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (data.parent / "shard-2" / "results.json").exists()
    had = len(journal(data.parent / "shard-2"))
    shards = sharded(data)
    assert had >= 2
    assert read_results(shards[1]).asked == len(journal(shards[1])) - had
    merge_shards(shards, data.parent / "merged")
    merged = rescore(data.parent / "merged")
    assert (merged.missing, merged.results.tasks) == (0, run(data, "whole").tasks)
    assert run(data, "merged").asked == 0


def test_a_task_of_fewer_rows_than_shards_is_no_failure(data: Path) -> None:
    found = [run(data, f"shard-{index}", tasks="spots", shard=f"{index}/3") for index in (1, 2, 3)]
    assert [result.tasks["spots"].samples for result in found] == [1, 1, 0]
    assert [result.exit_code for result in found] == [Exit.COMPLETE] * 3
    assert found[2].tasks["spots"].score.value is None
    assert rescore(data.parent / "shard-3").results.tasks == found[2].tasks
    merge_shards([data.parent / f"shard-{index}" for index in (1, 2, 3)], data.parent / "merged")
    assert rescore(data.parent / "merged").results.tasks["spots"].samples == 2


def test_a_shard_is_never_taken_for_a_whole_run(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shards, whole = sharded(data), run(data, "whole")
    assert read(shards[0] / "run.json")["config"]["shard"] == "1/3"
    assert read(shards[0] / "results.json")["shard"] == "1/3"
    assert "Shard 1/3: part of a run" in "\n".join(table(rescore(shards[0]).results))
    assert "Shard" not in "\n".join(table(whole))
    main(["ls", "runs", "--dir", str(data.parent)])
    assert "shard 3/3" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"shard-2: shard 2/3 is a part of a run: harness merge"):
        compare_runs(data.parent / "whole", shards[1])
    run(data, "another", "mock:text=B")
    board = make_board(load_runs([*shards, data.parent / "whole", data.parent / "another"]))
    assert {cell.rank.of for cell in board.cells.values() if cell.rank is not None} == {2}
    assert {board.runs[place].shard for place in View(board, samples=False).best.values()} == {None}
    order = [board.runs[place].shard for place in board.order]
    assert order[:2] == [None, None]
    assert sorted(order[2:]) == ["1/3", "2/3", "3/3"]
    text = to_markdown(board)
    assert "(shard 1/3)" in text
    assert "Shards, and not ranked" in text


def test_a_run_is_continued_as_the_shard_that_it_is(data: Path) -> None:
    run(data, "shard", shard="1/2")
    for shard in ("2/2", "1/3", None):
        with pytest.raises(UsageError, match=rf"shard was '1/2' in this run and is {shard!r} now"):
            run(data, "shard", shard=shard)
    assert run(data, "shard", shard="1/2").asked == 0
    with pytest.raises(UsageError, match="it excludes shard"):
        run(data, "permuted", shard="1/2", permute_images=True)


def test_shards_have_folders_of_their_own() -> None:
    names = [RunConfig(model="mock", shard=f"{index}/2").run_dir.name for index in (1, 2)]
    assert names == ["mock-all-synthetic-shard1of2", "mock-all-synthetic-shard2of2"]


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"seed": 1}, "seed is 0 in the first and 1 in the second"),
    ({"model": "mock:text=B"}, "model is 'mock' in the first and 'mock:text=B' in the second"),
    ({"limit": 5}, "limit is None in the first and 5 in the second"),
    ({"tasks": "letters,twins"}, "task.spots is "),
    ({"max_new_tokens": 3}, "max-new-tokens is None in the first and 3 in the second"),
    ({"coords": "abs"}, "coords is 'norm1000' in the first and 'abs' in the second"),
    ({"shard": "3/4"}, "is shard 3/4, "),
    ({"shard": "2/3"}, "are both shard 2/3"),
    ({"shard": None}, "a whole run, no shard of one"),
]


@pytest.mark.parametrize(("settings", "said"), OTHERS)
def test_what_is_no_shard_of_the_same_run_is_refused_in_one_line(
    data: Path, settings: dict[str, Any], said: str
) -> None:
    shards = sharded(data)
    shutil.rmtree(shards[2])
    run(data, "shard-3", **{"shard": "3/3", **settings})
    with pytest.raises(UsageError, match=re.escape(said)) as raised:
        merge_shards(shards, data.parent / "merged")
    assert "\n" not in str(raised.value)
    assert not list(data.parent.glob("*merged*"))


def test_shards_of_other_data_are_refused(data: Path, fakes: ModuleType) -> None:
    run(data, "shard-1", shard="1/2")
    fakes.write(data, "spots", [fakes.row(i, "B") for i in range(2)])
    run(data, "shard-2", shard="2/2")
    with pytest.raises(UsageError, match=r"no shards of one run: task\.spots\.fingerprint is "):
        merge_shards([data.parent / "shard-1", data.parent / "shard-2"], data.parent / "merged")


def test_shards_by_other_versions_are_refused(data: Path) -> None:
    shards = sharded(data, 2)
    for name in ("identity", "model"):
        content = read(shards[1] / "run.json")
        content[name].setdefault("versions", {})["pillow"] = "1.0"
        (shards[1] / "run.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match=r"identity\.versions\.pillow is .* and '1\.0' in the second"):
        merge_shards(shards, data.parent / "merged")


def test_a_missing_shard_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shards = sharded(data, 4)
    assert main(["merge", str(shards[0]), str(shards[2]), "--out", str(data.parent / "merged")]) == 2
    said = "harness merge: shard 2/4 (and 1 more) is missing: run harness eval with --shard 2/4\n"
    assert capsys.readouterr().err == said
    assert main(["merge", str(data), "--out", str(data.parent / "merged")]) == 2
    assert capsys.readouterr().err == f"harness merge: {data}: not a run: there is no run.json\n"


def test_a_folder_that_holds_something_is_not_written_to(data: Path) -> None:
    shards = sharded(data, 2)
    (data.parent / "merged").mkdir()
    merge_shards(shards, data.parent / "merged")
    with pytest.raises(UsageError, match=r"merged: is there already, and not empty: choose another --out"):
        merge_shards(shards, data.parent / "merged")


def test_a_shard_in_use_is_not_merged(data: Path) -> None:
    shards = sharded(data, 2)
    with Lock(shards[1]), pytest.raises(HarnessError, match="is writing to this run"):
        merge_shards(shards, data.parent / "merged")
    merge_shards(shards, data.parent / "merged")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: lines[:-1], r"the shards hold 19 of 20 samples: run the shards' harness eval"),
        (lambda lines: lines[1:], r"sample 1 of the run, where 0 was due: run the shards' harness eval"),
        (lambda lines: lines[:1] + lines, r"sample 0 of the run, where 1 was due"),
        (lambda lines: [line.replace(b'"position"', b'"place"') for line in lines], r"letters.jsonl:1: broken"),
    ],
)
def test_items_that_do_not_fit_together_are_found(data: Path, spoil: Any, said: str) -> None:
    shards = sharded(data, 2)
    changed = 1 if "19 of 20" in said else 0
    path = shards[changed] / "items" / "letters.jsonl"
    path.write_bytes(b"".join(spoil(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(HarnessError, match=said):
        merge_shards(shards, data.parent / "merged")
    assert not list(data.parent.glob("*merged*"))


def test_images_are_copied_where_they_cannot_be_linked(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    shards = sharded(data, 2)
    monkeypatch.setattr(os, "link", no_links)
    merge_shards(shards, data.parent / "merged")
    copies = {path.name: path.read_bytes() for path in (data.parent / "merged" / "images").iterdir()}
    assert copies == {path.name: path.read_bytes() for shard in shards for path in (shard / "images").iterdir()}
    assert len(copies) == 5


def test_a_loaded_model_is_sharded_too(data: Path) -> None:
    shards = sharded(data, 2, model=MockBackend("B"))
    merge_shards(shards, data.parent / "merged")
    assert rescore(data.parent / "merged").results.tasks == run(data, "whole", "mock:text=B").tasks


def test_the_benchmark_of_equal_answers_tells_them_apart(data: Path) -> None:
    merge_shards(sharded(data, 2), data.parent / "merged")
    run(data, "whole"), run(data, "other", "mock:text=B")
    program = str(HERE.parent / "benchmarks" / "same_answers.py")
    for name, code, said in (("whole", 0, "text: 0 of 32 differ"), ("other", 1, "text: 32 of 32 differ")):
        words = [sys.executable, program, str(data.parent / "merged"), str(data.parent / name)]
        found = subprocess.run(words, capture_output=True, text=True, check=False)
        assert found.returncode == code, found.stderr
        assert said in found.stdout


BLOCK = re.compile(r"<!-- (run|file: (\S+)) -->\n```\w*\n(.*?)```", re.DOTALL)


def test_the_commands_of_scale_md(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [commands] = [match[3] for match in BLOCK.finditer(SCALE.read_text(encoding="utf-8")) if match[1] == "run"]
    for line in commands.splitlines():
        program, *words = shlex.split(line)
        assert program == "harness"
        assert main(words) == 0, line
    assert read_results(Path("runs/mock/all")).asked == 0


SBATCH = """#!{python}
import os, re, subprocess, sys
wanted, script = sys.argv[1:-1], sys.argv[-1]
text = open(script).read()
array = re.search(r"^#SBATCH --array=(\\d+)-(\\d+)$", text, re.M)
jobs = [{{"SLURM_ARRAY_TASK_ID": str(i)}} for i in range(int(array[1]), int(array[2]) + 1)] if array else [{{}}]
with open("sbatch.log", "a") as log:
    print(script, len(jobs), *wanted, file=log)
for job in jobs:
    subprocess.run(["bash", "-e", script], env={{**os.environ, **job}}, check=True, stdout=subprocess.DEVNULL)
if "--parsable" in wanted:
    print(77)
"""
"""A stand-in that runs the jobs of an array at once, one after the other."""


@pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts are for bash")
def test_the_slurm_example_of_scale_md(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for match in BLOCK.finditer(SCALE.read_text(encoding="utf-8")):
        if match[2]:
            Path(match[2]).write_text(match[3].replace("MODEL=tiny", "MODEL=mock"), encoding="utf-8")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sbatch").write_text(SBATCH.format(python=sys.executable))
    (programs / "harness").write_text(f'#!/bin/sh\nexec {sys.executable} -m harness "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-e", "submit.sh"], env=environment, check=True, stderr=subprocess.DEVNULL)
    assert Path("sbatch.log").read_text().splitlines() == [
        "eval.sbatch 3 --parsable",
        "merge.sbatch 1 --dependency=afterok:77",
    ]
    assert sorted(path.name for path in Path("runs/sharded").iterdir()) == [
        "all",
        "shard-1",
        "shard-2",
        "shard-3",
    ]
    results = read_results(Path("runs/sharded/all"))
    assert results.shard is None
    assert {name: task.samples for name, task in results.tasks.items()} == {
        "ai2d": 6,
        "chartqa": 6,
        "charxiv": 6,
    }
