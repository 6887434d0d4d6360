"""The loading code of every task, on small local repositories in the hub's schema; pull, verify, errors."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from harness.data import BadRow, load_rows
from harness.data.hub import hub_rows
from harness.data.layout import split_names
from harness.data.synthetic import synthetic_rows
from harness.errors import Exit, HarnessError, UsageError
from tasks import BUILTIN, Sample, Task, load_builtin
from tests import hub_repos

ROWS = 30


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` caches what it loads below `tmp_path`, and draws no bars."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def repository(task: Task, folder: Path, rows: list[dict[str, Any]]) -> Task:
    """A local repository laid out like the task's on the hub; the task, pointed at it."""
    hub_repos.fill(folder, [(task, rows)])
    return replace(task, source=replace(task.source, repo=str(folder)))


def samples(task: Task, rows: Any) -> list[Sample]:
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [sample for row in rows for sample in task.to_samples(row)]


def comparable(sample: Sample) -> tuple[Any, ...]:
    """A sample with its images decoded; what names an image by its hash is left out."""
    images = [image.picture() for image in sample.images]
    groups = {key: value for key, value in sample.groups.items() if key not in {"image", "chart"}}
    pixels = [(image.size, image.convert("RGB").tobytes()) for image in images]
    return sample.question, sample.choices, sample.target, sample.instruction, groups, sample.meta, pixels


def in_source_order(task: Task, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    source = task.source
    configs, splits = list(source.configs), split_names(source.split)

    def place(row: dict[str, Any]) -> tuple[int, int]:
        config = configs.index(row[source.config_column]) if source.config_column else 0
        config += row.get("problem_version") == "Text Only"
        return config, splits.index(row[source.split_column]) if source.split_column else 0

    return sorted(rows, key=place)


@pytest.mark.parametrize("name", BUILTIN)
def test_what_comes_out_of_the_hub_is_what_went_in(name: str, tmp_path: Path) -> None:
    rows = hub_repos.rows_for(name, ROWS)
    task = repository(load_builtin(name), tmp_path / "repo", rows)
    source = load_rows(task, "hub")
    loaded = list(source)
    assert len(loaded) == ROWS
    assert source.count in {ROWS, None}
    assert source.label.startswith(f"hub: {tmp_path / 'repo'}@")
    expected = in_source_order(task, rows)
    if task.source.data_files is not None:  # a table has the first expression of each object only
        expected = [{**row, "answer": row["answer"][:1]} for row in expected]
    got, wanted = samples(task, loaded), samples(task, expected)
    if task.source.data_files is not None:
        assert [sample.question for sample in got] == [sample.question for sample in wanted]
        for one, other in zip(got, wanted, strict=True):
            assert one.target.box == pytest.approx(other.target.box)
            assert comparable(one)[-1] == comparable(other)[-1]
        return
    assert [comparable(sample) for sample in got] == [comparable(sample) for sample in wanted]


def test_images_are_not_decoded(tmp_path: Path) -> None:
    task = repository(load_builtin("ai2d"), tmp_path / "repo", list(islice(synthetic_rows("ai2d"), 2)))
    for row in hub_rows(task):
        assert not isinstance(row, BadRow)
        assert row["image"]["bytes"][:4] == b"\x89PNG"


def test_undecodable_image_is_found_only_when_opened(tmp_path: Path) -> None:
    from datasets import Dataset

    task = load_builtin("ai2d")
    row = next(synthetic_rows("ai2d"))
    (tmp_path / "repo").mkdir()
    broken = {**row, "image": {"bytes": b"no picture", "path": None}}
    Dataset.from_list([broken], features=hub_repos.schema("ai2d")).to_parquet(
        tmp_path / "repo" / "test.parquet"
    )
    task = replace(task, source=replace(task.source, repo=str(tmp_path / "repo"), configs=(None,)))
    (loaded,) = hub_rows(task)
    assert loaded["image"]["bytes"] == b"no picture"  # type: ignore[index]


def test_fingerprint_follows_the_content(tmp_path: Path) -> None:
    rows = list(islice(synthetic_rows("ai2d"), 3))
    task = load_builtin("ai2d")
    one = repository(task, tmp_path / "one", rows)
    assert hub_rows(one).fingerprint == hub_rows(one).fingerprint
    other = repository(task, tmp_path / "other", rows[:2])
    assert hub_rows(one).fingerprint != hub_rows(other).fingerprint


def test_wrong_split_and_config_list_the_known_ones(tmp_path: Path) -> None:
    task = repository(load_builtin("mmmu"), tmp_path / "repo", list(islice(synthetic_rows("mmmu"), ROWS)))
    with pytest.raises(UsageError, match=r"Unknown split .*validation") as caught:
        hub_rows(replace(task, source=replace(task.source, split="dev")))
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match=r"'Arts' not found.*'Accounting'") as caught:
        hub_rows(replace(task, source=replace(task.source, configs=("Arts",))))
    assert "\n" not in str(caught.value)


def test_missing_file_and_empty_repository(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    table = load_builtin("refcoco")
    with pytest.raises(UsageError, match=f"no file {table.source.data_files}"):
        hub_rows(replace(table, source=replace(table.source, repo=str(tmp_path / "repo"))))
    task = load_builtin("ai2d")
    with pytest.raises(UsageError, match="repo: ") as caught:
        hub_rows(replace(task, source=replace(task.source, repo=str(tmp_path / "repo"))))
    assert "\n" not in str(caught.value)


def test_training_split(tmp_path: Path) -> None:
    task = load_builtin("mmstar")
    without = replace(task, source=replace(task.source, train_split=None))
    with pytest.raises(UsageError, match="mmstar has no training split on the hub: use --data synthetic"):
        load_rows(without, "hub", split="train")
    rows = list(islice(synthetic_rows("mmstar"), 5))
    train = repository(replace(task, source=replace(task.source, split="train")), tmp_path / "repo", rows)
    train = replace(train, source=replace(train.source, split="val", train_split="train"))
    assert len(list(load_rows(train, "hub", split="train"))) == 5


def test_offline_and_not_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    task = load_builtin("ai2d")
    task = replace(task, source=replace(task.source, repo="nobody/no-such-data-set"))
    with pytest.raises(HarnessError, match=r"nobody/no-such-data-set .*--data DIR"):
        hub_rows(task)


UNREACHABLE = """
import sys
from harness.data import load_rows
from harness.errors import HarnessError
from tasks import load_builtin
import datasets, huggingface_hub
for name in sys.argv[1:]:
    try:
        load_rows(load_builtin(name), "hub")
    except HarnessError as error:
        print(int(error.code), error)
"""


@pytest.mark.timeout(60)
def test_unreachable_hub_says_so_at_once() -> None:
    names = ["ai2d", "refcoco"]
    closed = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
    # A proxy in the environment would answer in the place of the closed port.
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    command = [sys.executable, "-c", UNREACHABLE, *names]
    found = subprocess.run(command, capture_output=True, text=True, env={**kept, **closed}, check=True)
    lines = found.stdout.splitlines()
    assert len(lines) == len(names)
    for name, line in zip(names, lines, strict=True):
        assert line.startswith(
            f"{int(Exit.FAILED)} the hub cannot be reached for {load_builtin(name).source.repo} ("
        )
        assert f"`harness data pull --tasks {name} --out DIR`" in line
        assert "--data DIR" in line
