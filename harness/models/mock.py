"""No model: answers made from the request alone, for tests and for measuring what the engine costs."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from harness.types import Request
from scorers.types import Coords
from tasks.images import ImageError
from tasks.types import Response


class MockBackend:
    """Answers every request with the same text, or with its prompt.

    It decodes the images, as any model does. It has no chat template that could open thinking: what is to be
    a thought, the text says itself.

    Args:
        text: the answer.
        echo: answer with the prompt's own text instead.
        latency: seconds that each answer takes.
        failing: the share of requests, chosen by a hash of their keys, that get no answer.
        coords: the coordinate convention that the answers are said to follow.
    """

    name = "mock"

    def __init__(
        self,
        text: str = "A",
        *,
        echo: bool = False,
        latency: float = 0.0,
        failing: float = 0.0,
        coords: Coords | None = "norm1000",
    ) -> None:
        self.text, self.echo, self.latency, self.failing, self.coords = text, echo, latency, failing, coords

    def describe(self) -> dict[str, Any]:
        """What the answers depend on; failures and latency are not part of an answer."""
        return {"model": "mock", "text": self.text, "echo": self.echo}

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answer the requests one by one, in the order given."""
        for request in requests:
            if self.latency:
                time.sleep(self.latency)
            yield request, self._answer(request)

    def _answer(self, request: Request) -> Response:
        if self.failing and zlib.crc32(request.key.encode("utf-8", "replace")) < self.failing * 2**32:
            return Response("", "error", error="the mock model is set to fail")
        try:
            for image in request.images:
                image.picture()
        except ImageError as error:
            return Response("", "error", error=f"image {error}")
        text = self.text
        if self.echo:
            text = "\n".join(part for part in request.parts if isinstance(part, str))
        return Response(text, "stop", 0, text.count(" ") + 1, self.latency)

    def close(self) -> None:
        """Nothing is held."""
