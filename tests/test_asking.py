"""A model that training wrote is asked as training asked it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.cli import main
from harness.config import build
from harness.errors import UsageError
from harness.models import tiny_path
from harness.models.asking import FILE, as_flags, read_asking, write_asking

ASKED = {"prompt": "think", "coords": "norm1000", "max_new_tokens": 48, "max_pixels": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(tiny_path(), tmp_path / "trained")
    write_asking(tmp_path / "trained", ASKED)
    return tmp_path / "trained"


def test_what_training_left_open_is_left_open(folder: Path) -> None:
    assert read_asking(str(folder)) == {"prompt": "think", "coords": "norm1000", "max_new_tokens": 48}
    assert as_flags(read_asking(str(folder))) == "--prompt think --coords norm1000 --max-new-tokens 48"


def test_flags_win_and_other_models_are_asked_as_usual(folder: Path) -> None:
    config = build({"model": str(folder), "max_new_tokens": 9})
    assert (config.prompt, config.coords, config.max_new_tokens) == ("think", "norm1000", 9)
    for name in ("tiny", "mock:text=" + "A" * 5000, "mock:text=\0"):
        assert build({"model": name}).prompt == "direct"
    assert build({"model": str(folder), "base_url": "http://localhost:1/v1"}).prompt == "direct"
    assert build({"model": "tiny", "adapter": str(folder)}).prompt == "think"


def test_an_evaluation_says_it_and_records_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["eval", "--model", str(folder), "--tasks", "ai2d", "--data", "synthetic", "--limit", "1"]
    assert main([*words, "--no-report", "--coords", "norm1000", "--out", str(out)]) == 0
    assert "asked as in training: --prompt think --max-new-tokens 48\n" in capsys.readouterr().err
    assert '"prompt": "think"' in (out / "run.json").read_text()


def test_a_damaged_file_is_refused(folder: Path) -> None:
    for text in ("", "[]", '{"asked": 3}', "{}"):
        (folder / FILE).write_text(text)
        with pytest.raises(UsageError, match=r"harness\.json: not as training wrote it"):
            build({"model": str(folder)})
