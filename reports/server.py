"""`harness view`: a folder of runs as a list and reports, served to this machine alone.

Bound to 127.0.0.1. A request that names another host is refused: a page elsewhere whose name was made to point
here (DNS rebinding) reads nothing. GET and HEAD only; what is served is the list, reports built from the
folder's runs, and the media of those reports.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import mimetypes
import os
import shutil
import socket
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from markupsafe import Markup

from harness.errors import HarnessError, UsageError
from reports.folder import MALFORMED, UPDATE, Entry, Reports, entries, find_runs
from reports.page import Section, markup, render

HOST = "127.0.0.1"
PORT = 8321
TRIES = 20
"""Ports that are tried from `PORT` on where none is asked for."""

_POLICY = (
    "default-src 'none'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Beside the page's own policy, which allows its scripts and styles by hash, and connections only of a live
page; both hold."""
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("image/webp", ".webp")  # Python knows it from 3.13 on
_ALONE = "."
"""A run's name where the folder itself is the run; in addresses `_`, as browsers drop a dot."""


def make_server(root: Path, cache: Path, port: int | None = None) -> ThreadingHTTPServer:
    """A server of a folder of runs, bound and not yet serving.

    Args:
        root: the folder.
        cache: an empty folder for the reports that are built.
        port: 0 takes any free one; None takes `PORT` or one of those after it.

    Raises:
        UsageError: there is no run in the folder.
        HarnessError: the port is taken.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: there is no such folder")
    if not find_runs(root):
        raise UsageError(f"{root}: no runs in it: `harness eval --out {root}/NAME` makes one")
    handler = type("Handler", (_Handler,), {"reports": Reports(root, cache), "root": root})
    for candidate in range(PORT, PORT + TRIES) if port is None else [port]:
        try:
            return _Server((HOST, candidate), handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    taken = f"ports {PORT} to {PORT + TRIES - 1} are" if port is None else f"port {port} is"
    raise HarnessError(f"{taken} not free: --port 0 takes one that is")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    reports: ClassVar[Reports]
    root: ClassVar[Path]
    server_version = "harness"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """Answer with a page, a picture, or one line of what is wrong."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the reader has gone
            self._answer()

    do_HEAD = do_GET  # noqa: N815

    def _refuse(self) -> None:
        self._text(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD", Allow="GET, HEAD")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _refuse  # noqa: N815

    def _answer(self) -> None:
        if not _is_local(self.headers.get_all("Host") or [], self.connection.getsockname()[1]):
            self._text(
                HTTPStatus.FORBIDDEN, "this address is served to this machine alone: use http://127.0.0.1"
            )
            return
        path = urlsplit(self.path).path
        if path == "/":
            self._page(list_page(self.root))
        elif path == "/runs.json":
            self._json(list_update(self.root))
        elif path.startswith("/report/"):
            self._report(path.removeprefix("/report/"))
        elif path == "/favicon.ico":  # browsers ask of themselves
            self.send_response(HTTPStatus.NO_CONTENT)
            self._rest(0, "image/x-icon")
        else:
            self._text(HTTPStatus.NOT_FOUND, "there is no such page")

    def _report(self, rest: str) -> None:
        """`<name>,<name>/` is their report, `<name>,<name>/<media folder>/<file>` a file of it."""
        chosen, slash, inner = rest.partition("/")
        if not slash:
            self._redirect(f"/report/{chosen}/")
            return
        names = [_name(part) for part in chosen.split(",")]
        try:
            if inner == UPDATE:
                self._json(self.reports.update(names))
                return
            page = self.reports.page(names, fresh=not inner)
        except UsageError as error:
            self._text(HTTPStatus.NOT_FOUND, str(error))
            return
        except HarnessError as error:
            self._text(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
            return
        except OSError as error:
            self._text(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error.filename}: {error.strerror}")
            return
        except MALFORMED as error:
            self._text(HTTPStatus.INTERNAL_SERVER_ERROR, f"a file is not as this version writes it ({error!r})")
            return
        file = page if not inner else media_file(page.parent, unquote(inner))
        if file is None:
            self._text(HTTPStatus.NOT_FOUND, "there is no such file")
        else:
            self._file(file)

    def _redirect(self, where: str) -> None:
        self.send_response(HTTPStatus.MOVED_PERMANENTLY)
        self.send_header("Location", where)
        self._rest(0, "text/plain; charset=utf-8")

    def _text(self, status: HTTPStatus, text: str, **headers: str) -> None:
        body = f"{text}\n".encode("utf-8", "replace")
        self.send_response(status)
        self._rest(len(body), "text/plain; charset=utf-8", **headers)
        self._write(body)

    def _json(self, body: bytes) -> None:
        """Answer with JSON, or that it is what the asker has."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if self.headers.get("If-None-Match") == tag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self._rest(0, "application/json", ETag=tag)
            return
        self.send_response(HTTPStatus.OK)
        self._rest(len(body), "application/json", ETag=tag)
        self._write(body)

    def _page(self, chunks: Iterator[str]) -> None:
        body = "".join(chunks).encode("utf-8", "replace")
        self.send_response(HTTPStatus.OK)
        self._rest(len(body), "text/html; charset=utf-8")
        self._write(body)

    def _file(self, path: Path) -> None:
        kind = _TYPES.guess_type(path.name)[0] or "application/octet-stream"
        with path.open("rb") as file:
            self.send_response(HTTPStatus.OK)
            self._rest(
                os.fstat(file.fileno()).st_size, f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
            )
            if self.command != "HEAD":
                shutil.copyfileobj(file, self.wfile)

    def _rest(self, length: int, kind: str, **headers: str) -> None:
        for name, value in {**_HEADERS, **headers, "Content-Type": kind, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def _write(self, body: bytes) -> None:
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature
        """Say nothing: a viewer's requests are of no interest."""


def _is_local(hosts: list[str], port: int) -> bool:
    """Whether a request names this machine, once, and no other host that points here."""
    return len(hosts) == 1 and hosts[0].lower() in {
        name + suffix for name in (HOST, "localhost") for suffix in ("", f":{port}")
    }


def media_file(home: Path, inner: str) -> Path | None:
    """A file in a folder, by its path below it; None where it is not there, or dots or links lead elsewhere."""
    if "\x00" in inner or "\\" in inner:
        return None
    path = home / inner
    inside = path.resolve().is_relative_to(home.resolve())
    return path if inside and path.is_file() and path.name != "report.html" else None


def _address(name: str) -> str:
    """A run's name in an address."""
    return {_ALONE: "_", "_": "%5F"}.get(name) or quote(os.fsencode(name), safe="")


def _name(part: str) -> str:
    return _ALONE if part == "_" else os.fsdecode(unquote_to_bytes(part))


def list_page(root: Path) -> Iterator[str]:
    """The list of the runs in a folder."""
    found = entries(root)
    section = Section(
        id="runs",
        title="Runs",
        html=_listed(found),
        libraries=("purify.min.js",),
        scripts=("live.js", "view.js"),
        styles=("view.css",),
    )
    notice = "Some runs have synthetic data: not the benchmarks." if any(e.synthetic for e in found) else None
    return render(f"Runs in {root}", [section], notice=notice, live=True)


def list_update(root: Path) -> bytes:
    """The list as it is now, as JSON for a page that is open."""
    return json.dumps({"html": str(_listed(entries(root)))}).encode()


def _listed(found: list[Entry]) -> Markup:
    shown = [{"entry": entry, "address": _address(entry.name)} for entry in found]
    return markup("view.html.jinja", runs=shown, counts=_counts(found))


def _counts(found: list[Entry]) -> str:
    counts: dict[str, int] = {}
    for entry in found:
        counts[entry.state] = counts.get(entry.state, 0) + 1
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
