"""`harness` against a hub on the loopback: from nothing, after a broken download, pinned, and offline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from harness.data.synthetic import synthetic_rows
from harness.models import tiny_path
from tests.hub_server import COMMIT

SERVER = Path(__file__).with_name("hub_server.py")
REPO = "lmms-lab-encoder/ChartQA"
ROWS = 12


def data_set(folder: Path) -> None:
    """ChartQA in the hub's layout: a card, and the test split in two shards beside a train split."""
    import datasets

    features = datasets.Features(
        {
            **{name: datasets.Value("string") for name in ("type", "question", "answer")},
            "image": datasets.Image(),
        }
    )
    drawn = synthetic_rows("chartqa", seed=0, split="test")
    rows = [
        {name: next_row[name] for name in features} for next_row, _ in zip(drawn, range(ROWS), strict=False)
    ]
    for number, part in enumerate((rows[:6], rows[6:])):
        path = folder / "data" / f"test-0000{number}-of-00002.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(part, features).to_parquet(path)
    datasets.Dataset.from_list(rows[:1], features).to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: test\n    path: data/test-*\n  - split: train\n    path: data/train-*\n---\n"
    )


def own_rows(folder: Path) -> None:
    """EasyR1's columns in the hub's layout, two splits."""
    import datasets
    import PIL.Image

    texts = {name: datasets.Value("string") for name in ("problem", "answer")}
    features = datasets.Features({**texts, "images": datasets.List(datasets.Image())})
    rows = [
        {
            "problem": f"<image>{n} + 1?",
            "answer": f"{n + 1}",
            "images": [PIL.Image.new("RGB", (64, 48), (n, 9, 9))],
        }
        for n in range(7)
    ]
    for split, part in {"train": rows[:5], "validation": rows[5:]}.items():
        path = folder / "data" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(part, features).to_parquet(path)


class Hub:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = folder / "port"
        self.process = subprocess.Popen([sys.executable, str(SERVER), str(self.port), str(folder)])
        for _ in range(200):
            if self.port.exists() and self.port.read_text():
                break
            time.sleep(0.05)
        self.url = f"http://127.0.0.1:{self.port.read_text()}"

    def asked(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines() if (self.folder / "log").exists() else []

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    pytest.importorskip("datasets")
    folder = tmp_path_factory.mktemp("hub")
    data_set(folder / "datasets" / REPO)
    own_rows(folder / "datasets" / "org" / "geometry")
    shutil.copytree(tiny_path(), folder / "models" / "org" / "tiny")
    served = Hub(folder)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def harness(hub: Hub, work: Path, *words: str, offline: bool = False) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    environment |= {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(work / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1" if offline else "0",
        "no_proxy": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def evaluate(hub: Hub, work: Path, *flags: str, offline: bool = False) -> subprocess.CompletedProcess[str]:
    command = ["eval", "--model", "org/tiny", "--tasks", "chartqa", "--limit", "6", "--max-new-tokens", "8"]
    return harness(hub, work, *command, "--no-report", "--no-images", *flags, offline=offline)


def run_json(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return content


def scores(folder: Path) -> list[str]:
    return (folder / "scores" / "chartqa.jsonl").read_text().splitlines()


def test_a_broken_download_is_one_line_and_goes_on_with_that_file(hub: Hub, work: Path) -> None:
    (hub.folder / "broken").touch()
    broken = evaluate(hub, work, "--out", "run")
    (hub.folder / "broken").unlink()
    assert broken.returncode == 1, broken.stderr
    assert "Traceback" not in broken.stderr
    assert "cannot be reached" in broken.stderr
    before = len(hub.asked())
    whole = evaluate(hub, work, "--out", "run")
    assert whole.returncode == 0, whole.stderr
    fetched = [line for line in hub.asked()[before:] if line.startswith("GET") and "/resolve/" in line]
    assert any("test-00000-of-00002" in line for line in fetched)
    assert not any("README" in line or "config.json" in line.split("/")[-1][:11] for line in fetched)
    assert len(scores(work / "run")) == 6


def test_commits_are_recorded(work: Path) -> None:
    run = run_json(work / "run")
    assert run["model"]["revision"] == COMMIT
    assert run["tasks"]["chartqa"]["data"] == f"hub: {REPO}@{COMMIT[:12]}"


def test_a_revision_is_pinned_or_refused(hub: Hub, work: Path) -> None:
    pinned = evaluate(hub, work, "--out", "pinned", "--revision", COMMIT)
    assert pinned.returncode == 0, pinned.stderr
    assert scores(work / "pinned") == scores(work / "run")
    absent = evaluate(hub, work, "--out", "absent", "--revision", "no-such-branch")
    assert absent.returncode == 2
    assert "org/tiny has no revision 'no-such-branch'" in absent.stderr


@pytest.mark.parametrize(("data", "rows"), [("org/geometry", 5), ("org/geometry@validation", 2)])
def test_rows_of_one_s_own_are_found_on_the_hub(hub: Hub, work: Path, data: str, rows: int) -> None:
    words = ["train", "--model", "org/tiny", "--stage", "g2rpo", "--dry-run", "--set", f"data={data}"]
    found = harness(hub, work, *words, "--set", "problem_type=math")
    assert found.returncode == 0, found.stderr
    assert f"\n{'':37} {rows:>9}\n" in found.stdout
    assert "  | [image 1, 64 x 48]\n" in found.stdout
    assert " -> 1.00" in found.stdout
    absent = harness(hub, work, *words, "--set", "data=org/geomtry", "--set", "problem_type=math")
    assert absent.returncode == 2
    assert "org/geomtry: no such data set on the hub" in absent.stderr


def test_offline_afterwards_all_comes_from_the_cache(hub: Hub, work: Path) -> None:
    hub.stop()
    again = evaluate(hub, work, "--out", "run", offline=True)
    assert again.returncode == 0, again.stderr
    assert "6 of 6 are answered already" in again.stderr + again.stdout
    fresh = evaluate(hub, work, "--out", "fresh", offline=True)
    assert fresh.returncode == 0, fresh.stderr
    assert scores(work / "fresh") == scores(work / "run")
