"""Which files of a data directory are read: splits, configurations, snapshots of the hub, saved data sets."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from harness.data import BadRow, load_rows
from harness.errors import HarnessError, UsageError
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
        ("validation", ["val2014.jsonl", "train2014.jsonl"], "val2014"),
        ("test", ["train.jsonl", f"data/test{SHARD}"], "test"),
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
        (["ChartQA_TRAIN.tsv"], r"holds the split train \(ChartQA_TRAIN\.tsv\)"),
        (["trainval.jsonl"], "holds the split trainval"),
        (["train_test.jsonl"], "holds the splits train and test, and no column of its rows distinguishes them"),
        (["test.jsonl", f"test{SHARD}"], "holds two formats, test.jsonl and test-0"),
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


def test_training_reads_the_training_split_alone(tmp_path: Path) -> None:
    for name in ("train.jsonl", "test.jsonl"):
        write(tmp_path / "chartqa" / name, name)
    assert [row["id"] for row in load_rows(CHARTQA, str(tmp_path), split="train")] == ["train.jsonl"]
    (tmp_path / "chartqa" / "train.jsonl").unlink()
    with pytest.raises(UsageError, match=r"holds the split test .*asked about train"):
        load_rows(CHARTQA, str(tmp_path), split="train")
    robospatial = load_builtin("robospatial")
    for name in ("context", "train"):
        write(tmp_path / "robospatial" / f"{name}.jsonl", name)
    rows = [row["id"] for row in load_rows(robospatial, str(tmp_path), split="train")]
    assert rows == ["context", "train"]
    assert ids(robospatial, tmp_path) == ["context"]


@pytest.mark.parametrize("kind", ["parquet", "saved", "jsonl"])
def test_rows_of_other_splits_are_not_counted(tmp_path: Path, kind: str) -> None:
    import datasets

    rows = datasets.Dataset.from_list(
        [{"id": "a", "split": "test"}, {"id": "b", "split": "train"}, {"id": "c"}]
    )
    (tmp_path / "chartqa").mkdir()
    if kind == "parquet":
        rows.to_parquet(tmp_path / "chartqa" / "rows.parquet")
    elif kind == "saved":
        rows.save_to_disk(str(tmp_path / "chartqa"))
    else:
        rows.to_json(tmp_path / "chartqa" / "rows.jsonl")
    source = load_rows(CHARTQA, str(tmp_path))
    assert ([row["id"] for row in read(CHARTQA, tmp_path)], source.count) == (["a", "c"], 2)


def test_folders_above_the_tasks_say_nothing(tmp_path: Path) -> None:
    write(tmp_path / "context" / "train" / "robospatial" / "rows.jsonl", "a")
    assert read(load_builtin("robospatial"), tmp_path / "context" / "train") == [{"id": "a"}]


def test_rows_may_say_their_split_themselves(tmp_path: Path) -> None:
    path = tmp_path / "mmmu" / "MMMU_DEV_VAL.tsv"
    path.parent.mkdir()
    path.write_text("id\tsplit\na\tdev\nb\tvalidation\nc\ttest_human\n")
    assert ids(MMMU, tmp_path) == ["b", "c"]
    source = load_rows(MMMU, str(tmp_path))
    assert source.count is None
    for path in (tmp_path / "chartqa" / "a.jsonl", tmp_path / "chartqa" / "b.jsonl"):
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"id": "a", "split": "train"}\n{"id": "b"}\n')
    assert ids(CHARTQA, tmp_path) == ["b", "b"]
    assert load_rows(CHARTQA, str(tmp_path)).count == 2


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
    with pytest.raises(UsageError, match=r"is of cn, which is none of .* configurations en"):
        load_rows(MMBENCH, str(tmp_path))


def card(folder: Path, **files: str) -> None:
    """A repository's README.md: configuration, split and path, written CONFIG="SPLIT PATH"."""
    lines = ["---", "configs:"]
    for config, (split, path) in ((name, text.split()) for name, text in files.items()):
        lines += [f"- config_name: {config}", "  data_files:", f"  - split: {split}", f"    path: '{path}'"]
    (folder / "README.md").write_text("\n".join([*lines, "---", "# A data set", ""]))


def test_the_card_of_a_repository_says_which_files_are_rows(tmp_path: Path) -> None:
    folder = tmp_path / "MathVerse"
    for name in ("testmini", "testmini_text_only"):
        write(folder / f"{name}.parquet", name)
        (folder / f"{name}.json").write_text('[{"id": "raw"}]')
    with pytest.raises(UsageError, match="two formats"):
        ids(MATHVERSE, folder)
    card(
        folder,
        testmini="testmini testmini.parquet",
        testmini_text_only="testmini_text_only **/*_text_only.parq*",
    )
    assert ids(MATHVERSE, folder) == ids(MATHVERSE, tmp_path) == ["testmini", "testmini_text_only"]
    (folder / "README.md").write_text("---\nconfigs: [\n---\n")
    with pytest.raises(HarnessError, match=r"README\.md: "):
        load_rows(MATHVERSE, str(folder))


