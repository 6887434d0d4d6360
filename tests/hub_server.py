"""A hub on the loopback: what huggingface_hub and datasets ask of it, for tests of the loading code.

    python hub_server.py PORTFILE FOLDER

FOLDER holds `datasets/ORG/NAME/…` and `models/ORG/NAME/…`, each at one commit. Each request is a line of
FOLDER/log. What the network may do to a larger file, while a file of FOLDER says so:

    broken    every answer is cut off in the middle
    dropping  the first answer of each file is cut off in the middle, a later one is whole
    stalled   half of a file whose path holds the text in it is sent, and then nothing for a minute

FOLDER/moved holds lines `OLD/NAME NEW/NAME`: a data set that the hub redirects.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 10_000
"""Bytes of a file that is cut off."""
LFS = 1_000
"""Bytes of a file that git keeps elsewhere."""


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root: Path

    def log_message(self, *_: object) -> None:
        with (self.root / "log").open("a") as log:
            log.write(f"{self.command} {self.path} {self.headers.get('Range') or ''}\n")

    def reply(self, content: object, status: int = 200, **headers: str) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "X-Repo-Commit": COMMIT, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def missing(self, code: str) -> None:
        self.reply({"error": code}, 404, **{"X-Error-Code": code})

    def moved(self) -> bool:
        """Redirect what is asked of a repository under its former name, with the rest of the address."""
        if not (self.root / "moved").exists():
            return False
        for line in (self.root / "moved").read_text().splitlines():
            old, new = (f"/datasets/{name}/" for name in line.split())
            if old in self.path:
                self.reply({}, 307, Location=self.path.replace(old, new))
                return True
        return False

    def do_GET(self) -> None:
        if self.moved():
            return
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[0] == "api" and len(parts) >= 4:
            self.describe(parts[1], "/".join(parts[2:4]), parts[4:])
        elif "resolve" in parts:
            at = parts.index("resolve")
            kind, repo = ("datasets", parts[1:at]) if parts[0] == "datasets" else ("models", parts[:at])
            self.send_file(self.root / kind / "/".join(repo), "/".join(parts[at + 2 :]), parts[at + 1])
        else:
            self.missing("EntryNotFound")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.moved():
            return
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        folder = self.root / parts[1] / "/".join(parts[2:4])
        asked = json.loads(body) if body.startswith("{") else {}
        wanted = asked.get("paths") or [
            unquote(pair[6:]) for pair in body.split("&") if pair.startswith("paths=")
        ]
        wanted = [wanted] if isinstance(wanted, str) else wanted
        self.reply([entry(folder, path) for path in wanted if (folder / path).exists()])

    def describe(self, kind: str, repo: str, more: list[str]) -> None:
        """What the API says of a repository, or the files of a folder of it."""
        folder = self.root / kind / repo
        if not folder.is_dir():
            return self.missing("RepoNotFound")
        if len(more) > 1 and more[1] not in ("main", COMMIT):
            return self.missing("RevisionNotFound")
        if more[:1] == ["tree"]:
            place, deep = folder / "/".join(more[2:]), "recursive=true" in self.path.lower()
            found = sorted(place.rglob("*") if deep else place.iterdir()) if place.is_dir() else []
            return self.reply([entry(folder, str(path.relative_to(folder))) for path in found])
        siblings = [{"rfilename": path} for path in files(folder, folder)]
        facts = {"id": repo, "sha": COMMIT, "private": False, "disabled": False, "gated": False, "tags": []}
        return self.reply({**facts, "downloads": 0, "siblings": siblings})

    def send_file(self, folder: Path, name: str, revision: str) -> None:
        path = folder / name
        if revision not in ("main", COMMIT):
            return self.missing("RevisionNotFound")
        if not path.is_file():
            return self.missing("EntryNotFound" if folder.is_dir() else "RepoNotFound")
        data = path.read_bytes()
        first = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0] or 0)
        self.send_response(206 if first else 200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        if self.command == "HEAD":
            return None
        cut = len(data) > LARGE and self.cut(path)
        self.wfile.write(data[first : (first + len(data)) // 2] if cut else data[first:])
        if cut:
            self.close_connection = True
        return None

    def cut(self, path: Path) -> bool:
        """Whether the answer is cut off in the middle."""
        place = path.relative_to(self.root).as_posix()
        if (self.root / "stalled").exists() and (self.root / "stalled").read_text() in place:
            data = path.read_bytes()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            time.sleep(60)
        if (self.root / "dropping").exists():
            dropped = (self.root / "dropping").read_text().split()
            if place not in dropped:
                (self.root / "dropping").write_text(" ".join([*dropped, place]))
                return True
        return (self.root / "broken").exists()


def files(place: Path, folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in place.rglob("*") if path.is_file())


def entry(folder: Path, name: str) -> dict[str, object]:
    path = folder / name
    if path.is_dir():
        return {"type": "directory", "path": name, "oid": "0" * 40, "size": 0}
    data = path.read_bytes()
    kept = {"type": "file", "path": name, "oid": hashlib.sha1(data).hexdigest(), "size": len(data)}
    lfs = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return {**kept, "lfs": lfs} if len(data) > LFS else kept


if __name__ == "__main__":
    Hub.root = Path(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    Path(sys.argv[1]).write_text(str(server.server_port))
    server.serve_forever()
