"""Plans: limits that keep units whole, prompts, hashes, seeds; images in bounded memory and their copies."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count, islice, pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import PIL.Image
import pytest

from harness.data import RowSource
from harness.errors import UsageError
from harness.run.items import FailedRow, Planned
from harness.run.media import KEPT_BYTES, KEPT_PIXELS, Copies, ImageStore, KeptImage
from harness.run.plan import PlanOptions, TaskPlan, plan_task, request_seed
from tasks.images import ImageError, ImageRef
from tasks.types import Metric, Sample


def source(rows: list[dict[str, Any]]) -> RowSource:
    return RowSource(lambda: iter(rows), "f" * 64, "here", count=len(rows))


def plan(task: Any, rows: list[dict[str, Any]] | RowSource, tmp_path: Path, **options: Any) -> TaskPlan:
    rows = rows if isinstance(rows, RowSource) else source(rows)
    return plan_task(task, rows, PlanOptions(**options), ImageStore(tmp_path))


def ids(found: TaskPlan) -> list[str]:
    return [entry.sample.id if isinstance(entry, Planned) else entry.id for entry in found.entries]


def twins(fakes: ModuleType, order: list[str]) -> list[dict[str, Any]]:
    return [fakes.row(index, pair=pair) for index, pair in enumerate(order)]


@pytest.mark.parametrize(
    ("order", "limit", "chosen"),
    [
        ("aabbcc", 4, "aabb"),
        ("aabbcc", 5, "aabb"),
        ("aabbcc", 1, "aa"),
        ("abcabc", 4, "aabb"),
        ("abcabc", 3, "aa"),
        ("aaaabb", 3, "aaaa"),
        ("abbb", 2, "a"),
        ("abbb", 100, "abbb"),
    ],
)
def test_limits_keep_units_whole(
    fakes: ModuleType, tmp_path: Path, order: str, limit: int, chosen: str
) -> None:
    found = plan(fakes.TWINS, twins(fakes, list(order)), tmp_path, limit=limit)
    assert "".join(str(entry.sample.groups["pair"]) for entry in found.planned) == chosen


def test_a_larger_limit_only_adds(fakes: ModuleType, tmp_path: Path) -> None:
    rows = twins(fakes, list("abcdabcdabcd"))
    chosen = [set(ids(plan(fakes.TWINS, rows, tmp_path, limit=limit))) for limit in range(1, 13)]
    assert all(less <= more for less, more in pairwise(chosen))
    assert len(chosen[-1]) == 12


@pytest.mark.parametrize(
    ("order", "limit", "chosen"),
    [("aaabbb", 4, "aabb"), ("aaabbb", 3, "aab"), ("aaaab", 4, "aaab"), ("abc", 2, "ab"), ("aab", 9, "aab")],
)
def test_a_limit_deals_among_the_groups_of_a_macro_headline(
    fakes: ModuleType, tmp_path: Path, order: str, limit: int, chosen: str
) -> None:
    macro = fakes.task("macro", metrics=(Metric("mean", reduce="macro", by="pair", headline=True),))
    found = plan(macro, twins(fakes, list(order)), tmp_path, limit=limit)
    assert "".join(str(entry.sample.groups["pair"]) for entry in found.planned) == chosen
    assert ids(found) == sorted(ids(found))


def test_endless_rows_end_at_the_limit(fakes: ModuleType, tmp_path: Path) -> None:
    def endless() -> Iterator[dict[str, Any]]:
        return (fakes.row(index, pair=f"p{index // 4}") for index in count())

    drawn = RowSource(endless, "f", "synthetic", synthetic=True)
    assert len(plan(fakes.TWINS, drawn, tmp_path, limit=10).entries) == 8
    assert len(plan(fakes.LETTERS, drawn, tmp_path, limit=10).entries) == 10


def test_failed_rows_count_towards_the_limit(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [fakes.row(0), {"id": "x"}, fakes.row(2), fakes.row(3)]
    found = plan(fakes.LETTERS, rows, tmp_path, limit=3)
    assert ids(found) == ["r0", "row 1", "r2"]
    assert [(position, failed.id) for position, failed in found.failed] == [(1, "row 1")]


def test_a_failed_member_names_its_unit(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [fakes.row(0, pair="p"), fakes.row(1, pair="p", image=str(tmp_path / "absent.png"))]
    [(_, failed)] = plan(fakes.TWINS, rows, tmp_path).failed
    assert failed == FailedRow("r1", failed.error, "p")
    assert "absent.png" in failed.error


def test_no_rows_at_all(fakes: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"letters: no rows in here; .*--data"):
        plan(fakes.LETTERS, [], tmp_path)


def test_limits_of_tokens(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [fakes.row(0)]
    assert plan(fakes.LETTERS, rows, tmp_path).max_new_tokens == 128
    assert plan(fakes.LETTERS, rows, tmp_path, style="think").max_new_tokens == 4096
    assert plan(fakes.LETTERS, rows, tmp_path, max_new_tokens=5).max_new_tokens == 5


@pytest.mark.parametrize("template", ["{{ nonsense }}", "{% if %}", "{{ question.__class__.mro() }}"])
def test_a_template_that_does_not_work(fakes: ModuleType, tmp_path: Path, template: str) -> None:
    with pytest.raises(UsageError, match="letters: prompt template"):
        plan(fakes.LETTERS, [fakes.row(0)], tmp_path, template=template)


def test_shas_follow_what_is_asked(fakes: ModuleType, tmp_path: Path) -> None:
    def shas(row: dict[str, Any], **options: Any) -> tuple[str, str]:
        entry = plan(fakes.LETTERS, [row], tmp_path, **options).entries[0]
        assert isinstance(entry, Planned)
        return entry.prompt_sha, entry.image_sha

    red, blue = fakes.picture(1), fakes.picture(2)
    base = shas(fakes.row(0, image=red))
    assert shas(fakes.row(0, image=red)) == base
    assert shas(fakes.row(0, image=blue)) == (base[0], shas(fakes.row(0, image=blue))[1])
    assert shas(fakes.row(0, image=blue))[1] != base[1]
    assert shas(fakes.row(1, image=red))[0] != base[0]
    assert shas(fakes.row(0, image=red), style="think")[0] != base[0]
    assert shas(fakes.row(0))[1] == ""
    assert shas(fakes.row(0) | {"question": "lone \ud800"})[0] != base[0]


def test_longer_and_larger_cost_more(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [
        fakes.row(0),
        fakes.row(1) | {"question": "long " * 500},
        fakes.row(2, image=fakes.picture(1, (800, 800))),
    ]
    small, long, large = (entry.cost for entry in plan(fakes.LETTERS, rows, tmp_path).planned)
    assert small < long
    assert small < large
    bounded = list(plan(fakes.LETTERS, rows, tmp_path, max_pixels=100).planned)
    assert bounded[2].cost < large


def test_seeds_differ_by_key_and_by_seed() -> None:
    seeds = {request_seed(seed, key) for seed in range(10) for key in ("a", "b", "lone \ud800")}
    assert len(seeds) == 30
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert request_seed(0, "a") == request_seed(0, "a")


def test_images_are_held_once_and_beyond_a_bound_on_disk(fakes: ModuleType, tmp_path: Path) -> None:
    pictures = [fakes.picture(shade, (30, 20)) for shade in range(40)]
    store = ImageStore(tmp_path, in_memory=3 * len(pictures[0]))
    kept = [store.keep(ImageRef(data)) for data in pictures * 2]
    assert [image.data for image in kept] == pictures * 2
    assert kept[0].number == kept[40].number
    assert all(image.size == (30, 20) for image in kept)
    assert kept[39].picture().getpixel((0, 0)) == (39, 0, 99)
    # The spool has no name, so that a killed run leaves nothing.
    assert list(tmp_path.iterdir()) == []
    store.close()


def test_files_stay_where_they_are(fakes: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(fakes.picture(1))
    kept = ImageStore(tmp_path).keep(ImageRef(str(path)))
    path.unlink()
    with pytest.raises(ImageError, match=r"a\.png"):
        kept.picture()


def kept_picture(tmp_path: Path, picture: PIL.Image.Image, kind: str) -> KeptImage:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return ImageStore(tmp_path).keep(ImageRef(buffer.getvalue()))


@pytest.mark.parametrize(
    ("mode", "size", "kind", "suffix", "as_is"),
    [
        ("RGB", (100, 50), "PNG", ".png", True),
        ("RGB", (1700, 2200), "JPEG", ".jpg", True),
        ("RGB", (10, 10), "WEBP", ".webp", True),
        ("RGB", (2100, 2000), "PNG", ".webp", False),
        ("RGBA", (50, 2000), "PNG", ".webp", False),
        ("P", (3000, 2000), "PNG", ".webp", False),
        ("I;16", (1000, 10), "PNG", ".webp", False),
        ("RGB", (10, 10), "BMP", ".webp", False),
    ],
)
def test_copies(tmp_path: Path, mode: str, size: tuple[int, int], kind: str, suffix: str, as_is: bool) -> None:
    image = kept_picture(tmp_path, PIL.Image.new(mode, size), kind)
    with Copies(tmp_path / "images") as copies:
        copies.add_all([image, image])
    (path,) = (tmp_path / "images").iterdir()
    assert path.name == image.name
    assert path.suffix == suffix
    assert (path.read_bytes() == image.data) == as_is
    with PIL.Image.open(path) as copy:
        assert copy.size == size if math.prod(size) <= KEPT_PIXELS else math.prod(copy.size) <= KEPT_PIXELS
        assert copy.width / copy.height == pytest.approx(size[0] / size[1], rel=0.01)


def test_an_infographic_keeps_its_area_and_not_its_side(tmp_path: Path) -> None:
    image = kept_picture(tmp_path, PIL.Image.new("RGB", (1000, 5000)), "BMP")
    with Copies(tmp_path / "images") as copies:
        copies.add(image)
    with PIL.Image.open(tmp_path / "images" / image.name) as copy:
        assert copy.width > 900
        assert copy.height > 4500


def test_a_heavy_picture_is_kept_lighter_and_a_side_beyond_webp_shorter(tmp_path: Path) -> None:
    heavy = PIL.Image.effect_noise((1000, 1000), 80).convert("RGB")
    for number, picture in enumerate((heavy, PIL.Image.new("RGB", (30_000, 20)))):
        image = kept_picture(tmp_path, picture, "BMP")
        with Copies(tmp_path / str(number)) as copies:
            copies.add(image)
        data = (tmp_path / str(number) / image.name).read_bytes()
        assert number == 1 or KEPT_BYTES < len(data) < len(image.data)
        with PIL.Image.open(tmp_path / str(number) / image.name) as copy:
            assert copy.size == ((1000, 1000), (16383, 10))[number]


def test_copies_are_not_written_again(fakes: ModuleType, tmp_path: Path) -> None:
    image = ImageStore(tmp_path).keep(ImageRef(fakes.picture(1)))
    for _ in range(2):
        with Copies(tmp_path / "images") as copies:
            copies.add(image)
        (path,) = (tmp_path / "images").iterdir()
        first = path.stat().st_mtime_ns
    assert path.stat().st_mtime_ns == first


def test_an_image_that_cannot_be_decoded_has_no_copy(fakes: ModuleType, tmp_path: Path) -> None:
    torn = fakes.picture(1, (2100, 2000))[:300]
    image = ImageStore(tmp_path).keep(ImageRef(torn))
    with Copies(tmp_path / "images") as copies:
        copies.add(image)
    assert not (tmp_path / "images").exists()


def test_planning_reads_only_what_it_needs(fakes: ModuleType, tmp_path: Path) -> None:
    read = []

    def rows() -> Iterator[dict[str, Any]]:
        for index in count():
            read.append(index)
            yield fakes.row(index)

    plan(fakes.LETTERS, RowSource(rows, "f", "here", count=10**9), tmp_path, limit=5)
    assert len(list(islice(read, 100))) <= 6


def test_a_sample_that_cannot_be_written_down_is_a_failure(fakes: ModuleType, tmp_path: Path) -> None:
    def with_an_object(row: Mapping[str, Any]) -> Iterator[Sample]:
        for sample in fakes.LETTERS.to_samples(row):
            yield replace(sample, meta={"unit": object()}) if row["id"] == "r1" else sample

    task = replace(fakes.LETTERS, to_samples=with_an_object)
    found = plan(task, [fakes.row(index) for index in range(3)], tmp_path)
    assert [row.error for _, row in found.failed] == ["r1: it cannot be written down: object is not plain JSON"]
    assert len(list(found.planned)) == 2


def test_a_sample_that_a_metric_would_leave_out_is_a_failure(fakes: ModuleType, tmp_path: Path) -> None:
    metrics = (Metric("mean", headline=True), Metric("by page", by="page"))
    source = RowSource(lambda: iter([fakes.row(0), fakes.row(1)]), "f", "two rows")
    planned = plan_task(fakes.task("letters", metrics=metrics), source, PlanOptions(), ImageStore(tmp_path))
    assert [entry.error for _, entry in planned.failed] == [
        "row 0 (id r0): nothing says its page, by which the scores are summed up",
        "row 1 (id r1): nothing says its page, by which the scores are summed up",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"question": " "}, "row 0 (id r0): its question is empty"),
        ({"question": "nan"}, "row 0 (id r0): its question is empty"),
        ({"choices": ("red", "nan", "blue")}, "row 0 (id r0): option B is empty"),
        ({"choices": ("red", "")}, "row 0 (id r0): option B is empty"),
    ],
)
def test_what_a_table_left_out_is_not_asked(
    fakes: ModuleType, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    def to_samples(row: Mapping[str, Any]) -> Iterator[Sample]:
        for sample in fakes.to_samples(row):
            yield replace(sample, **changes)

    found = plan(fakes.task("gaps", to_samples=to_samples), [fakes.row(0)], tmp_path)
    assert [failed.error for _, failed in found.failed] == [said]
