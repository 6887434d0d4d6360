"""Rows from a directory: the three formats, what is filled in, and what is wrong in one line."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness.data import BadRow, RowSource, load_rows
from harness.errors import HarnessError, UsageError
from scorers.types import Answer, Score
from tasks import Metric, Row, Sample, Source, Task, load_builtin
from tasks.images import ImageRef

REAL_ITEMS = {"chartqa": 24, "mathvision": 24, "mmmu": 11, "mmbench": 20, "ai2d": 10}


def to_samples(row: Row) -> Iterable[Sample]:
    yield Sample(str(row["id"]), "?", None, (ImageRef(row["image"]),))


def scorer(answer: Answer, target: Any) -> Score:
    return Score(1.0, None)


TASK = Task(
    name="pets",
    category="chart",
    title="Pets",
    source=Source("nobody/pets", "test"),
    to_samples=to_samples,
    scorer=scorer,
    target=object,
    metrics=(Metric("accuracy", headline=True),),
)


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`DATA/pets` with an images folder of one picture."""
    folder = tmp_path / "data" / "pets"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "0.png").write_bytes(png())
    return folder


def jsonl(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def tsv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([header, *rows])


def parquet(path: Path, rows: list[dict[str, Any]], **options: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path, **options)


def load(folder: Path, task: Task = TASK) -> RowSource:
    return load_rows(task, str(folder.parent))


def rows_of(source: RowSource) -> list[dict[str, Any]]:
    """The good rows, after checking that there are no others."""
    rows = list(source)
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [dict(row) for row in rows if not isinstance(row, BadRow)]


def sizes(source: RowSource) -> list[tuple[int, int]]:
    return [sample.images[0].size for row in rows_of(source) for sample in to_samples(row)]


def test_jsonl_image_paths_are_relative_to_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jsonl(
        folder / "rows.jsonl",
        [{"id": 1, "image": "images/0.png"}, {"id": 2, "image": str(folder / "images/0.png")}],
    )
    monkeypatch.chdir(tmp_path)
    source = load_rows(TASK, "data")
    assert [row["image"] for row in rows_of(source)] == [str(folder / "images/0.png")] * 2
    assert sizes(source) == [(24, 16)] * 2
    assert source.count == 2
    assert source.label == f"directory: {Path('data/pets')}"
    assert not source.synthetic


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"image_2": "images/0.png"}, {"image_2": "{}/images/0.png"}),
        ({"image_2": None}, {"image_2": None}),
        ({"image_size": "images/0.png"}, {"image_size": "images/0.png"}),
        (
            {"image": {"path": "images/0.png", "bytes": None}},
            {"image": {"path": "{}/images/0.png", "bytes": None}},
        ),
        ({"image": {"path": "x.png", "bytes": "abc"}}, {"image": {"path": "x.png", "bytes": "abc"}}),
        ({"image": ""}, {"image": ""}),
        ({"image": "x" * 600}, {"image": "{}/" + "x" * 600}),
        ({"images": ["a.png", {"path": "b.png"}]}, {"images": ["{}/a.png", {"path": "{}/b.png"}]}),
        ({"image_path": "['a.png', 'b.png']"}, {"image_path": ["{}/a.png", "{}/b.png"]}),
        ({"image": "https://a.b/c.png"}, {"image": "https://a.b/c.png"}),
        ({"image": "data:image/png;base64,AAAA"}, {"image": "data:image/png;base64,AAAA"}),
        ({"image": "A" * 1024}, {"image": "A" * 1024}),
        ({"note": "images/0.png"}, {"note": "images/0.png"}),
    ],
)
def test_which_columns_hold_paths(folder: Path, row: dict[str, Any], expected: dict[str, Any]) -> None:
    jsonl(folder / "rows.jsonl", [row])
    assert rows_of(load(folder)) == [json.loads(json.dumps(expected).replace("{}", str(folder)))]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"id": 2,', "broken JSON"),
        (b"[1, 2]", "a JSON object is wanted, not list"),
        (b'{"id": "\xff"}', "not UTF-8 at byte 8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"id": ' + b"9" * 10_000 + b"}", "number too long"),
        (b"garbage \x00\x01", "broken JSON"),
    ],
)
def test_bad_line_is_a_bad_row_and_the_next_is_read(folder: Path, line: bytes, error: str) -> None:
    good = b'{"id": 1}'
    (folder / "rows.jsonl").write_bytes(b"\n".join([good, b"", line, good]))
    first, bad, last = load(folder)
    assert first == last == {"id": 1}
    assert isinstance(bad, BadRow)
    assert bad.index == 1
    assert f"{folder / 'rows.jsonl'}:3: " in bad.error
    assert error in bad.error
    assert "\n" not in bad.error
    assert len(bad.error) < 300 + len(str(folder))


