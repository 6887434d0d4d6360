"""The cold start on a file of demonstrations."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("torch")

from harness.errors import UsageError
from harness.models import tiny_path
from harness.run.media import ImageStore
from tasks.prompts import ImagePart
from training.data.demonstrations import Demonstration, load_demonstrations
from training.data.examples import ExampleSettings, stream
from training.data.row_format import RowFormat

SHOWN = {
    "problem_id": 1,
    "problem": "<image>\nWhich animal?",
    "data_type": "image",
    "problem_type": "multiple choice",
    "options": ["A. cat", "B. dog"],
    "process": "<think>It barks.</think>",
    "answer": "<answer>B</answer>",
    "images": ["a.png"],
    "task_type": "general_vqa_science_stem",
}
PLACE = SHOWN | {
    "problem": "<image> Where is it?",
    "problem_type": "spatial grounding",
    "options": [],
    "answer": "<answer>[1, 2, 9, 9]</answer>",
    "gold_coords": "abs",
    "task_type": "spatial_grounding",
}
TALK = {
    "conversations": [
        {"from": "human", "value": "<image>Which animal?"},
        {"from": "gpt", "value": "<think>It barks.</think><answer>dog</answer>"},
    ],
    "images": ["a.png"],
}
PARTS = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Which animal?"}]},
        {"role": "assistant", "content": "dog"},
    ],
    "images": "a.png",
}


def save(fakes: ModuleType, folder: Path, *rows: Any) -> Path:
    (folder / "a.png").write_bytes(fakes.picture(7, (64, 64)))
    path = folder / "sft.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def load(path: Path, **form: Any) -> Any:
    form = {"gold_budget": 1.0} | form
    return load_demonstrations(str(path), RowFormat(**form), "norm1000", ImageStore(path.parent))


def only(fakes: ModuleType, folder: Path, row: Any) -> Demonstration:
    found, failed = load(save(fakes, folder, row))
    assert not failed
    [[demonstration]] = found.values()
    return demonstration


def test_thinking_and_answer_are_taught_word_for_word(fakes: ModuleType, tmp_path: Path) -> None:
    found = only(fakes, tmp_path, SHOWN)
    assert found.response == "<think>It barks.</think><answer>B</answer>"
    assert found.request.parts[0] == ImagePart(0)
    assert "A. cat\nB. dog" in str(found.request.parts[1])
    assert "<think>" in str(found.request.parts[1])
    assert found.request.images[0].size == (64, 64)


@pytest.mark.parametrize(
    ("row", "response", "system"),
    [(TALK, "<think>It barks.</think><answer>dog</answer>", None), (PARTS, "dog", "Be brief.")],
)
def test_conversations_are_taught_as_they_are(
    fakes: ModuleType, tmp_path: Path, row: Any, response: str, system: str | None
) -> None:
    found = only(fakes, tmp_path, row)
    assert (found.response, found.request.system_prompt) == (response, system)
    assert found.request.parts == (ImagePart(0), "Which animal?")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (SHOWN | {"process": " "}, "column 'process' is missing or empty"),
        (SHOWN | {"images": []}, "its text has 1 <image> and the row no images"),
        (SHOWN | {"answer": "<answer>Z</answer>"}, "is none of 2 options"),
        (PLACE, "its place is written in abs, the model writes norm1000"),
        (TALK | {"images": []}, "its text has 1 <image> and the row no images"),
        (TALK | {"images": ["a.png", "a.png"]}, "its question has 1 <image> for 2 images"),
        ({"conversations": TALK["conversations"] * 2, "images": ["a.png"] * 2}, "it has 4 turns"),
        ({"conversations": [{"from": "tool", "value": "x"}]}, "a turn has no role or text that is known"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "neither text nor image"),
        ({"messages": "hello"}, "it has no conversation"),
    ],
)
def test_a_row_that_cannot_be_taught_is_named(fakes: ModuleType, tmp_path: Path, row: Any, why: str) -> None:
    good = SHOWN if "problem" in row else TALK
    found, failed = load(save(fakes, tmp_path, good, row))
    assert [len(each) for each in found.values()] == [1]
    assert len(failed) == 1
    assert why in failed[0].error
    assert failed[0].error.startswith("sft.json row 1: ")
    with pytest.raises(UsageError, match=r"no row to (teach|train on): sft\.json row 0: "):
        load(save(fakes, tmp_path, row))


def settings(data: Path | str, *tasks: str) -> ExampleSettings:
    return ExampleSettings(str(tiny_path()), tasks, str(data), "norm1000", 0, 2, 1)


def test_batches_hold_the_response_behind_the_prompt(fakes: ModuleType, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    names, inputs = next(stream(settings(save(fakes, tmp_path, SHOWN), "general_vqa"), 0, 0))
    assert names == ["general_vqa"] * 2
    tokenizer = AutoTokenizer.from_pretrained(tiny_path())
    taught = [token for token in inputs["labels"][0].tolist() if token >= 0]
    assert tokenizer.decode(taught) == f"<think>It barks.</think><answer>B</answer>{tokenizer.eos_token}"


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_a_worker_is_the_error(workers: int) -> None:
    with pytest.raises(UsageError, match=r"^--data nowhere: no such directory") as raised:
        next(stream(settings("nowhere", "ai2d"), 0, workers))
    assert "\n" not in str(raised.value)


def as_parquet(path: Path, *rows: dict[str, Any]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize(
    ("process", "answer"),
    [("It barks.", "dog"), ("<think>It barks.</think>", "<answer>dog</answer>"), (" It barks.\n", "dog ")],
)
def test_thinking_and_answer_have_their_tags_in_any_format(
    fakes: ModuleType, tmp_path: Path, process: str, answer: str
) -> None:
    image = {"bytes": fakes.picture(7, (64, 64)), "path": None}
    row = {"question": "<image>Which animal?", "solution": answer, "cot": process, "image": image}
    columns = {"problem": "question", "answer": "solution", "process": "cot", "images": "image"}
    path = as_parquet(tmp_path / "sft.parquet", row)
    found, failed = load(path, columns=columns, problem_type="open-ended", family="general_vqa")
    assert not failed
    [demonstration] = found["general_vqa"]
    assert demonstration.response == "<think>It barks.</think><answer>dog</answer>"
    assert demonstration.request.images[0].data == image["bytes"]
    with pytest.raises(UsageError, match=r"column 'missing' \(columns.process\)"):
        load(path, columns=columns | {"process": "missing"}, problem_type="open-ended")


def test_conversations_lie_in_parquet_files_too(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [row | {"images": [{"bytes": fakes.picture(7), "path": None}]} for row in (TALK, TALK)]
    (tmp_path / "sft").mkdir()
    for number, row in enumerate(rows):
        talk = {("talk" if name == "conversations" else name): value for name, value in row.items()}
        as_parquet(tmp_path / "sft" / f"{number}.parquet", talk)
    found, failed = load(tmp_path / "sft", columns={"conversations": "talk"})
    assert not failed
    assert [each.response for each in found["conversations"]] == [
        "<think>It barks.</think><answer>dog</answer>"
    ] * 2
    assert found["conversations"][1].request.images[0].data == fakes.picture(7)


def test_a_cold_start_on_a_parquet_file_is_trained(
    fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    from training.stages import train

    image = {"bytes": fakes.picture(7, (64, 64)), "path": None}
    row = {"problem": "<image>1 + 1?", "answer": "2", "process": "One and one.", "images": [image]}
    path = as_parquet(tmp_path / "sft.parquet", row, row)
    overrides = {"model": str(policy_model), "data": str(path), "out": str(tmp_path / "out"), "threads": 1}
    overrides |= {
        "problem_type": "math",
        "coldstart.steps": 1,
        "coldstart.batch_size": 2,
        "coldstart.workers": 1,
    }
    assert train(None, overrides).is_dir()
    with pytest.raises(UsageError, match="was made with another problem_type"):
        train(None, overrides | {"problem_type": "numerical"})


def test_held_out_rows_are_not_taught(fakes: ModuleType, tmp_path: Path) -> None:
    path = save(fakes, tmp_path, *(SHOWN | {"problem_id": i} for i in range(5)))
    found, failed = load(path, held_out=2)
    assert not failed
    assert len(found["general_vqa"]) == 3
    with pytest.raises(
        UsageError, match="held_out needs gold answers, and these are conversations: set it to 0"
    ):
        load(save(fakes, tmp_path, TALK, TALK), held_out=1)
