"""The examples of the documents' first page, of docs/cli.md and docs/python-api.md run as they are."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest

from harness.cli import main
from harness.cli.eval import evaluate

DOCS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"<!-- (run|file: (\S+)) -->\n```\w*\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(("document", "least"), [("cli.md", 15), ("index.md", 9), ("controls.md", 2)])
def test_the_commands_of(document: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = 0
    for match in _BLOCK.finditer((DOCS / document).read_text(encoding="utf-8")):
        if match[2]:
            Path(match[2]).write_text(match[3], encoding="utf-8")
            continue
        for line in match[3].splitlines():
            program, *words = shlex.split(line)
            assert program == "harness"
            if words == ["doctor"]:  # what it finds depends on the machine
                assert main(words) in (0, 1)
            else:
                assert main(words) == 0, line
            ran += 1
    assert ran >= least


def test_the_code_of_python_api_md(tmp_path: Path) -> None:
    text = (DOCS / "python-api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 5
    (tmp_path / "example.py").write_text("\n\n".join(blocks), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(DOCS.parent)}
    found = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "runs" / "always-b" / "results.json").exists()


def rows_of(task: str, rows: list[dict[str, object]]) -> None:
    """Write the rows of `data/TASK`, each with one picture."""
    folder = Path("data", task)
    folder.mkdir(parents=True)
    PIL.Image.new("RGB", (64, 64)).save(folder / "1.png")
    lines = [json.dumps({"image": "1.png", **row}) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("task", "rows", "said", "flags", "score"),
    [
        (
            "clocks",
            [
                {"id": letter, "answer": letter, "options": ["3:00", "4:30", "9:15", "12:45"], "dial": "Roman"}
                for letter in "ABCD"
            ],
            "B",
            (),
            25,
        ),
        (
            "buttons",
            [
                {"id": str(at), "size": [64, 64], "question": "Where is OK?", "box": [at, 8, at + 16, 24]}
                for at in (0, 16, 40)
            ],
            "[(0.5 0.25)]",
            ("--coords", "norm1"),
            100 / 3,
        ),
    ],
)
def test_the_tasks_of_tasks_md(
    task: str,
    rows: list[dict[str, object]],
    said: str,
    flags: tuple[str, ...],
    score: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {match[2]: match[3] for match in _BLOCK.finditer((DOCS / "tasks.md").read_text(encoding="utf-8"))}
    Path(f"{task}.py").write_text(files.pop(f"{task}.py"), encoding="utf-8")
    rows_of(task, rows)
    given = ["--task-file", f"{task}.py", "--data", "data"]
    assert main(["validate", task, *given]) == 0
    model = ["--model", f"mock:text={said}", *flags]
    assert main(["eval", *model, "--tasks", task, *given, "--out", "run"]) == 0
    results = json.loads(Path("run/results.json").read_text(encoding="utf-8"))
    assert results["tasks"][task]["score"]["value"] == pytest.approx(score)


def test_tasks_md_has_no_other_example() -> None:
    found = _BLOCK.finditer((DOCS / "tasks.md").read_text(encoding="utf-8"))
    assert {match[2] for match in found} == {"clocks.py", "buttons.py"}


def test_every_flag_of_eval_is_in_cli_md() -> None:
    from argparse import ArgumentParser

    parser = ArgumentParser()
    evaluate(parser)
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    flags = [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]
    assert [flag for flag in flags if f"{flag}" not in text and flag != "--help"] == []


def test_every_flag_of_eval_is_a_configuration_key() -> None:
    from argparse import ArgumentParser

    from harness.config import RunConfig

    parser = ArgumentParser()
    evaluate(parser)
    beside = {"watch", "until", "poll", "dry_run", "rate", "price_in", "price_out"}
    names = {action.dest for action in parser._actions} - {"help", "config", "report"} - beside
    assert names == set(RunConfig.model_fields)
