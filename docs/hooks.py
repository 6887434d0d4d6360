"""What `mkdocs build` adds to the documents: a page of each benchmark, the commands, the project's own files.

They are made from the plugins and the parsers, so that they cannot differ from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from os.path import normpath, relpath
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from harness.cli.common import Parser
from harness.cli.verbs import VERBS, load
from harness.describe import facts, prompts
from reports.board.board import CATEGORY_LABELS
from tasks import BUILTIN, load_builtin
from tasks.types import CATEGORIES, Task

ROOT = Path(__file__).parents[1]
PROJECT = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
}
"""Documents beside `docs/` → their pages."""
SHOWN = "synthetic"
"""Whose first row the prompts are shown on."""
RULES = {
    "choice": ("mmmu", "mmbench", "mmstar", "ai2d"),
    "mathvista": ("mathvista",),
    "mathvision": ("mathverse", "mathvision"),
    "chart": ("chartqa", "charxiv"),
    "document": ("docvqa", "ocrbench", "infovqa"),
    "spatial": ("embspatial", "refspatial", "robospatial"),
    "grounding": ("refcoco", "refcoco+", "refcocog"),
}
"""Page of `docs/scoring` → the tasks whose differences to the published scripts it counts."""
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#\s]*)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Put the page of each benchmark into the navigation, by category."""
    [section] = [entry["Benchmarks"] for entry in config.nav if "Benchmarks" in entry]
    tasks = [load_builtin(name) for name in BUILTIN]
    for category in reversed(CATEGORIES):
        pages = [
            {task.title.partition(":")[0]: _page(task.name)} for task in tasks if task.category == category
        ]
        section.insert(1, {CATEGORY_LABELS[category]: pages})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    made = {"commands.md": _commands()}
    made |= {_page(name): _benchmark(load_builtin(name)) for name in BUILTIN}
    made |= {page: (ROOT / name).read_text(encoding="utf-8") for name, page in PROJECT.items()}
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put in the table of benchmarks, and make the links of a document those of its page."""
    path = page.file.src_uri
    source = next((name for name, made in PROJECT.items() if made == path), f"docs/{path}")
    return _LINK.sub(lambda link: relinked(link, source, path), markdown).replace(
        "<!-- benchmarks -->", _table()
    )


def relinked(link: re.Match[str], source: str, page: str) -> str:
    """A link of a file of the repository as its page has it; its text alone, where the target has no page."""
    text, target, anchor = link[1], link[2], link[3] or ""
    if not target or "://" in target:
        return link[0]
    found = normpath(Path(source).parent / target)
    if found in PROJECT:
        found = PROJECT[found]
    elif found.startswith("docs/") and found.endswith((".md", ".png")):
        found = found.removeprefix("docs/")
    elif found == "README.md":
        found = "index.md"
    else:
        return text
    return f"[{text}]({relpath(found, Path(page).parent)}{anchor})"


def _page(name: str) -> str:
    return f"benchmarks/{name.replace('+', '-plus')}.md"


def _table() -> str:
    lines = ["| category | task | rows | headline | official rule |", "|---|---|---|---|---|"]
    for task in map(load_builtin, BUILTIN):
        cells = [
            task.category,
            f"[{task.title}]({_page(task.name)})",
            str(task.source.rows or "–"),
            task.headline.name,
            task.official or "–",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _benchmark(task: Task) -> str:
    return "\n\n".join(_sections(task))


def _sections(task: Task) -> Iterator[str]:
    yield f"# {task.title}"
    if task.notes:
        yield " ".join(task.notes.split())
    yield "    harness eval --model MODEL --tasks " + task.name
    rows = [f"| {fact.name} | {fact.text} |" for fact in facts(task) if fact.name != "notes"]
    yield "\n".join(["| | |", "|---|---|", *rows])
    yield "## Rule"
    yield cleandoc(task.scorer.__doc__ or "")
    [rules] = [page for page, names in RULES.items() if task.name in names]
    yield f"How it differs from the published script on recorded responses: [{rules}](../scoring/{rules}.md)."
    yield "## Prompt as sent"
    yield f"On the first row of the {SHOWN} data; `[image 1]` is the image."
    for style, prompt in prompts(task, SHOWN, "norm1000").items():
        yield f"Style `{style}`:"
        yield f"```text\n{prompt}\n```"


def _commands() -> str:
    parts = [
        "# Commands",
        "What `harness VERB --help` prints. Every verb has `--debug`.",
    ]
    for name, verb in VERBS.items():
        declare = load(verb.defined)
        parser = Parser(prog=f"harness {name}", description=cleandoc(declare.__doc__))
        declare(parser)
        parts += [f"## harness {name}", f"```text\n{parser.format_help()}```"]
    return "\n\n".join(parts)
