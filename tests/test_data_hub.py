"""The loading code of every task, on small local repositories in the hub's schema; pull, verify, errors."""

from __future__ import annotations

import base64
import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness.data import BadRow, load_rows
from harness.data.hub import hub_rows, pull, verify
from harness.data.layout import split_names
from harness.data.synthetic import synthetic_rows
from harness.errors import Exit, HarnessError, UsageError
from tasks import BUILTIN, Sample, Task, load_builtin

ROWS = 30


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` caches what it loads below `tmp_path`, and draws no bars."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def schema(name: str) -> Any:
    """The hub's features of a task, as far as it matters for loading: types that a parquet file fixes."""
    from datasets import Features, Image, List, Value

    text, whole, real, picture = Value("string"), Value("int64"), Value("float64"), Image()
    texts = List(text)
    mathvista_metadata = {
        **dict.fromkeys(["category", "context", "grade", "language", "source", "split", "task"], text),
        "img_height": whole,
        "img_width": whole,
        "skills": texts,
    }
    mathverse_metadata = dict.fromkeys(["split", "source", "subject", "subfield"], text)
    referring = {
        "image": picture,
        "answer": texts,
        "segmentation": List(real),
        "bbox": List(real),
        "iscrowd": whole,
    }
    columns: dict[str, dict[str, Any]] = {
        "mmmu": {f"image_{n}": picture for n in range(1, 8)},
        "mmbench": {"index": whole, "image": picture},
        "mmstar": {
            "index": whole,
            "image": picture,
            "meta_info": dict.fromkeys(("source", "split", "image_path"), text),
        },
        "mathvista": {
            "decoded_image": picture,
            "choices": texts,
            "precision": real,
            "metadata": mathvista_metadata,
        },
        "mathverse": {"image": picture, "metadata": mathverse_metadata},
        "mathvision": {"decoded_image": picture, "options": texts, "level": whole},
        "ai2d": {"image": picture, "options": texts},
        "chartqa": {"image": picture},
        "charxiv": {
            "image": picture,
            **dict.fromkeys((f"descriptive_q{n}" for n in range(1, 5)), whole),
            **dict.fromkeys(["num_subplots", "reasoning_a_type", "reasoning_q_source"], whole),
            **dict.fromkeys(["subplot_col", "subplot_row"], whole),
        },
        "docvqa": {"image": picture, "question_types": texts, "answers": texts, "docId": whole},
        "infovqa": {"image": picture, "answers": texts, "answer_type": texts, "operation/reasoning": texts},
        "ocrbench": {"image": picture, "answer": texts},
        "embspatial": {"image": picture, "answer_options": texts, "answer": whole},
        "refspatial": {"id": whole, "image": picture, "mask": picture, "step": whole},
        "robospatial": {"img": picture, "mask": picture, "depth_image": picture},
        "refcoco": referring,
        "refcoco+": referring,
        "refcocog": referring,
    }
    known = columns[name]
    row = next(synthetic_rows(name))
    return Features({column: known.get(column, text) for column in row})


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def in_table_form(rows: list[dict[str, Any]], task: Task, path: Path) -> None:
    """A VLMEvalKit table out of rows in lmms-lab's schema: one expression a row, boxes in fractions."""
    assert task.source.where is not None
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(["index", "image", "question", "answer", "category"])
        for number, row in enumerate(rows):
            x, y, wide, high = row["bbox"]
            width, height = row["image"].size
            box = [x / width, y / height, (x + wide) / width, (y + high) / height]
            image = base64.b64encode(encoded(row["image"])).decode()
            for category in (task.source.where[1][0], "another testB"):
                table.writerow([number, image, f"<ref>{row['answer'][0]}</ref>", str(box), category])


def parts_of(rows: list[dict[str, Any]], task: Task) -> Iterator[tuple[str | None, str, list[dict[str, Any]]]]:
    """(config, split, rows) as the hub keeps them: the columns that their names fill are not in the rows."""
    source = task.source
    for config in source.configs:
        own = source.config_splits.get(config or "")
        for split in split_names(own or source.split):
            inside = [
                {
                    key: value
                    for key, value in row.items()
                    if key not in {source.config_column, source.split_column}
                }
                for row in rows
                if (source.config_column is None or row[source.config_column] == config)
                and (source.split_column is None or row[source.split_column] == split)
                and (own is not None) == (row.get("problem_version") == "Text Only")
            ]
            yield config, split, inside


def repository(task: Task, folder: Path, rows: list[dict[str, Any]]) -> Task:
    """A local repository laid out like the task's on the hub; the task, pointed at it."""
    from datasets import Dataset, Features

    folder.mkdir()
    if task.source.data_files is not None:
        in_table_form(rows, task, folder / task.source.data_files)
        return replace(task, source=replace(task.source, repo=str(folder)))
    features = schema(task.name)
    card, configs = ["---", "configs:"], set()
    for config, split, inside in parts_of(rows, task):
        if config not in configs:
            configs.add(config)
            card += [f"- config_name: {config or 'default'}", "  data_files:"]
        path = folder / f"{config or 'data'}" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(exist_ok=True)
        filled = {task.source.config_column, task.source.split_column}
        kept = Features({key: value for key, value in features.items() if key not in filled})
        Dataset.from_list(inside, features=kept).to_parquet(path)
        card += [f"  - split: {split}", f"    path: {path.relative_to(folder)}"]
    (folder / "README.md").write_text("\n".join([*card, "---", ""]))
    return replace(task, source=replace(task.source, repo=str(folder)))


def rows_for(name: str, count: int = ROWS) -> list[dict[str, Any]]:
    """Drawn rows; some are made to be of the split or config that is not drawn."""
    rows = list(islice(synthetic_rows(name), count))
    if name == "refspatial":
        for row in rows[::5]:
            row["split"] = "unseen"
    if name == "mathverse":
        for row in rows[::5]:
            row.update(problem_version="Text Only", image=None)
    return rows


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
    rows = rows_for(name)
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


@pytest.mark.parametrize("name", ["mmmu", "mathvista", "mathverse", "refspatial", "robospatial", "refcoco"])
def test_pulled_directory_gives_the_same_samples(name: str, tmp_path: Path) -> None:
    rows = rows_for(name)
    task = repository(load_builtin(name), tmp_path / "repo", rows)
    direct = samples(task, hub_rows(task))
    folder = pull(task, tmp_path / "data")
    assert folder == tmp_path / "data" / name
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [name]
    read = load_rows(load_builtin(name), str(tmp_path / "data"))

    def by_question(found: list[Sample]) -> list[str]:
        return sorted(repr(comparable(sample)) for sample in found)

    assert by_question(samples(task, read)) == by_question(direct)
    with pytest.raises(UsageError, match="exists: remove it"):
        pull(task, tmp_path / "data")


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
    Dataset.from_list([broken], features=schema("ai2d")).to_parquet(tmp_path / "repo" / "test.parquet")
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


def test_verify_counts_rows(tmp_path: Path) -> None:
    task = repository(load_builtin("ai2d"), tmp_path / "repo", list(islice(synthetic_rows("ai2d"), 4)))
    found = verify(task)
    assert (found.rows, found.expected, found.bad, found.ok) == (4, task.source.rows, 0, False)
    assert verify(replace(task, source=replace(task.source, rows=4))).ok
    assert verify(replace(task, source=replace(task.source, rows=None))).ok


def test_verify_counts_only_rows_that_the_source_lets_in(tmp_path: Path) -> None:
    task = repository(load_builtin("refcoco"), tmp_path / "repo", list(islice(synthetic_rows("refcoco"), 4)))
    assert verify(task).rows == 4


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
