"""Repositories in the layout that the hub has them in, with drawn rows in the hub's columns, for every task.

    python hub_repos.py FOLDER ROWS

FOLDER then is one that `hub_server.py` serves: `datasets/ORG/NAME/…` for all 18 tasks, with the splits whose
answers are withheld.
"""

from __future__ import annotations

import base64
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from harness.data.layout import split_names
from harness.data.synthetic import synthetic_rows
from tasks import BUILTIN, Task, load_builtin

WITHHELD: dict[str, dict[str, Any]] = {
    "mmmu": {"answer": "?"},
    "mmbench": {"answer": None, "split": "test"},
    "mathvista": {"answer": ""},
    "docvqa": {"answers": None},
    "infovqa": {"answers": None},
}
"""What the rows of a test split hold in place of an answer."""
Filled = tuple[Task, list[dict[str, Any]]]
"""A task, on a split, with its rows."""


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


def in_table_form(filled: Sequence[Filled], path: Path) -> None:
    """A VLMEvalKit table out of rows in lmms-lab's schema: one expression a row, boxes in fractions."""
    numbered = [(number, task, row) for task, rows in filled for number, row in enumerate(rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(["index", "image", "question", "answer", "category"])
        for number, task, row in numbered:
            assert task.source.where is not None
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


def fill(folder: Path, filled: Sequence[Filled]) -> None:
    """Write a repository: a table, or parquet files by configuration and split with a card that lists them."""
    from datasets import Dataset, Features

    folder.mkdir(parents=True, exist_ok=True)
    first = filled[0][0]
    if first.source.data_files is not None:
        in_table_form(filled, folder / first.source.data_files)
        return
    card: dict[str, list[str]] = {}
    for task, rows in filled:
        features = schema(task.name)
        for config, split, inside in parts_of(rows, task):
            path = folder / f"{config or 'data'}" / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(exist_ok=True)
            left_out = {task.source.config_column, task.source.split_column}
            kept = Features({key: value for key, value in features.items() if key not in left_out})
            columns = {name: [row[name] for row in inside] for name in kept}
            Dataset.from_dict(columns, features=kept).to_parquet(path)
            lines = card.setdefault(config or "default", [])
            lines += [f"  - split: {split}", f"    path: {path.relative_to(folder)}"]
    listed = [
        line for config, lines in card.items() for line in (f"- config_name: {config}", "  data_files:", *lines)
    ]
    (folder / "README.md").write_text("\n".join(["---", "configs:", *listed, "---", ""]))


def withheld(name: str, count: int) -> Filled:
    """A task's test split, whose rows hold no answers."""
    return load_builtin(name).on_split("test"), [
        {**row, **WITHHELD[name]} for row in islice(synthetic_rows(name), count)
    ]


def write_all(root: Path, count: int) -> None:
    """The repositories of all tasks, as `hub_server.py` serves them."""
    repositories: dict[str, list[Filled]] = {}
    for name in BUILTIN:
        task = load_builtin(name)
        parts = repositories.setdefault(task.source.repo, [])
        parts.append((task, rows_for(name, count)))
        if name in WITHHELD:
            parts.append(withheld(name, count))
    for repo, filled in repositories.items():
        fill(root / "datasets" / repo, filled)


def rows_for(name: str, count: int) -> list[dict[str, Any]]:
    """Drawn rows; some are made to be of the split or config that is not drawn."""
    rows = list(islice(synthetic_rows(name), count))
    if name == "refspatial":
        for row in rows[::5]:
            row["split"] = "unseen"
    if name == "mathverse":
        for row in rows[::5]:
            row.update(problem_version="Text Only", image=None)
    return rows


if __name__ == "__main__":
    write_all(Path(sys.argv[1]), int(sys.argv[2]))
