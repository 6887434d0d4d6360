"""What a user does wrong is one line that names the nearest right thing; exit 2, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.cli import VERBS, main

FAKES = str(Path(__file__).with_name("fakes.py"))
EVAL = ["eval", "--model", "mock", "--task-file", FAKES]


@pytest.fixture
def data(tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return fakes.write(tmp_path / "data", "letters", [fakes.row(index) for index in range(4)])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evla"], "unknown verb 'evla'; did you mean 'eval'"),
        (["report"], "the following arguments are required: RUN"),
        ([*EVAL, "--modle", "x"], "unknown flag --modle; did you mean '--model'"),
        ([*EVAL, "--max_new_tokens=3"], "unknown flag --max_new_tokens; did you mean '--max-new-tokens'"),
        ([*EVAL, "stray"], "unexpected argument 'stray'"),
        ([*EVAL, "--limit", "few"], "argument --limit: invalid int value: 'few'"),
        ([*EVAL, "--limit", "0", "--tasks", "letters"], "limit: Input should be greater than or equal to 1"),
        ([*EVAL, "--limit"], "argument --limit: expected one argument"),
        ([*EVAL, "--tasks", "leters"], "unknown task 'leters'; did you mean 'letters'"),
        ([*EVAL, "--tasks", ""], "--tasks names no task"),
        ([*EVAL, "--suite", "chrat"], "unknown suite 'chrat'; did you mean 'chart'"),
        ([*EVAL, "--suite", "math", "--tasks", "letters"], "suite and tasks exclude each other"),
        (["eval", "--model", "tinny", "--tasks", "ai2d"], "unknown model 'tinny'; did you mean 'tiny'"),
        ([*EVAL, "--tasks", "letters", "--backend", "vlm"], "unknown backend 'vlm'; did you mean 'vllm'"),
        ([*EVAL, "--tasks", "letters", "--prompt", "thinking"], "prompt: Input should be 'direct' or 'think'"),
        ([*EVAL, "--tasks", "letters", "--coords", "px"], "coords: Input should be 'abs'"),
        ([*EVAL, "--tasks", "letters", "--top-p", "2"], "top-p: Input should be less than or equal to 1"),
        ([*EVAL, "--tasks", "letters", "--min-pixels", "9", "--max-pixels", "4"], "min_pixels (9) is above"),
        ([*EVAL, "--tasks", "letters", "--data", "nowhere"], "--data nowhere: no such directory"),
        ([*EVAL, "--tasks", "letters", "--data", "empty"], "empty holds no folder 'letters'"),
        ([*EVAL, "--tasks", "twins", "--data", "data"], "no folder 'twins' in data; known: letters"),
        ([*EVAL, "--tasks", "letters", "--data", "data", "--prompt-template", "no.jinja"], "no.jinja"),
        ([*EVAL, "--tasks", "letters", "--config", "no.toml"], "no.toml"),
        ([*EVAL, "--tasks", "letters", "--config", "bad.toml"], "unknown configuration key 'temprature'; did"),
        ([*EVAL, "--tasks", "letters", "--config", "torn.toml"], "torn.toml: not TOML"),
        (["eval", "--task-file", "no.py"], "--task-file no.py: there is no such file"),
        (["ls", "taks"], "invalid choice: 'taks'"),
        (["ls"], "the following arguments are required: kind"),
        (["show", "mmstr"], "unknown task 'mmstr'; did you mean 'mmstar'"),
        (["validate", "mmstr"], "unknown task 'mmstr'"),
        (["score", "nowhere"], "nowhere: no such run"),
        (["score", "empty"], "empty: not a run"),
        (["score", "empty", "--raw"], "--raw is for harness score TASK FILE.jsonl"),
        (["score", "ai2d", "no.jsonl"], "no.jsonl: there is no such file"),
        (["score", "ai2d", "bad.jsonl"], "bad.jsonl:2: wants {id, record, response}: 'response' is missing"),
        (
            ["score", "ai2d", "bad.jsonl", "--coords", "norm10"],
            "unknown --coords 'norm10'; did you mean 'norm100'",
        ),
        (["train", "--set", "x"], "--set x: not KEY=VALUE"),
    ],
    ids=lambda value: " ".join(value[-3:]).replace("/", "_") if isinstance(value, list) else "",
)
def test_usage_errors(
    data: Path, tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if words[0] == "train":
        pytest.importorskip("torch")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.toml").write_text("temprature = 1\n")
    (tmp_path / "torn.toml").write_text("temperature = [1\n")
    (tmp_path / "bad.jsonl").write_text('{"id": 1, "record": {}, "response": "A"}\n{"id": 2, "record": {}}\n')
    before = set(tmp_path.iterdir())
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert error.startswith(f"harness {words[0]}: ")
    assert set(tmp_path.iterdir()) == before


def test_a_file_of_responses_that_is_no_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"[" * 100_000 + b"\n")
    assert main(["score", "ai2d", str(path)]) == 1
    assert "bad.jsonl:1: not a line of JSON" in capsys.readouterr().err


def test_debug_gives_the_traceback() -> None:
    words = [sys.executable, "-m", "harness", "eval", "--debug", "--model", "tinny", "--tasks", "ai2d"]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Traceback" in found.stderr
    assert "UsageError" in found.stderr


def test_the_hub_that_cannot_be_reached_names_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [sys.executable, "-m", "harness", "eval", "--model", "mock", "--tasks", "ai2d", "--data", "hub"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HOME": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
    }
    found = subprocess.run(
        words, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path, timeout=60
    )
    assert found.returncode == 1
    assert found.stderr.count("\n") == 1
    assert "--data" in found.stderr
    assert not (tmp_path / "runs").exists()


def test_grounding_with_an_unknown_family_stops_before_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llava"}))
    out = tmp_path / "run"
    words = ["eval", "--model", str(folder), "--tasks", "refcoco", "--data", "synthetic", "--out", str(out)]
    assert main(words) == 2
    assert "refcoco asks for places in the image" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    assert f"usage: harness {verb}" in capsys.readouterr().out


def test_help_imports_little() -> None:
    code = """
import sys
from harness.cli import main
try:
    main(["eval", "--help"])
except SystemExit:
    pass
heavy = {"numpy", "pydantic", "jinja2", "PIL", "rich", "torch", "datasets", "scipy", "tasks", "scorers"}
print(sorted(heavy & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_a_small_run_imports_little(data: Path) -> None:
    words = [*EVAL, "--tasks", "letters", "--data", str(data), "--out", "run"]
    code = f"""
import sys
from harness.cli import main
assert main({words!r}) == 0
heavy = {{"numpy", "scipy", "torch", "datasets", "pandas", "pyarrow", "sympy", "rich", "aiohttp"}}
print(sorted(heavy & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_no_verb_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["--help"]) == 0
    for verb, (_, what) in VERBS.items():
        assert f"{verb:<10}{what}" in capsys.readouterr().out if verb == "eval" else True
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("harness 0.")


def test_a_file_that_cannot_be_opened_is_one_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EVAL, "--tasks", "letters", "--data", str(data), "--out", "run", "--no-report"]) == 0
    capsys.readouterr()
    scores = Path("run/scores/letters.jsonl")
    scores.unlink()
    scores.mkdir()
    assert main(["report", "run"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"harness report: {scores}: Is a directory"
    with pytest.raises(IsADirectoryError):
        main(["report", "run", "--debug"])
