"""Which images stand in the page, which beside it."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from harness.errors import HarnessError
from reports.samples import thumbnails
from reports.samples.thumbnails import PREVIEW, Folder, Pictures, clear, preview


@pytest.fixture
def folder(tmp_path: Path, sample_runs: ModuleType) -> Any:
    """Three large noisy images and three small ones."""
    names = [sample_runs.picture(tmp_path / "run", (400, 300), (-1, seed, 0)) for seed in range(3)]
    names += [sample_runs.picture(tmp_path / "run", (64, 48), (seed, 9, 9)) for seed in range(3)]
    return Folder(tmp_path / "run" / "images"), names


def added(folder: Folder, names: list[str], ranks: list[int]) -> Pictures:
    pictures = Pictures()
    for name, rank in zip(names, ranks, strict=True):
        pictures.add(name, folder, "task", rank)
    return pictures


def decoded(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_what_fits_is_in_the_page_as_it_is_and_no_folder_is_made(folder: Any, tmp_path: Path):
    files, names = folder
    media = tmp_path / "page_media"
    placed = added(files, names, [1] * 6).place(media)
    assert -1 not in placed.block
    assert placed.base == [-1] * 6
    url = placed.blocks[placed.block[0]]["0"]
    assert base64.b64decode(url.partition(",")[2]) == (files.path / names[0]).read_bytes()
    assert url.startswith("data:image/png;base64,")
    assert not media.exists()


def test_beyond_the_cap_disagreements_are_whole_and_the_others_previews(folder: Any, tmp_path: Path):
    files, names = folder
    media = tmp_path / "out" / "a page_media"
    large = [files.sizes[name] for name in names[:3]]
    limit = int((max(large) * 4 / 3 + 5000) / thumbnails.WHOLE)  # one large image whole, and then small ones
    placed = added(files, names, [2, 1, 0, 0, 2, 2]).place(media, limit)
    urls = {number: url for block in placed.blocks for number, url in block.items()}
    assert {number: url.partition(";")[0] for number, url in urls.items()}["2"] == "data:image/png"
    assert base64.b64decode(urls["2"].partition(",")[2]) == (files.path / names[2]).read_bytes()
    assert sum(map(len, urls.values())) <= limit
    assert all(f"{number}" in urls for number in (2, 3, 4, 5))
    assert {path.name for path in media.iterdir()} == {names[0], names[1]}
    assert placed.bases == ["a%20page_media/"]
    assert placed.name[0] == names[0]
    assert (media / names[0]).read_bytes() == (files.path / names[0]).read_bytes()


def test_a_preview_keeps_the_shape_and_not_the_side():
    buffer = io.BytesIO()
    Image.new("RGB", (1000, 5000), "white").save(buffer, "PNG")
    small = Image.open(io.BytesIO(preview(buffer.getvalue()) or b""))
    assert small.format == "WEBP"
    assert small.width * small.height <= PREVIEW
    assert small.width == pytest.approx(245, abs=2)


def test_a_preview_stands_in_for_what_is_beside_the_page(folder: Any, tmp_path: Path):
    files, names = folder
    placed = added(files, names[:2], [0, 0]).place(tmp_path / "page_media", files.sizes[names[0]])
    assert sorted(placed.block) == [0, 0]
    assert placed.base == [0, 0]
    assert [decoded(placed.blocks[0][number]).format for number in "01"] == ["WEBP", "WEBP"]


def test_tasks_take_turns(folder: Any):
    files, names = folder
    pictures = Pictures()
    for name in names[3:5]:
        pictures.add(name, files, "first", 0)
    pictures.add(names[5], files, "second", 0)
    placed = pictures.place(None)
    assert placed.block == [0, 0, 0]
    order = list(placed.blocks[0])
    assert order == ["0", "2", "1"]


def test_an_image_takes_the_rank_of_its_most_telling_sample(folder: Any):
    files, names = folder
    pictures = added(files, [names[3], names[4], names[4]], [1, 2, 0])
    assert list(pictures.place(None).blocks[0]) == ["1", "0"]


def test_an_image_is_taken_from_the_run_that_keeps_it(folder: Any, tmp_path: Path):
    files, names = folder
    pictures, without = Pictures(), Folder(tmp_path / "no images")
    number = pictures.add(names[3], without, "task", 0)
    assert pictures.add(names[3], files, "task", 0) == number
    gone = pictures.add("0" * 24 + ".png", files, "task", 0)
    placed = pictures.place(None)
    assert placed.block[number] == 0
    assert (placed.block[gone], placed.base[gone]) == (-1, -1)


def test_a_page_within_a_runs_folder_uses_the_runs_images(folder: Any, tmp_path: Path):
    files, names = folder
    placed = added(files, names, [0] * 6).place(tmp_path / "run" / "report_media", 0)
    assert placed.bases == ["images/"]
    assert placed.base == [0] * 6
    assert not (tmp_path / "run" / "report_media").exists()


def test_without_a_folder_what_does_not_fit_is_left_out(folder: Any):
    files, names = folder
    placed = added(files, names, [0] * 6).place(None, 0)
    assert set(placed.block) == set(placed.base) == {-1}


def test_a_second_report_replaces_the_images_and_leaves_other_files(folder: Any, tmp_path: Path):
    files, names = folder
    media = tmp_path / "out" / "page_media"
    added(files, names, [0] * 6).place(media, 0)
    (media / "notes.txt").write_text("mine")
    added(files, names[:1], [0]).place(media, 0)
    assert sorted(path.name for path in media.iterdir()) == sorted([names[0], "notes.txt"])
    added(files, names[3:], [0] * 3).place(media)
    assert [path.name for path in media.iterdir()] == ["notes.txt"]
    (media / "notes.txt").unlink()
    clear(media)
    assert not media.exists()


def test_where_files_cannot_be_linked_they_are_copied(
    folder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError("another disk")

    monkeypatch.setattr(os, "link", refuse)
    files, names = folder
    media = tmp_path / "out" / "page_media"
    added(files, names, [0] * 6).place(media, 0)
    assert sorted(path.name for path in media.iterdir()) == sorted(names)
    assert (media / names[0]).stat().st_nlink == 1


def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(folder: Any, tmp_path: Path):
    files, names = folder
    (tmp_path / "out").write_text("a file")
    with pytest.raises(HarnessError, match="page_media: cannot be written") as caught:
        added(files, names, [0] * 6).place(tmp_path / "out" / "page_media", 0)
    assert "\n" not in str(caught.value)


def test_the_work_of_shrinking_is_bounded(folder: Any, monkeypatch: pytest.MonkeyPatch):
    files, names = folder
    monkeypatch.setattr(thumbnails, "DECODED", files.sizes[names[0]] + 10)
    monkeypatch.setattr(thumbnails, "SMALL", 1000)
    placed = added(files, names, [0] * 6).place(None, 300_000)
    assert [number >= 0 for number in placed.block] == [True, False, False, True, True, True]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "I;16", "CMYK"])
def test_any_picture_has_a_preview(mode: str):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    buffer = io.BytesIO()
    (Image.new(mode, (1600, 500)) if mode != "RGBA" else Image.new(mode, (1600, 500), (0, 0, 0, 0))).save(
        buffer, kind
    )
    small = Image.open(io.BytesIO(preview(buffer.getvalue()) or b""))
    assert small.size == pytest.approx((979, 306), abs=2)
    if mode == "RGBA":
        assert small.convert("RGB").getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0 torn"])
def test_what_is_no_picture_has_no_preview(data: bytes):
    assert preview(data) is None


def test_blocks_stay_small(folder: Any, monkeypatch: pytest.MonkeyPatch):
    files, names = folder
    monkeypatch.setattr(thumbnails, "BLOCK", 200)
    placed = added(files, names, [0] * 6).place(None)
    assert len(placed.blocks) >= 4
    assert [str(number) in placed.blocks[block] for number, block in enumerate(placed.block)] == [True] * 6