def test_the_card_says_the_split_of_files_whose_names_do_not(tmp_path: Path) -> None:
    write(tmp_path / "chartqa" / "a.parquet", "a")
    write(tmp_path / "chartqa" / "b.parquet", "b")
    (tmp_path / "chartqa" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n    train: a.parquet\n    test: [./b.parquet]\n"
        "- config_name: other\n  data_files: '*.parquet'\n- 3\n---\n"
    )
    assert ids(CHARTQA, tmp_path) == ["b"]


def test_tasks_of_one_repository_read_their_own_configurations(tmp_path: Path) -> None:
    docvqa, infovqa = load_builtin("docvqa"), load_builtin("infovqa")
    write(tmp_path / "docvqa" / "rows.jsonl", "forms")
    assert ids(docvqa, tmp_path) == ["forms"]
    with pytest.raises(UsageError, match=r"nothing says that rows\.jsonl is of .*configuration InfographicVQA"):
        load_rows(infovqa, str(tmp_path))
    snapshot = tmp_path / "hub" / "DocVQA"
    for config in ("DocVQA", "InfographicVQA"):
        write(snapshot / config / f"validation{SHARD}", config)
        write(snapshot / config / f"test{SHARD}", config)
    for place in (snapshot, snapshot.parent):
        assert [ids(task, place) for task in (docvqa, infovqa)] == [["DocVQA"], ["InfographicVQA"]]


def test_of_several_snapshots_in_the_cache_that_of_main_is_read(tmp_path: Path) -> None:
    cached = tmp_path / "datasets--lmms-lab-encoder--ChartQA"
    for commit in ("1a", "2b"):
        write(cached / "snapshots" / commit / "data" / f"test{SHARD}", commit)
    with pytest.raises(UsageError, match=r"holds 2 snapshots: give the folder of one, as .*1a"):
        load_rows(CHARTQA, str(cached))
    assert ids(CHARTQA, cached / "snapshots" / "1a") == ["1a"]
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("2b\n")
    assert ids(CHARTQA, cached) == ids(CHARTQA, tmp_path) == ["2b"]


def test_a_folder_of_any_name_is_the_one_tasks_that_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "download"
    write(folder / "data" / f"test{SHARD}", "a")
    write(folder / "train" / "rows.parquet", "b")
    with pytest.raises(UsageError, match="no folder 'chartqa' in"):
        load_rows(CHARTQA, str(folder))
    assert [row["id"] for row in load_rows(CHARTQA, str(folder), alone=True)] == ["a"]
    write(folder / "ai2d" / "rows.parquet", "another task's")
    with pytest.raises(UsageError, match="no folder 'chartqa' in"):
        load_rows(CHARTQA, str(folder), alone=True)


def test_the_fingerprint_follows_the_folders(tmp_path: Path) -> None:
    write(tmp_path / "mmmu" / "Art" / "validation.jsonl", "a")
    before = load_rows(MMMU, str(tmp_path)).fingerprint
    (tmp_path / "mmmu" / "Art").rename(tmp_path / "mmmu" / "Music")
    assert load_rows(MMMU, str(tmp_path)).fingerprint != before


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
    [
        (("train",), r"holds the split train \(state\.json\), and"),
        (("train", "dev"), "holds the split dev, train"),
    ],
)
def test_a_saved_data_set_of_another_split_is_refused(
    tmp_path: Path, splits: tuple[str, ...], said: str
) -> None:
    table(*splits).save_to_disk(str(tmp_path / "chartqa"))
    with pytest.raises(UsageError, match=said):
        load_rows(CHARTQA, str(tmp_path))


def test_a_saved_data_set_that_datasets_loaded_says_its_configuration(tmp_path: Path) -> None:
    import datasets

    repository = tmp_path / "repository"
    for config in ("cn", "en"):
        write(repository / config / f"dev{SHARD}", config)
    card(repository, cn="dev cn/dev-*", en="dev en/dev-*")
    for config in ("cn", "en"):
        loaded = datasets.load_dataset(
            str(repository), config, split="dev[:1]", cache_dir=str(tmp_path / "cache")
        )
        loaded.save_to_disk(str(tmp_path / config / "mmbench"))
    assert ids(MMBENCH, tmp_path / "en") == ["en"]
    with pytest.raises(UsageError, match=r"is of cn, which is none of .*configurations en"):
        load_rows(MMBENCH, str(tmp_path / "cn"))


