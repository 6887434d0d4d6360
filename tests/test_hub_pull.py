"""`harness data pull` and `verify`, and evaluations of what was pulled, against a hub on the loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasets")

from harness.data.pull import amount, check_room, parse_size
from harness.data.verify import verify
from harness.errors import HarnessError, UsageError
from tasks import BUILTIN, load_builtin
from tests import hub_repos

ROWS = 6
SERVER = Path(__file__).with_name("hub_server.py")
STALLED = "InfographicVQA/validation"
NOWHERE = "http://127.0.0.1:9"


class Hub:
    """The server, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work = folder / "hub", folder / "work"
        self.work.mkdir()
        port = folder / "port"
        self.process = subprocess.Popen([sys.executable, str(SERVER), str(port), str(self.folder)])
        while not (port.exists() and port.read_text()):
            time.sleep(0.05)
        self.url = f"http://127.0.0.1:{port.read_text()}"

    def asked(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def fetched(self, since: int) -> list[str]:
        """The files that were sent after so many lines of the log."""
        return [line for line in self.asked()[since:] if line.startswith("GET /datasets/")]

    def start(self, *words: str, offline: bool = False, nowhere: bool = False) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        environment = kept | {
            "HF_ENDPOINT": NOWHERE if nowhere else self.url,
            "HF_HOME": str(self.work / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_OFFLINE": "1" if offline else "0",
            "no_proxy": "127.0.0.1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=self.work,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def harness(self, *words: str, **options: bool) -> tuple[int, str]:
        """Run a command: its exit code, and all that it says."""
        process = self.start(*words, **options)
        out, error = process.communicate(timeout=300)
        assert "Traceback" not in error, error
        return process.returncode, out + error


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    import datasets

    datasets.disable_progress_bars()
    folder = tmp_path_factory.mktemp("standin")
    hub_repos.write_all(folder / "hub", ROWS)
    served = Hub(folder)
    yield served
    served.process.kill()
    served.process.wait()


@pytest.fixture(scope="module")
def pulled(hub: Hub) -> Path:
    """All 18 tasks, pulled by a command that was killed in the middle of a file and given again."""
    stalled = hub.folder / "stalled"
    stalled.write_text(STALLED)
    first = hub.start("data", "pull", "--out", "data")
    until = time.monotonic() + 240
    while not any(STALLED in line for line in hub.fetched(0)):
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < until, "the pull did not come to the file that stalls"
        time.sleep(0.05)
    first.kill()
    first.communicate()
    stalled.unlink()
    assert (hub.work / "data" / ".infovqa.part").is_dir()
    assert not (hub.work / "data" / "infovqa").exists()
    assert (hub.work / "data" / "ocrbench").is_dir()
    before = len(hub.asked())
    code, said = hub.harness("data", "pull", "--out", "data")
    assert code == 0, said
    again = hub.fetched(before)
    assert not [line for line in again if "OCRBench" in line or "DocVQA/DocVQA/validation" in line]
    assert len([line for line in again if STALLED in line]) == 1
    assert [line.split()[0] for line in said.splitlines()] == list(BUILTIN)
    return hub.work / "data"


def test_all_18_tasks_are_pulled_verified_and_evaluated_without_a_network(hub: Hub, pulled: Path) -> None:
    assert sorted(path.name for path in pulled.iterdir()) == sorted(BUILTIN)
    for name in BUILTIN:
        task = load_builtin(name)
        found = verify(replace(task, source=replace(task.source, rows=ROWS)), str(pulled))
        assert found.ok, (name, found)
        assert found.rows == ROWS
    words = ["eval", "--model", "mock", "--data", "data", "--limit", "2", "--out", "run", "--no-report"]
    code, said = hub.harness(*words, nowhere=True)
    assert code == 0, said
    run = json.loads((hub.work / "run" / "run.json").read_text())
    assert list(run["tasks"]) == list(BUILTIN)
    assert all(task["data"] == f"directory: data/{name}" for name, task in run["tasks"].items())


def test_a_table_that_three_tasks_share_is_fetched_once(hub: Hub, pulled: Path) -> None:
    tables = {(pulled / name / "RefCOCO.tsv").stat().st_ino for name in ("refcoco", "refcoco+", "refcocog")}
    assert len(tables) == 1
    assert len([line for line in hub.fetched(0) if "RefCOCO.tsv" in line]) == 1


def test_too_few_rows_are_wrong_and_a_task_at_a_time_is_said(hub: Hub, pulled: Path) -> None:
    code, said = hub.harness("data", "verify", "--data", "data", "--tasks", "ai2d,ocrbench", nowhere=True)
    assert code == 1
    assert said.splitlines() == [
        f"ai2d         WRONG  {ROWS} of 3,088 rows  directory: data/ai2d",
        f"ocrbench     WRONG  {ROWS} of 1,000 rows  directory: data/ocrbench",
    ]


@pytest.mark.parametrize("damage", ["tampered", "truncated", "missing"])
def test_a_damaged_shard_is_named_and_fetched_again(
    hub: Hub, pulled: Path, tmp_path: Path, damage: str
) -> None:
    shutil.copytree(pulled / "chartqa", tmp_path / "data" / "chartqa")
    shard = tmp_path / "data" / "chartqa" / "data" / "test-00000-of-00001.parquet"
    whole = shard.read_bytes()
    middle = len(whole) // 2
    if damage == "missing":
        shard.unlink()
    else:
        shard.write_bytes(
            whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
            if damage == "tampered"
            else whole[:middle]
        )
    out = str(tmp_path / "data")
    code, said = hub.harness("data", "verify", "--data", out, "--tasks", "chartqa", nowhere=True)
    assert code == 1
    assert f"{shard} is {'missing' if damage == 'missing' else 'not as it was pulled'}\n" in said
    if damage == "tampered":
        words = ["eval", "--model", "mock", "--data", out, "--tasks", "chartqa", "--out", str(tmp_path / "run")]
        code, said = hub.harness(*words, nowhere=True)
        assert code == 1
        assert f"{shard} is not as it was saved" in said
        assert "harness data pull fetches it again" in said
    before = len(hub.asked())
    code, said = hub.harness("data", "pull", "--out", out, "--tasks", "chartqa")
    assert code == 0, said
    assert shard.read_bytes() == whole
    assert [line for line in hub.fetched(before) if "README" in line] == []


def test_dropped_connections_are_taken_up_within_the_command(hub: Hub, tmp_path: Path) -> None:
    (hub.folder / "dropping").touch()
    before = len(hub.asked())
    code, said = hub.harness("data", "pull", "--out", str(tmp_path / "data"), "--tasks", "mmstar,charxiv")
    (hub.folder / "dropping").unlink()
    assert code == 0, said
    assert len([line for line in hub.fetched(before) if ".parquet" in line]) == 4
    mmstar = load_builtin("mmstar")
    assert verify(replace(mmstar, source=replace(mmstar.source, rows=ROWS)), str(tmp_path / "data")).ok


def test_a_repository_that_moved_is_found_and_both_names_are_said(hub: Hub, tmp_path: Path) -> None:
    old, new = "FlagEval/EmbSpatial-Bench", "BAAI/EmbSpatial"
    repositories = hub.folder / "datasets"
    (repositories / new).parent.mkdir(exist_ok=True)
    (repositories / old).rename(repositories / new)
    (hub.folder / "moved").write_text(f"{old} {new}\n")
    try:
        code, said = hub.harness("data", "pull", "--out", str(tmp_path / "data"), "--tasks", "embspatial")
        assert code == 0, said
        assert f"hub: {old} (now {new})@0123456789ab" in said
        told = json.loads((tmp_path / "data" / "embspatial" / "pulled.json").read_text())
        assert (told["repo"], told["name"]) == (old, new)
        words = ["eval", "--model", "mock", "--data", "hub", "--tasks", "embspatial", "--limit", "2"]
        code, said = hub.harness(*words, "--out", "moved", "--no-report")
        assert code == 0, said
        run = json.loads((hub.work / "moved" / "run.json").read_text())
        assert run["tasks"]["embspatial"]["data"] == f"hub: {old} (now {new})@0123456789ab"
        code, said = hub.harness(*words, "--out", "cached", "--no-report", offline=True, nowhere=True)
        assert code == 0, said
    finally:
        (repositories / new).rename(repositories / old)
        (hub.folder / "moved").unlink()


def test_what_the_disk_or_the_bound_does_not_hold_is_refused_before_it_is_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(hub.asked())
    words = ["data", "pull", "--out", str(tmp_path / "data"), "--tasks", "ocrbench"]
    code, said = hub.harness(*words, "--max-disk", "10kB")
    assert code == 1
    assert "the files take 26.9 kB, --max-disk is 10.0 kB: pull fewer tasks, or raise it" in said
    assert not [line for line in hub.fetched(before) if ".parquet" in line]
    code, said = hub.harness(*words, "--max-disk", "plenty")
    assert code == 2
    assert "--max-disk plenty: not a size" in said
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 1))  # type: ignore[attr-defined]
    with pytest.raises(HarnessError, match=r"5.0 kB are to be fetched and 1 bytes are free"):
        check_room({("repo", "commit", "name"): 6_000}, {("repo", "commit", "name"): 1_000}, tmp_path, None)


@pytest.mark.parametrize(
    ("text", "size"), [("500", 500), ("2 kB", 2000), ("1.5G", 1_500_000_000), ("20GB", 20 * 10**9)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert amount(20 * 10**9) == "20.0 GB"


@pytest.mark.parametrize("text", ["", "GB", "-1", "1PB", "1e9"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(UsageError, match="not a size"):
        parse_size(text)


def test_a_folder_that_holds_something_else_is_left_alone(hub: Hub, pulled: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "mmstar").mkdir(parents=True)
    code, said = hub.harness("data", "pull", "--out", str(tmp_path / "data"), "--tasks", "mmstar")
    assert code == 2
    assert "was not pulled: remove it, or pull into another --out" in said
    code, said = hub.harness("data", "pull", "--out", "data", "--tasks", "docvqa", "--split", "test")
    assert code == 2
    assert "holds split validation, and test is wanted" in said


def test_a_hub_that_cannot_be_reached(hub: Hub, tmp_path: Path) -> None:
    code, said = hub.harness("data", "pull", "--out", str(tmp_path), "--tasks", "mmstar", nowhere=True)
    assert code == 1
    assert "cannot be reached for Lin-Chen/MMStar" in said
    assert said.endswith("give the same command again, it goes on where it was\n")


def test_a_revision_that_is_not_there(hub: Hub, tmp_path: Path) -> None:
    words = ["data", "pull", "--out", str(tmp_path), "--tasks", "mmstar", "--revision", "no-such-branch"]
    code, said = hub.harness(*words)
    assert code == 2
    assert "Lin-Chen/MMStar: no revision 'no-such-branch' on the hub" in said


def test_a_split_is_pulled_and_asked_by_its_name(hub: Hub, tmp_path: Path) -> None:
    out = str(tmp_path / "data")
    code, said = hub.harness("data", "pull", "--out", out, "--tasks", "docvqa", "--split", "test")
    assert code == 0, said
    words = ["eval", "--model", "mock:text=1 May", "--tasks", "docvqa", "--data", out, "--out", "withheld"]
    code, said = hub.harness(*words, "--split", "test", "--no-report", nowhere=True)
    assert code == 0, said
    assert "send it to https://rrc.cvc.uab.es/" in said
    entries = json.loads((hub.work / "withheld" / "submission" / "docvqa-test.json").read_text())
    assert len(entries) == ROWS
    code, said = hub.harness(*words, "--split", "tset", nowhere=True)
    assert code == 2
    assert "--split tset: docvqa has no such split; known: validation, test" in said


def checked(name: str, folder: Path, *rows: dict[str, Any]) -> Any:
    """What `verify` finds in rows of a task."""
    task = load_builtin(name)
    hub_repos.fill(folder / name, [(task, list(rows))])
    return verify(replace(task, source=replace(task.source, rows=len(rows))), str(folder))


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("mmstar", {"answer": "Z"}, "answer 'Z' is no letter"),
        ("mathvista", {"answer": ""}, "no gold answer"),
        ("ocrbench", {"question": ""}, "its question is empty"),
        ("docvqa", {"answers": []}, "'answers' is an empty list"),
    ],
)
def test_rows_that_cannot_be_scored_are_named(
    name: str, change: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    good, bad = hub_repos.rows_for(name, 2)
    found = checked(name, tmp_path, good, {**bad, **change})
    assert not found.ok
    assert found.rows == 2
    assert len(found.problems) == 1
    assert problem in found.problems[0]


def test_a_picture_that_does_not_open_and_a_column_that_is_not_there(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    rows = hub_repos.rows_for("ai2d", 2)
    rows[1]["image"] = {"bytes": b"no picture", "path": None}
    found = checked("ai2d", tmp_path, *rows)
    (problem,) = found.problems
    assert "image" in problem
    (shard,) = (tmp_path / "ai2d").rglob("*.parquet")
    pq.write_table(pq.read_table(shard).drop_columns(["answer"]), shard)
    found = verify(load_builtin("ai2d"), str(tmp_path))
    assert len(found.problems) == 2
    assert all("column 'answer' is missing" in line for line in found.problems)


def test_known_defects_are_told_apart_by_id(tmp_path: Path) -> None:
    rows = hub_repos.rows_for("mathvision", 3)
    rows[0] |= {"id": "2830", "answer": "\x0crac{36}{13}", "options": []}
    rows[1] |= {"id": "7", "question": "Which <image1> fits <image2>?"}
    found = checked("mathvision", tmp_path, *rows)
    assert found.ok, found.problems
    assert [line.partition(":")[0] for line in found.known] == ["2830", "7"]
