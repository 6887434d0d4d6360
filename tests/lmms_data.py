"""Small drawn data sets in the schemas of lmms-eval's tasks, and task files that name them as their data."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from PIL import Image as Pictures

ROWS = 12
TRUTHS = ("Yes", "no", "yes.", "No", "yes", "maybe")
CHOICES = ("A", "B", "C", "D", "B. blue", "Answer: C", "(D)", "b")
WORDS = ("3", "12", "red", "Yes", "blue", "rod", "a")
COLOURS = ("red", "green", "blue", "yellow")
LETTERS = "ABCD"


def answer_to(text: str, pictures: list[Any]) -> str:
    """What the models of both sides answer: any change of a prompt's text or of a pixel may change it."""
    digest = hashlib.sha256(text.encode())
    for picture in pictures:
        digest.update(repr(picture.size).encode() + picture.convert("RGB").tobytes())
    answers = TRUTHS if text.startswith("Is ") else CHOICES if "letter" in text or "A: " in text else WORDS
    return answers[digest.digest()[0] % len(answers)]


def picture(rng: random.Random) -> Any:
    size = (rng.randint(20, 60), rng.randint(20, 60))
    return Pictures.new("RGB", size, tuple(rng.randrange(256) for _ in range(3)))


def mmmu(index: int, rng: random.Random) -> dict[str, Any]:
    open_question = index % 4 == 3
    shown = {f"image_{number}": picture(rng) if number <= 1 + index % 2 else None for number in range(1, 8)}
    second = " and <image 2>" if index % 2 else ""
    return {
        "id": f"validation_Art_{index}",
        "question": f"What is shown in <image 1>{second}, number {index}?",
        "options": "[]" if open_question else repr([f"{colour} {index}" for colour in COLOURS]),
        "explanation": "",
        **shown,
        "img_type": "['Paintings']",
        "answer": "red" if open_question else LETTERS[rng.randrange(4)],
        "topic_difficulty": "Easy",
        "question_type": "open" if open_question else "multiple-choice",
        "subfield": "Drawing",
    }


def mme(index: int, rng: random.Random) -> dict[str, Any]:
    pair, first = divmod(index, 2)
    category = ("color", "count", "code_reasoning")[pair % 3]
    return {
        "question_id": f"{category}/{pair}.png",
        "image": picture(rng),
        "question": f"Is picture {pair} {COLOURS[index % 4]}? Please answer yes or no.",
        "answer": "No" if first else "Yes",
        "category": category,
    }


def ai2d(index: int, rng: random.Random) -> dict[str, Any]:
    options = [f"{colour}{index}" for colour in COLOURS]
    question = f"What is part {index}?"
    return {"question": question, "options": options, "answer": str(rng.randrange(4)), "image": picture(rng)}


def chartqa(index: int, rng: random.Random) -> dict[str, Any]:
    return {
        "type": "human_test" if index % 3 else "augmented_test",
        "question": f"How many are {COLOURS[index % 4]} in year {2000 + index}?",
        "answer": rng.choice(("3", "12", "red", "Yes")),
        "image": picture(rng),
    }


def ocrbench(index: int, rng: random.Random) -> dict[str, Any]:
    kinds = ("Regular Text Recognition", "Scene Text-centric VQA", "Doc-oriented VQA")
    return {
        "dataset": "IIIT5K",
        "question": f"what is written in image {index}?",
        "question_type": kinds[index % 3],
        "answer": [rng.choice(("red", "12", "a", "yes"))],
        "image": picture(rng),
    }


def mmstar(index: int, rng: random.Random) -> dict[str, Any]:
    category, part = (("math", "geometry"), ("coarse perception", "image emotion"))[index % 2]
    listed = ", ".join(f"{letter}: {colour}" for letter, colour in zip(LETTERS, COLOURS, strict=True))
    return {
        "index": index,
        "question": f"Which one is {index}?\nOptions: {listed}",
        "image": picture(rng),
        "answer": LETTERS[rng.randrange(4)],
        "category": category,
        "l2_category": part if index % 4 < 2 else f"{part} too",
        "meta_info": {"source": "drawn", "split": "val", "image_path": ""},
    }


def docvqa(index: int, rng: random.Random) -> dict[str, Any]:
    return {
        "questionId": str(index),
        "question": f"What is the date of page {index}?",
        "question_types": ["layout"],
        "image": picture(rng),
        "docId": index,
        "answers": [rng.choice(("3", "yes", "blue", "rod")), "reds"],
    }