def test_saved_data_sets_in_folders_of_splits_and_configurations(tmp_path: Path) -> None:
    import datasets

    for subject in ("Art", "Accounting"):
        for split in ("validation", "dev"):
            rows = datasets.Dataset.from_list([{"id": f"{subject} {split}"}])
            rows.save_to_disk(str(tmp_path / "mmmu" / subject / split))
    rows = read(MMMU, tmp_path)
    assert [(row["id"], row["subject"]) for row in rows] == [
        ("Accounting validation", "Accounting"),
        ("Art validation", "Art"),
    ]


def test_images_in_lists_stay_encoded(tmp_path: Path) -> None:
    import datasets

    images = datasets.Sequence(datasets.Image())
    rows = [{"id": "a", "images": [{"bytes": png(), "path": None}] * 2}]
    saved = datasets.Dataset.from_list(
        rows, datasets.Features({"id": datasets.Value("string"), "images": images})
    )
    saved.save_to_disk(str(tmp_path / "chartqa"))
    assert read(CHARTQA, tmp_path) == rows


def test_a_saved_data_set_that_is_damaged_is_one_line(tmp_path: Path) -> None:
    table("test").save_to_disk(str(tmp_path / "chartqa"))
    next((tmp_path / "chartqa").glob("*.arrow")).write_bytes(b"nothing of the kind")
    with pytest.raises(HarnessError, match=r"no data set that `datasets` can load"):
        list(load_rows(CHARTQA, str(tmp_path)))
    (tmp_path / "chartqa" / "state.json").write_text("{")
    with pytest.raises(HarnessError, match=r"state\.json: "):
        load_rows(CHARTQA, str(tmp_path))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"id": "a"}\n\n{"id": "b"}\n', ["a", "b"]),
        ('\ufeff[{"id": "a"}]', ["a"]),
        ('\n [\n{"id": "a"}]', ["a"]),
    ],
)
def test_forms_of_json(tmp_path: Path, text: str, rows: list[str]) -> None:
    write(tmp_path / "chartqa" / "rows.json", "")
    (tmp_path / "chartqa" / "rows.json").write_text(text)
    (tmp_path / "chartqa" / "dataset_infos.json").write_text('{"default": {}}')
    (tmp_path / "chartqa" / "index.json").write_text('{\n"a": 1}\n')
    assert ids(CHARTQA, tmp_path) == rows


def test_a_list_of_rows_in_json(tmp_path: Path) -> None:
    folder = tmp_path / "mathverse"
    folder.mkdir()
    (folder / "mathverse_testmini_text_only.json").write_text('[{"id": "a"}, 3]')
    rows = list(load_rows(MATHVERSE, str(tmp_path)))
    assert rows[0] == {"id": "a"}
    assert isinstance(rows[1], BadRow)
    assert "entry 1: a JSON object is wanted, not int" in rows[1].error


@pytest.mark.parametrize("place", ["", "images", "images/ChartQA_TEST", "images/ChartQA"])
def test_pictures_of_a_local_table_lie_beside_it(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "chartqa"
    (folder / place).mkdir(parents=True)
    (folder / place / "7.png").write_bytes(png())
    (folder / "ChartQA_TEST_local.tsv").write_text("index\timage_path\n0\t7.png\n")
    [row] = read(CHARTQA, tmp_path)
    assert row_images(row)[0].size == (24, 16)


def test_several_pictures_of_a_local_table(tmp_path: Path) -> None:
    folder = tmp_path / "chartqa"
    (folder / "images" / "ChartQA").mkdir(parents=True)
    for name in ("7_1.png", "7_2.png"):
        (folder / "images" / "ChartQA" / name).write_bytes(png())
    (folder / "ChartQA_TEST_local.tsv").write_text("index\timage_path\n7\t['7_1.png', '7_2.png']\n")
    [row] = read(CHARTQA, tmp_path)
    assert [image.size for image in row_images(row)] == [(24, 16)] * 2


def test_an_image_may_be_that_of_a_later_row_and_indexes_may_be_words(tmp_path: Path) -> None:
    image = base64.b64encode(png()).decode()
    (tmp_path / "chartqa").mkdir()
    (tmp_path / "chartqa" / "rows.tsv").write_text(f"index\timage\nb\ta\n5\t7.0\na\t{image}\n7.0\t{image}\n")
    assert [row["image"] for row in read(CHARTQA, tmp_path)] == [image] * 4


@pytest.mark.parametrize(
    ("name", "file", "said"),
    [
        (
            "mmbench",
            "MMBench_DEV_CN.tsv",
            "is of cn, which is none of lmms-lab-encoder/MMBench's configurations en",
        ),
        (
            "infovqa",
            "DocVQA_VAL.tsv",
            "is of DocVQA, which is none of lmms-lab-encoder/DocVQA's configurations Infographic",
        ),
    ],
)
def test_another_language_or_benchmark_of_the_repository_is_refused(
    tmp_path: Path, name: str, file: str, said: str
) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / file).write_text("index\tid\n0\ta\n")
    with pytest.raises(UsageError, match=said):
        load_rows(load_builtin(name), str(tmp_path))
