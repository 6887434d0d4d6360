"""A chat server in a thread of the test's own, whose replies the test writes."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, Any] | tuple[int, Any, Mapping[str, str]]
"""Status, body (bytes, or what becomes JSON), headers."""


class Scripted(ThreadingHTTPServer):
    """The server. `reply(number, body)` answers the request of that number, from 0."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, reply: Callable[[int, dict[str, Any]], Reply], models: Any = None, port: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.reply, self.models = reply, models
        self.asked: list[dict[str, Any]] = []
        self.sent: dict[int, float] = {}
        """Number of a request → when its answer had been sent, by `time.monotonic`."""
        self.headers: list[Mapping[str, str]] = []
        self.in_flight = self.most = 0
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, but for a client that is gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def do_GET(self) -> None:
        self._send(*((200, self.server.models) if self.server.models is not None else (404, {})))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            number = len(server.asked)
            server.asked.append(body)
            server.headers.append(dict(self.headers))
            server.in_flight += 1
            server.most = max(server.most, server.in_flight)
        try:
            self._send(*server.reply(number, body))
            server.sent[number] = time.monotonic()
        finally:
            with server.lock:
                server.in_flight -= 1

    def _send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def scripted(
    reply: Callable[[int, dict[str, Any]], Reply], models: Any = None, port: int = 0
) -> Iterator[Scripted]:
    """The server while the block runs."""
    server = Scripted(reply, models, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def said(text: Any = "A", finish_reason: Any = "stop", **message: Any) -> dict[str, Any]:
    """A chat completion."""
    return {
        "choices": [{"message": {"content": text, **message}, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    }


def error(message: str, **more: Any) -> dict[str, Any]:
    """An error as OpenAI's API gives it."""
    return {"error": {"message": message, "type": "invalid_request_error", **more}}