def realworldqa(index: int, rng: random.Random) -> dict[str, Any]:
    options = "\n".join(f"{letter}. {colour}" for letter, colour in zip(LETTERS, COLOURS, strict=True))
    letter = index % 2 == 0
    question = f"Which colour is sign {index}?\n{options}" if letter else f"How many signs are at {index}?"
    return {"image": picture(rng), "question": question, "answer": rng.choice("ABC" if letter else ("3", "12"))}


def muirbench(index: int, rng: random.Random) -> dict[str, Any]:
    return {
        "idx": str(index),
        "task": ("Counting", "Ordering")[index % 2],
        "image_relation": "Temporal",
        "image_type": "Drawing",
        "question": f"Which of the pictures <image> is number {index}?",
        "options": [f"picture {number}" for number in range(4)],
        "answer": LETTERS[rng.randrange(4)],
        "image_list": [picture(rng) for _ in range(2 + index % 3)],
        "counterpart_idx": str(index),
    }


def scienceqa(index: int, rng: random.Random) -> dict[str, Any]:
    return {
        "image": picture(rng),
        "question": f"Which is plant {index}?",
        "choices": list(COLOURS),
        "answer": rng.randrange(4),
        "hint": "A hint." if index % 2 else "",
    }


def pope(index: int, rng: random.Random) -> dict[str, Any]:
    return {
        "id": str(index),
        "question_id": str(index),
        "question": f"Is there a {COLOURS[index % 4]} thing in image {index}?",
        "answer": "yes" if index % 2 else "no",
        "image_source": f"{index}",
        "image": picture(rng),
        "category": "adversarial",
    }


TASKS: Mapping[str, tuple[str, str, Callable[[int, random.Random], dict[str, Any]]]] = {
    "mmmu_val": ("mmmu/mmmu_val.yaml", "validation", mmmu),
    "mme": ("mme/mme.yaml", "test", mme),
    "ai2d": ("ai2d/ai2d.yaml", "test", ai2d),
    "chartqa": ("chartqa/chartqa.yaml", "test", chartqa),
    "ocrbench": ("ocrbench/ocrbench.yaml", "test", ocrbench),
    "mmstar": ("mmstar/mmstar.yaml", "val", mmstar),
    "docvqa_val": ("docvqa/docvqa_val.yaml", "validation", docvqa),
    "realworldqa": ("realworldqa/realworldqa.yaml", "test", realworldqa),
    "muirbench": ("muirbench/muirbench.yaml", "test", muirbench),
    "scienceqa_img": ("scienceqa/scienceqa_img.yaml", "test", scienceqa),
    "pope_adv": ("pope/pope_adv.yaml", "adversarial", pope),
    "pope_pop": ("pope/pope_pop.yaml", "popular", pope),
    "pope_random": ("pope/pope_random.yaml", "random", pope),
}
"""lmms-eval's task → its file, the split that it asks, and what makes a row of it."""
GROUP = ("pope_adv", "pope_pop", "pope_random")


def write_rows(name: str, path: Path, rows: int = ROWS) -> None:
    """A parquet file of one task, images as the hub has them."""
    from datasets import Dataset, Features, Image, List

    _, _, make = TASKS[name]
    rng = random.Random(name)
    made = [make(index, rng) for index in range(rows)]
    columns = {column: [row[column] for row in made] for column in made[0]}
    table = Dataset.from_dict({key: values for key, values in columns.items() if not _pictures(values)})
    features = Features(table.features)
    for key, values in columns.items():
        if _pictures(values):
            several = any(isinstance(value, list) for value in values)
            features[key] = List(Image()) if several else Image()
    path.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_dict(columns, features=Features({key: features[key] for key in columns})).to_parquet(path)


def _pictures(values: list[Any]) -> bool:
    first = next((value for value in values if value is not None), Pictures.new("RGB", (1, 1)))
    return isinstance(first[0] if isinstance(first, list) and first else first, Pictures.Image)


def write_tasks(folder: Path, home: Path) -> list[str]:
    """Task files that take lmms-eval's own settings and these rows, and a group; the names to ask for.

    Args:
        folder: where to write.
        home: of the package lmms_eval.
    """
    for name, (file, split, _) in TASKS.items():
        rows = folder / "rows" / f"{name}.parquet"
        write_rows(name, rows)
        own = {
            "include": str(home / "tasks" / file),
            "task": f"drawn_{name}",
            "dataset_path": "parquet",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": {split: f"rows/{rows.name}"}},
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    group = {"group": "drawn_pope", "task": [f"drawn_{name}" for name in GROUP]}
    (folder / "group.yaml").write_text(yaml.safe_dump(group), encoding="utf-8")
    return [*(f"drawn_{name}" for name in TASKS if name not in GROUP), "drawn_pope"]
