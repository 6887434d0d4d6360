"""The words that pages, messages and documentation do not use, each with what is written in its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTEAD = {
    r"dealt": "shuffled, divided",
    r"deals? (the )?(images|samples)": "shuffles",
    r"(verdicts|they|two|three|both|code|rules|tests?|intervals?|it and we) part(?! of)": "disagree, differ",
    r"parts? (from|by|nowhere)": "disagrees with, differs in",
    r"loopholes?": "official only",
    r"missed|misses": "ours only; rejected",
    r"asked (the same|alike|otherwise|differently)": "evaluated on the same samples",
    r"certain|certainly|surely": "significant",
    r"smallest (visible|differences?)|\d+ times in (5|100)(?= )": "minimum detectable difference (80 % power)",
    r"drawn (data|rows|tasks|images|samples|on the spot|for th\w+)|drawings?": "synthetic data",
    r"leaves? (n|its (group|pair)|the pairs?)": "excluded from n",
    r"said|says so": "reported; plain indicative",
    r"told|tells": "reported, distinguished",
    r"stands?|stood": "is",
}
WORDS = {re.compile(rf"\b({pattern})\b", re.IGNORECASE): word for pattern, word in INSTEAD.items()}
COVERAGE = "89 to 92 times in 100"
"""A measured share, not the phrase that is meant."""


def found(text: str) -> list[str]:
    """What a text should not say, each with the words around it."""
    text = text.replace(COVERAGE, "")
    hits = [(match, word) for pattern, word in WORDS.items() for match in pattern.finditer(text)]
    return [f"…{text[max(0, m.start() - 30) : m.end() + 30]}… → {word}" for m, word in hits]


def documents() -> list[Path]:
    return [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]


def prose(path: Path) -> str:
    """Markdown without code."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"`[^`\n]*`", "code", re.sub(r"^    .*$", "", text, flags=re.MULTILINE))


def messages(path: Path) -> str:
    """The texts of a module that people may see: its literals of several words, and the help of verbs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    literals = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements
    ]
    return "\n".join([*(text for text in literals if " " in text.strip()), *_help(path, tree)])


def _help(path: Path, tree: ast.Module) -> Iterator[str]:
    """The docstring of a verb's function is its `--help`."""
    if "cli" in path.parts or path.stem == "cli":
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.args.args and node.args.args[0].arg == "parser":
                yield ast.get_docstring(node) or ""


def page_text(path: Path) -> str:
    """What a template or a script puts on a page: a template without its tags, a script's literals."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jinja":
        text = re.sub(r"{%.*?%}|{{.*?}}", " ", text, flags=re.DOTALL)
        return unescape(re.sub(r'\b(id|class|data-[\w-]+)(="[^"]*")?', " ", text))
    text = re.sub(r"/\*.*?\*/|^\s*//.*$|\s// .*$", "", text, flags=re.DOTALL | re.MULTILINE)
    literals = re.findall(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`', text)
    return "\n".join(re.sub(r"\${[^}]*}", " ", each) for each in literals if " " in each.strip('"` '))


def sources() -> list[Path]:
    modules = [
        path for package in ("harness", "reports", "training") for path in (ROOT / package).rglob("*.py")
    ]
    pages = [path for folder in ("static", "templates") for path in (ROOT / "reports" / folder).iterdir()]
    return sorted([*modules, *(path for path in pages if path.suffix in (".js", ".jinja"))])


def checked(path: Path) -> list[str]:
    if path.suffix == ".md":
        return found(prose(path))
    return found(messages(path) if path.suffix == ".py" else page_text(path))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [*documents(), *sources()], ids=name)
def test_pages_messages_and_documents_use_the_field_s_words(path: Path) -> None:
    hits = checked(path)
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize(
    "text",
    [
        "images dealt among the samples",
        "where the two part",
        "a loophole",
        "The runs were not asked alike",
        "no certain difference",
        "Data drawn for this run",
        "it leaves n",
        "Both are said.",
        "beside it stands the verdict",
        "smallest visible",
    ],
)
def test_the_list_finds_what_it_is_for(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "a part of the answer",
        "understandable",
        "boxes are drawn over the image",
        "leaves the file as it is",
        "parts of a question",
        "the uncertainty of a mean",
        "the log says nothing",
        "a dealer",
    ],
)
def test_the_list_has_no_false_alarms(text: str) -> None:
    assert not found(text)


def test_literals_of_scripts_and_modules_are_found(tmp_path: Path) -> None:
    script = tmp_path / "a.js"
    script.write_text('/* a loophole */ const certain = "ok"; h("p", `is ${certain} told of`); // said\n')
    assert len(found(page_text(script))) == 1
    module = tmp_path / "a.py"
    module.write_text('"""It stands."""\ncertain = f"{certain} and then told"\nkey = "missed"\n')
    assert len(found(messages(module))) == 1
