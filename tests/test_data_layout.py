"""Which files of a data directory are read: splits, configurations, snapshots of the hub, saved data sets."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from harness.data import BadRow, load_rows
from harness.errors import UsageError
from tasks import Source, Task, load_builtin
from tasks.images import row_images

CHARTQA, MMMU, MMBENCH, MATHVERSE = map(load_builtin, ("chartqa", "mmmu", "mmbench", "mathverse"))


def png() -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (24, 16), "red").save(buffer, "PNG")
    return buffer.getvalue()


def write(path: Path, name: str) -> None:
    """A parquet or JSON lines file whose row is named."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([{"id": name}]), path)
    else:
        path.write_text(json.dumps({"id": name}) + "\n")


def read(task: Task, folder: Path) -> list[dict[str, Any]]:
    return [dict(row) for row in load_rows(task, str(folder)) if not isinstance(row, BadRow)]


def ids(task: Task, folder: Path) -> list[str]:
    return [row["id"] for row in read(task, folder)]


SHARD = "-00000-of-00001.parquet"


@pytest.mark.parametrize(
    ("split", "files", "chosen"),
    [
        ("test", [f"train{SHARD}", f"val{SHARD}", f"test{SHARD}"], "test"),
        ("validation", ["train.jsonl", "val.jsonl"], "val"),
        ("val", ["data/validation-00000-of-00002-1a2b.parquet", f"data/test{SHARD}"], "validation"),
        ("testmini", ["testmini.jsonl", "test.jsonl"], "testmini"),
        ("test", ["test/rows.jsonl", "train/rows.jsonl"], "test/rows"),
        ("testA", ["testA.jsonl", "testB.jsonl", "val.jsonl"], "testA"),
        ("dev", ["dev.jsonl", "validation.jsonl"], "dev"),
        ("test", ["rows.jsonl"], "rows"),
    ],
)
def test_of_several_splits_the_right_one_is_read(
    tmp_path: Path, split: str, files: list[str], chosen: str
) -> None:
    for name in files:
        write(tmp_path / "chartqa" / name, name)
    task = replace(CHARTQA, source=Source("org/ChartQA", split))
    assert ids(task, tmp_path) == [name for name in files if chosen in name]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([f"train{SHARD}"], r"holds the split train \(train-0.*asked about test: put those files there"),
        (["dev.jsonl", "val.jsonl"], "holds the split dev, val"),
        (
            ["rows.jsonl", "train.jsonl"],
            "holds the split train, and nothing says which rows",
        ),
        (["rows.jsonl", "test.jsonl"], "holds the split test, and nothing says which rows"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, files: list[str], said: str) -> None:
    for name in files:
        write(tmp_path / "chartqa" / name, name)
    with pytest.raises(UsageError, match=said):
        load_rows(CHARTQA, str(tmp_path))


def test_rows_may_say_their_split_themselves(tmp_path: Path) -> None:
    path = tmp_path / "mmmu" / "MMMU_DEV_VAL.tsv"
    path.parent.mkdir()
    path.write_text("id\tsplit\na\tdev\nb\tvalidation\nc\ttest_human\n")
    assert ids(MMMU, tmp_path) == ["b", "c"]


@pytest.mark.parametrize("name", ["mmmu", "MMMU", "datasets--MMMU--MMMU/snapshots/1a2b"])
def test_a_snapshot_of_the_hub_is_a_data_directory(tmp_path: Path, name: str) -> None:
    snapshot = tmp_path / name
    for subject in ("Art", "Accounting"):
        for split in ("dev", "validation", "test"):
            write(snapshot / subject / f"{split}{SHARD}", f"{subject} {split}")
    (snapshot / "README.md").write_text("---\nconfigs: []\n---\n")
    write(snapshot / ".cache" / "validation.parquet", "hidden")
    rows = read(MMMU, tmp_path if name == "mmmu" else snapshot)
    assert [(row["id"], row["subject"]) for row in rows] == [
        ("Accounting validation", "Accounting"),
        ("Art validation", "Art"),
    ]


def test_other_configurations_are_left_out_or_refused(tmp_path: Path) -> None:
    for config in ("cn", "en"):
        write(tmp_path / "mmbench" / config / f"dev{SHARD}", config)
    assert ids(MMBENCH, tmp_path) == ["en"]
    (tmp_path / "mmbench" / "en" / f"dev{SHARD}").unlink()
    with pytest.raises(UsageError, match=r"lies in the folder cn, which is none of .* configurations en"):
        load_rows(MMBENCH, str(tmp_path))


def table(*splits: str) -> Any:
    import datasets

    features = datasets.Features({"id": datasets.Value("string"), "image": datasets.Image()})
    image = {"bytes": png(), "path": None}
    parts = {
        split: datasets.Dataset.from_list([{"id": split, "image": image}], features, split=split)
        for split in splits
    }
    return datasets.DatasetDict(parts) if len(splits) > 1 else parts[splits[0]]


@pytest.mark.parametrize("splits", [("test",), ("train", "test")])
def test_a_saved_data_set_is_a_data_directory(tmp_path: Path, splits: tuple[str, ...]) -> None:
    table(*splits).save_to_disk(str(tmp_path / "chartqa"))
    [row] = read(CHARTQA, tmp_path)
    assert row["id"] == "test"
    assert row_images(row)[0].size == (24, 16)
    source = load_rows(CHARTQA, str(tmp_path))
    assert source.count == 1
    assert len(source.fingerprint) == 64


@pytest.mark.parametrize(
    ("splits", "said"),
    [(("train",), "holds the split train, not test"), (("train", "dev"), "splits train, dev: none is test")],
)
def test_a_saved_data_set_of_another_split_is_refused(
    tmp_path: Path, splits: tuple[str, ...], said: str
) -> None:
    table(*splits).save_to_disk(str(tmp_path / "chartqa"))
    with pytest.raises(UsageError, match=said):
        load_rows(CHARTQA, str(tmp_path))


def test_a_list_of_rows_in_json(tmp_path: Path) -> None:
    folder = tmp_path / "mathverse"
    folder.mkdir()
    (folder / "mathverse_testmini_text_only.json").write_text('[{"id": "a"}, 3]')
    rows = list(load_rows(MATHVERSE, str(tmp_path)))
    assert rows[0] == {"id": "a"}
    assert isinstance(rows[1], BadRow)
    assert "entry 1: a JSON object is wanted, not int" in rows[1].error


@pytest.mark.parametrize("place", ["", "images", "images/ChartQA_TEST"])
def test_pictures_of_a_local_table_lie_beside_it(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "chartqa"
    (folder / place).mkdir(parents=True)
    (folder / place / "7.png").write_bytes(png())
    (folder / "ChartQA_TEST_local.tsv").write_text("index\timage_path\n0\t7.png\n")
    [row] = read(CHARTQA, tmp_path)
    assert row_images(row)[0].size == (24, 16)
