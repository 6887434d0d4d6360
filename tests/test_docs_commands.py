"""Each `harness` command of the documents is one that the command line accepts; those marked are run."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.common import Parser
from harness.cli.verbs import VERBS, load
from harness.errors import UsageError

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
_FENCED = re.compile(r"^```(?:bash|sh|text)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"^    (harness .*)$", re.MULTILINE)


def commands(text: str) -> Iterator[str]:
    """The commands of a document, without what is said beside them after a `#` or two blanks."""
    text = text.replace("\\\n", " ")
    for block in _FENCED.findall(text):
        for line in block.splitlines():
            yield from (line,) if line.startswith("harness ") else ()
    yield from _INDENTED.findall(_FENCED.sub("", text))


def variants(line: str) -> Iterator[list[str]]:
    """A command as it would be typed: of `ls tasks|suites` there are two; `[…]` and `…` are left out."""
    command = re.split(r"\s+#|\s{2,}(?![-\w.]*=)", line.strip())[0]
    command = re.sub(r"\s*\[[^\]]*\]|\s*…", "", command)
    command = re.sub(r"\$\w+", "1", command)  # a shell's variable
    words = shlex.split(command)
    for at, word in enumerate(words):
        if "|" in word and not word.startswith("-"):
            for choice in word.split("|"):
                yield [*words[:at], choice, *words[at + 1 :]]
            return
    yield words


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_is_accepted(document: Path) -> None:
    refused = []
    for line in commands(document.read_text(encoding="utf-8")):
        for _, *words in variants(line):
            verb = words[0] if words else ""
            if verb.startswith("-") or verb == "help":
                continue
            try:
                assert verb in VERBS, f"no verb {verb!r}"
                parser = Parser(prog=f"harness {verb}")
                load(VERBS[verb].defined)(parser)
                if "--help" not in words:
                    parser.parse_args(words[1:], argparse.Namespace())
            except (AssertionError, UsageError) as error:
                refused.append(f"{line}: {error}")
    assert refused == []


def test_commands_are_found() -> None:
    found = sum(len(list(commands(document.read_text(encoding="utf-8")))) for document in DOCUMENTS)
    assert found > 60