def test_byte_order_mark(folder: Path) -> None:
    (folder / "rows.jsonl").write_bytes(b'\xef\xbb\xbf{"id": 1}\n')
    assert rows_of(load(folder)) == [{"id": 1}]


def test_several_files_in_the_order_of_their_names(folder: Path) -> None:
    for name in ("b", "a", ".hidden"):
        jsonl(folder / f"{name}.jsonl", [{"id": name}])
    assert [row["id"] for row in rows_of(load(folder))] == ["a", "b"]


def test_tsv_of_vlmevalkit(folder: Path) -> None:
    image = base64.b64encode(png() + bytes(200_000)).decode()  # above the csv module's usual field size
    tsv(
        folder / "PETS.tsv",
        ["index", "id", "image", "question", "hint"],
        [[0, "a", image, 'two\nlines and a "quote"', ""], ["1.0", "b", image, "q", "h"]],
    )
    rows = rows_of(load(folder))
    assert [(row["index"], row["hint"]) for row in rows] == [(0, None), (1, "h")]
    assert rows[0]["question"] == 'two\nlines and a "quote"'
    assert sizes(load(folder)) == [(24, 16)] * 2
    assert load(folder).count is None


def test_tsv_image_of_another_row(folder: Path) -> None:
    red, blue = (base64.b64encode(png(colour) + bytes(1000)).decode() for colour in ("red", "blue"))
    header = ["index", "id", "image"]
    tsv(
        folder / "a.tsv", header, [[0, "a", red], [1, "b", blue], [1000000, "c", "0"], [7, "d", "images/0.png"]]
    )
    rows = rows_of(load(folder))
    assert [row["image"] for row in rows] == [red, blue, red, str(folder / "images/0.png")]


def test_tiny_image_in_base64_is_no_path(folder: Path) -> None:
    text = base64.b64encode(png()).decode()
    assert len(text) < 1024
    jsonl(folder / "rows.jsonl", [{"id": 1, "image": text}])
    assert rows_of(load(folder)) == [{"id": 1, "image": text}]
    assert sizes(load(folder)) == [(24, 16)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("index\timage\n0\tx\n1\ty\tz\n2\tw\n", "3 cells under 2 column names"),
        ("index\timage\n0\tx\n1\t99\n2\tw\n", "its image is that of row 99, which has none"),
    ],
)
def test_bad_tsv_line(folder: Path, text: str, error: str) -> None:
    (folder / "rows.tsv").write_text(text)
    first, bad, last = load(folder)
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    assert (first["index"], last["index"]) == (0, 2)
    assert isinstance(bad, BadRow)
    assert bad.error == f"{folder / 'rows.tsv'}:3: {error}"


def test_empty_tsv(folder: Path) -> None:
    (folder / "rows.tsv").write_text("")
    with pytest.raises(HarnessError, match="no header line"):
        list(load(folder))


def test_parquet_with_the_hubs_image_struct(folder: Path) -> None:
    rows = [{"id": n, "image": {"bytes": png(), "path": None}} for n in range(5)]
    parquet(folder / "test-00000-of-00001.parquet", rows)
    source = load(folder)
    assert rows_of(source) == rows
    assert sizes(source) == [(24, 16)] * 5
    assert source.count == 5


@pytest.mark.parametrize("content", [b"", b"PAR1 but nothing of the kind", b"\0" * 5000])
def test_file_that_is_no_parquet(folder: Path, content: bytes) -> None:
    (folder / "rows.parquet").write_bytes(content)
    with pytest.raises(HarnessError, match=r"rows\.parquet: not a readable parquet file: ") as caught:
        list(load(folder))
    assert "\n" not in str(caught.value)


