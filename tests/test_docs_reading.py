"""The examples of docs/scoring/reading.md are read, so that the page cannot part from the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.delimiters import read_delimiters
from scorers.read.locate import Channel, Found, read_phrases
from scorers.read.normalise import STANDARD, WORDS, Clean, clean
from scorers.read.number import read_number
from scorers.read.option import LETTERS, read_option
from scorers.read.yes_no import read_yes_no
from scorers.types import Answer

DOC = (Path(__file__).parents[1] / "docs" / "scoring" / "reading.md").read_text(encoding="utf-8")
COLOURS = ("red", "blue", "green", "grey")


def option(response: Clean, question: str) -> tuple[str, Found[int] | None]:
    found = read_option(response, COLOURS, question)
    return (LETTERS[found.value] if found else "–"), found


def number(response: Clean, question: str) -> tuple[str, object]:
    found = read_number(response, question)
    return (f"{found.value.value:g}" if found else "–"), found


def polarity(response: Clean, question: str) -> tuple[str, object]:
    found = read_yes_no(response, question)
    return ("–" if found is None else "yes" if found.value else "no"), found


def name(response: Clean, question: str) -> tuple[str, object]:
    found = read_phrases(response, question)
    return (min(found.value, key=len) if found else "–"), found


READERS: dict[str, Callable[[Clean, str], tuple[str, object]]] = {
    "option": option,
    "number": number,
    "polarity": polarity,
    "name": name,
}


def examples() -> list[tuple[str, str, str, str, str]]:
    """(kind, question, response, reading, channel) of every row of the tables of examples."""
    found, question, kind = [], "", ""
    for line in DOC.splitlines():
        if asked := re.search(r'"([^"]+\?)"\s*$', line):
            question = asked[1]
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells[:1] == ["response"]:
            kind = cells[1]
        elif len(cells) == 3 and cells[0].startswith("`"):
            found.append((kind, question, cells[0].strip("`").replace("⏎", "\n"), cells[1], cells[2]))
    return found


@pytest.mark.parametrize(("kind", "question", "response", "reading", "channel"), examples())
def test_an_example_is_read_as_the_page_says(
    kind: str, question: str, response: str, reading: str, channel: str
) -> None:
    said, found = READERS[kind](clean(response), question)
    assert (said, str(getattr(found, "channel", "–"))) == (reading, channel)


def test_there_are_examples_of_every_kind() -> None:
    kinds = [kind for kind, *_ in examples()]
    assert {kind: kinds.count(kind) > 2 for kind in READERS} == dict.fromkeys(READERS, True)


def test_the_file_of_delimiters_on_the_page_is_read(tmp_path: Path) -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
    file = tmp_path / "delimiters.toml"
    file.write_text(toml, encoding="utf-8")
    delimiters = STANDARD + read_delimiters(file)
    answer = Answer("<plan>A</plan><verdict>B<|eom|></verdict>", delimiters=delimiters)
    assert answer.response.final == "B"


def test_the_languages_on_the_page_are_those_of_the_table() -> None:
    listed = (
        re.findall(r"The sixteen languages are ([^.]+)\.", DOC)[0].replace("\n", " ").replace(" and ", ", ")
    )
    assert len(listed.split(", ")) == len(WORDS["announcements"]) == 16


def test_the_channels_on_the_page_are_those_of_the_code_in_their_order() -> None:
    section = DOC.split("| channel | where |", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [str(channel) for channel in Channel]


def test_a_refusal_leaves_what_is_announced() -> None:
    assert read_option(clean("I cannot determine it. Therefore B."), COLOURS) is None
    for told in ("The answer is B.", r"\boxed{B}", "B is correct."):
        assert read_option(clean(f"I cannot determine it. {told}"), COLOURS) is not None
