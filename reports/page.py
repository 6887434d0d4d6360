"""The page: one self-contained HTML file of sections, each with its own markup, data and script.

Text of models and data sets is hostile: markup is autoescaped by Jinja2, data travel in
`<script type="application/json">` blocks and reach the page through `textContent`, Markdown and LaTeX through
`rich.js` and DOMPurify, and a content security policy allows the file's own scripts and styles (by hash) and
nothing from any network.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Stream:
    """A text that is made while the page is written: letters, digits and `+/=` alone, as base64 has them."""

    pieces: Callable[[], Iterator[str]]

    def __str__(self) -> str:
        return "".join(self.pieces())


@dataclass(frozen=True, slots=True)
class Section:
    """One tab of the page."""

    id: str
    """Its address: `#/<id>`."""
    title: str
    html: Markup
    """Made by `markup`, so that everything in it is escaped."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Block id → plain JSON, for `harness.data(id)` in scripts; or a `Stream`."""
    libraries: tuple[str, ...] = ()
    """Files of `reports/assets`, scripts and styles of others, before our own."""
    scripts: tuple[str, ...] = ()
    """Files of `reports/static`, in order; `core.js` is always there before them."""
    styles: tuple[str, ...] = ()
    """Files of `reports/static`; `core.css` is always there before them."""


def markup(template: str, **values: Any) -> Markup:
    """A template of `reports/templates`, filled; whatever is not itself markup is escaped."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - autoescaped


def render(
    title: str, sections: Sequence[Section], *, notice: str | None = None, live: bool = False
) -> Iterator[str]:
    """The page in pieces, in the order of the file.

    Args:
        title: of the window.
        sections: the tabs; the first is shown first. Data come last: a page paints before they are read.
        notice: a line above everything (synthetic data, a partial run).
        live: a server shows the page, and its scripts may ask that server for what is new.
    """
    libraries = dict.fromkeys(name for s in sections for name in s.libraries)
    scripts = [_asset(name) for name in libraries if name.endswith(".js")]
    scripts.append("\n".join(map(_static, _each("core.js", [name for s in sections for name in s.scripts]))))
    styles = [font(), *(_asset(name) for name in libraries if name.endswith(".css"))]
    styles.append("\n".join(map(_static, _each("core.css", [name for s in sections for name in s.styles]))))
    policy = "; ".join(
        [
            "default-src 'none'",
            "img-src 'self' data: file:",
            "font-src data:",
            f"script-src {_hashes(scripts)}",
            f"style-src {_hashes(styles)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",  # only what DOMPurify has cleaned becomes markup
            "trusted-types dompurify",
            *(["connect-src 'self'"] if live else []),
        ]
    )
    page = _environment().get_template("page.html.jinja")
    head, tail = page.render(
        title=title,
        sections=sections,
        notice=notice,
        policy=policy,
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - the package's own files
        styles=[Markup(style) for style in styles],  # noqa: S704 - the package's own files
        blocks=_CUT,
    ).split(_CUT)
    yield head
    for section in sections:
        for name, value in section.data.items():
            yield f'<script type="application/json" id="{name}">'
            if isinstance(value, Stream):
                yield '"'
                yield from value.pieces()
                yield '"'
            else:
                yield json_text(value)
            yield "</script>\n"
    yield tail


_CUT = "\x00blocks\x00"


def json_text(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or a line of script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "backslashreplace").decode()


def _each(first: str, names: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys([first, *names]))


def _static(name: str) -> str:
    return (files("reports") / "static" / name).read_text(encoding="utf-8")


def _asset(name: str) -> str:
    text = (files("reports") / "assets" / name).read_text(encoding="utf-8")
    return re.sub(r"\n//# sourceMappingURL=.*|@font-face *{[^}]*}", "", text)  # both name files beside it


@cache
def font() -> str:
    """The style rule of the page's typeface, which is part of the file."""
    data = base64.b64encode((files("reports") / "assets" / "inter.woff2").read_bytes()).decode()
    source = f'url("data:font/woff2;base64,{data}") format("woff2")'
    return f'@font-face {{ font-family: "Inter"; font-weight: 100 900; src: {source}; }}'


def _hashes(texts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
