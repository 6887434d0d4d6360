"""Every file of a run, damaged in every form: each command ends with a documented code and one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main

EVAL = (
    "eval",
    "--model",
    "mock",
    "--tasks",
    "ai2d,refcoco",
    "--limit",
    "2",
    "--no-images",
    "--no-report",
    "--out",
)


def _lists(content: bytes) -> bytes:
    """The same JSON with a list in place of every value but the format."""
    lines = [content] if content.startswith(b"{\n") else content.splitlines()
    return b"\n".join(json.dumps(_listed(json.loads(line))).encode() for line in lines)


def _listed(value: dict[str, object]) -> dict[str, object]:
    return {
        key: _listed(inner) if isinstance(inner, dict) and inner else inner if key == "format" else [1]
        for key, inner in value.items()
    }


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "null": lambda _: b"null",
    "a list": lambda _: b"[]",
    "an object": lambda _: b"{}",
    "a text": lambda _: b'"x"',
    "a number": lambda _: b"7",
    "NaN": lambda _: b"NaN",
    "no text": lambda _: b"\xff\xfe\x00",
    "deep": lambda _: b"[" * 100_000,
    "torn": lambda content: content[: len(content) // 2],
    "lists for values": _lists,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main([*EVAL, str(folder)]) == 0
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_file_is_one_line(
    run: Path, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [path.relative_to(run) for path in run.rglob("*") if path.is_file()]
    assert len(files) == 9
    for file in files:
        for verb in ("score", "report", "compare", "eval"):
            case = tmp_path / "case"
            shutil.rmtree(case, ignore_errors=True)
            shutil.copytree(run, case)
            (case / file).write_bytes(FORMS[form]((run / file).read_bytes()))
            command = {
                "score": ["score", str(case)],
                "report": ["report", str(case), "-o", str(tmp_path / "report.html")],
                "compare": ["compare", str(case), str(run)],
                "eval": [*EVAL, str(case)],
            }[verb]
            code = main(command)
            said = capsys.readouterr().err
            assert code in (0, 1, 2, 3), (file, verb, code)
            assert "please report it" not in said, (file, verb, said)
            if code in (1, 2):
                assert said.splitlines()[-1].startswith(f"harness {verb}: "), (file, verb, said)
            if verb == "eval" and file.parts[0] == "samples":
                assert code == 0, (file, said)  # what is no answer is asked again


def test_an_empty_run_json_does_not_lock_the_answers_away(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "case"
    shutil.copytree(run, case)
    (case / "run.json").write_bytes(b"")
    assert main(["score", str(case)]) == 1
    assert "writes it anew and keeps the answers" in capsys.readouterr().err
    assert main([*EVAL, str(case)]) == 0
    assert "4 of 4 are answered already" in capsys.readouterr().err
    assert (case / "run.json").read_bytes() == (run / "run.json").read_bytes().replace(
        str(run).encode(), str(case).encode()
    )