def test_damaged_row_group_is_bad_rows_and_the_next_is_read(folder: Path) -> None:
    path = folder / "rows.parquet"
    rows = [{"id": n, "text": str(n) * 400} for n in range(6)]
    parquet(path, rows, row_group_size=3, compression="zstd", use_dictionary=False)
    import pyarrow.parquet as pq

    chunk = pq.ParquetFile(path).metadata.row_group(0).column(1)
    content = bytearray(path.read_bytes())
    start = chunk.data_page_offset
    content[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(content)
    read = list(load(folder))
    assert [row.index for row in read if isinstance(row, BadRow)] == [0, 1, 2]
    assert all("row group 0 cannot be decoded" in row.error for row in read if isinstance(row, BadRow))
    assert read[3:] == rows[3:]


def test_where_and_splits_leave_rows_out(folder: Path) -> None:
    source = replace(TASK.source, where=("kind", ("cat", "dog")), split="a,b", split_column="split")
    task = replace(TASK, source=source)
    wanted = [{"kind": "cat", "split": "a"}, {"kind": "dog", "split": "b"}, {"split": "a"}, {"kind": "cat"}]
    jsonl(folder / "rows.jsonl", [*wanted, {"kind": "cow", "split": "a"}, {"kind": "cat", "split": "c"}])
    loaded = load(folder, task)
    assert rows_of(loaded) == wanted
    assert loaded.count is None


def test_split_and_config_out_of_the_files_names(folder: Path) -> None:
    source = replace(
        TASK.source, split="location,placement", split_column="split", configs=("Art",), config_column="subject"
    )
    task = replace(TASK, source=source)
    for name in ("Art-location-00000-of-00001", "Art-placement"):
        jsonl(folder / f"{name}.jsonl", [{"id": name}, {"id": name, "split": "placement", "subject": "Music"}])
    rows = [{key: row[key] for key in row if key != "id"} for row in rows_of(load(folder, task))]
    own = {"split": "placement", "subject": "Music"}
    assert rows == [{"subject": "Art", "split": "location"}, own, {"subject": "Art", "split": "placement"}, own]


def test_the_folder_itself_may_be_given(folder: Path) -> None:
    jsonl(folder / "rows.jsonl", [{"id": 1}])
    assert rows_of(load_rows(TASK, str(folder))) == [{"id": 1}]


def test_fingerprint_follows_content_and_names(folder: Path) -> None:
    jsonl(folder / "rows.jsonl", [{"id": 1}])
    first = load(folder).fingerprint
    assert load(folder).fingerprint == first
    jsonl(folder / "rows.jsonl", [{"id": 2}])
    second = load(folder).fingerprint
    (folder / "rows.jsonl").rename(folder / "others.jsonl")
    assert len({first, second, load(folder).fingerprint}) == 3


def test_fingerprint_of_a_large_file_sees_its_end(folder: Path) -> None:
    path = folder / "rows.jsonl"
    prints = set()
    for end in ("1", "2"):
        path.write_text('{"id": "' + "x" * 2_000_000 + end + '"}\n')
        prints.add(load(folder).fingerprint)
    assert len(prints) == 2


NONE = "no rows in {folder}: it needs parquet, jsonl, json or tsv files, or a saved data set"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], NONE),
        (["a.jsonl", "b.tsv"], "{folder} holds two formats, a.jsonl and b.tsv: keep the files of one"),
        (["a/b/c/d/deep.parquet", "a.txt", ".hidden/a.jsonl"], NONE),
        (["a.json"], NONE + "; a.json holds no list of rows"),
    ],
)
def test_folder_without_rows(folder: Path, files: list[str], message: str) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    with pytest.raises(UsageError) as caught:
        load(folder)
    assert str(caught.value) == message.format(folder=folder)


def test_no_folder_for_the_task(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder 'pest' in .*did you mean 'pets'\?"):
        load(folder, replace(TASK, name="pest", source=Source("nobody/others", "test")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no folder 'pets'"):
        load_rows(TASK, str(tmp_path / "empty"))


def test_no_such_directory() -> None:
    with pytest.raises(
        UsageError, match=r"--data nowhere: no such directory .give hub, synthetic or a directory"
    ):
        load_rows(TASK, "nowhere")


@pytest.mark.parametrize("name", REAL_ITEMS)
def test_real_items_become_samples(name: str, samples_dir: Path) -> None:
    task = load_builtin(name)
    source = load_rows(task, str(samples_dir))
    samples = [sample for row in rows_of(source) for sample in task.to_samples(row)]
    assert len(samples) == source.count == REAL_ITEMS[name]
    assert len({sample.id for sample in samples}) == len(samples)
    for sample in samples:
        assert sample.images
        assert all(min(image.picture().size) > 8 for image in sample.images)


def test_links_within_the_directory_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "data" / TASK.name
    folder.mkdir(parents=True)
    (tmp_path / "data" / "blobs").mkdir()
    (tmp_path / "data" / "blobs" / "1").write_bytes(png())
    (folder / "a.png").symlink_to("../blobs/1")
    jsonl(folder / "rows.jsonl", [{"question": "q", "image": "a.png"}])
    [row] = rows_of(load_rows(TASK, str(tmp_path / "data")))
    assert ImageRef(row["image"]).size
