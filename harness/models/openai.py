"""Any server with the OpenAI chat API: vLLM, SGLang, llama.cpp, a vendor.

Requests are sent concurrently from one event loop in a thread of its own, with a bound on how many are in
flight. What may pass is retried with exponential backoff; what cannot is not. Once an endpoint looks dead,
the rest of the requests fail at once instead of each waiting for its own retries.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import queue
import random
import threading
import time
from collections.abc import Coroutine, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from harness.models.opened import begins_thinking
from harness.models.pixels import AS_STORED, EncodedImage, PixelRule, encode
from harness.types import Request
from scorers.types import Coords
from tasks.images import ImageError
from tasks.prompts import ImagePart
from tasks.types import Response

if TYPE_CHECKING:
    import aiohttp

_T = TypeVar("_T")

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""HTTP statuses that may pass: time-outs, rate limits, overload."""
HOPELESS = frozenset({401, 403, 404})
"""HTTP statuses that every request will get: wrong key, wrong address, no such model."""


class _RequestError(Exception):
    """One attempt failed."""

    def __init__(self, message: str, *, retry: bool, hopeless: bool = False, wait: float = 0.0) -> None:
        super().__init__(message)
        self.retry = retry
        self.hopeless = hopeless
        self.wait = wait


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is tried again."""

    attempts: int = 6
    first_wait: float = 0.5
    """Seconds before the second attempt; doubles each time, with jitter."""
    longest_wait: float = 30.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait after the given attempt (from 0) failed."""
        longest = min(self.longest_wait, self.first_wait * 2.0**attempt)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


class OpenAIBackend:
    """A model behind an OpenAI-compatible chat endpoint.

    What its chat template writes at the end of a prompt is not known. Thinking that the server sends apart goes
    back in front of the response; a lone `</think>` is left to the reader.

    Args:
        model: the name that the server knows the model by.
        base_url: up to and including `/v1`.
        coords: the model family's coordinate convention.
        rule: how images are sized before they are sent.
        api_key: sent as a bearer token; None: the value of `OPENAI_API_KEY`, if set.
        concurrency: requests in flight at once.
        timeout: seconds for one attempt, from connecting to the last byte.
        retry: how often and how patiently a request is tried again.
        further: more fields of every request's JSON.
    """

    name = "openai"

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        coords: Coords | None = None,
        rule: PixelRule = AS_STORED,
        api_key: str | None = None,
        concurrency: int = 32,
        timeout: float = 600.0,
        retry: RetryPolicy | None = None,
        further: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self._further = dict(further or {})
        self.coords = coords
        self.url = f"{base_url.rstrip('/')}/chat/completions"
        self.concurrency = concurrency
        self.timeout = timeout
        self.retry = retry or RetryPolicy()
        self._key = api_key if api_key is not None else os.environ.get("OPENAI_API_KEY")
        self._rule = rule
        self._failures_in_a_row = 0
        self._dead: str | None = None

    def describe(self) -> dict[str, Any]:
        """What identifies the model. The address is left out: a server may move and still be the same."""
        return {"model": self.model, "api": "chat.completions"}

    def close(self) -> None:
        """Nothing is held between calls of `generate`."""

    def generate(self, requests: Iterable[Request]) -> Generator[tuple[Request, Response], None, None]:
        """Answer requests, yielding each as it finishes.

        At most twice `concurrency` requests are held: those in flight and as many waiting for a place.
        """
        pending = iter(requests)
        done: queue.SimpleQueue[tuple[Request, Response]] = queue.SimpleQueue()
        self._failures_in_a_row, self._dead = 0, None
        with _Loop() as loop:
            session = loop.run(self._open())
            try:
                submitted = 0
                for request in itertools.islice(pending, 2 * self.concurrency):
                    loop.start(self._answer_into(done, session, request))
                    submitted += 1
                while submitted:
                    answered = done.get()
                    submitted -= 1
                    for request in itertools.islice(pending, 1):
                        loop.start(self._answer_into(done, session, request))
                        submitted += 1
                    yield answered
            finally:
                loop.cancel()
                loop.run(session.close())

    async def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        self._places = asyncio.Semaphore(self.concurrency)
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            connector=aiohttp.TCPConnector(limit=self.concurrency),
        )

    async def _answer_into(
        self,
        done: queue.SimpleQueue[tuple[Request, Response]],
        session: aiohttp.ClientSession,
        request: Request,
    ) -> None:
        async with self._places:
            done.put((request, await self._answer(session, request)))

    async def _answer(self, session: aiohttp.ClientSession, request: Request) -> Response:
        if self._dead:
            return Response("", "error", error=self._dead)
        try:
            images = [
                await asyncio.to_thread(encode, image, request.pixels, self._rule) for image in request.images
            ]
        except ImageError as error:
            return Response("", "error", error=f"image {error}")
        body = self._body(request, images)
        for attempt in itertools.count():
            try:
                response = await self._attempt(session, body, images)
            except _RequestError as error:
                if error.retry and attempt + 1 < self.retry.attempts and not self._dead:
                    await asyncio.sleep(max(error.wait, self.retry.wait(attempt)))
                    continue
                self._failed(error)
                return Response("", "error", error=str(error))
            self._failures_in_a_row = 0
            return response
        raise AssertionError("unreachable: the loop above returns")

    def _failed(self, error: _RequestError) -> None:
        """Counts a request given up; as many in a row as fit in flight, all retried, mean a dead endpoint."""
        self._failures_in_a_row += 1
        if error.hopeless or (error.retry and self._failures_in_a_row >= self.concurrency):
            self._dead = f"endpoint given up after {self._failures_in_a_row} failures in a row, last: {error}"

    def _body(self, request: Request, images: list[EncodedImage]) -> bytes:
        """The request as JSON. Base64 is spliced in as bytes, so that no encoder scans it for escapes."""
        content: list[dict[str, Any]] = []
        order: list[int] = []
        for part in request.parts:
            if isinstance(part, ImagePart):
                order.append(part.index)
                content.append({"type": "image_url", "image_url": {"url": _SPLICE}})
            else:
                content.append({"type": "text", "text": part.replace(_SPLICE, "")})
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if request.system_prompt is not None:
            messages.insert(0, {"role": "system", "content": request.system_prompt.replace(_SPLICE, "")})
        sampling = request.sampling
        payload = {
            "model": self.model,
            "messages": messages,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed % 2**31,
            **self._further,
        }
        pieces = json.dumps(payload).encode().split(json.dumps(_SPLICE)[1:-1].encode())
        spliced = [pieces[0]]
        for index, piece in zip(order, pieces[1:], strict=True):
            image = images[index]
            spliced += [b"data:", image.mime.encode(), b";base64,", base64.b64encode(image.data), piece]
        return b"".join(spliced)

    async def _attempt(
        self, session: aiohttp.ClientSession, body: bytes, images: list[EncodedImage]
    ) -> Response:
        import aiohttp

        started = time.perf_counter()
        try:
            async with session.post(self.url, data=body) as reply:
                raw = await reply.read()
        except TimeoutError:
            raise _RequestError(f"{self.url}: no answer in {self.timeout:g} s", retry=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _RequestError(f"{self.url}: {error or type(error).__name__}", retry=True) from error
        if reply.status != 200:
            raise _RequestError(
                f"{self.url}: HTTP {reply.status}: {raw[:200].decode(errors='replace')}",
                retry=reply.status in RETRIED,
                hopeless=reply.status in HOPELESS,
                wait=_retry_after(reply.headers.get("Retry-After")),
            )
        shown = tuple(image.size for image in images)
        return _parse(raw, self.url, time.perf_counter() - started, shown)


_SPLICE = "\u0001image\u0001"
"""Stands for an image until its base64 is spliced in; no prompt may hold it."""


def _retry_after(header: str | None) -> float:
    """Seconds that a server asks to wait, at most a minute; 0 where it says nothing or gives a date."""
    try:
        return min(60.0, max(0.0, float(header or 0)))
    except ValueError:
        return 0.0


def _parse(raw: bytes, url: str, latency: float, shown: tuple[tuple[int, int], ...]) -> Response:
    try:
        reply = json.loads(raw)
        choice = reply["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        reasoning = message.get("reasoning_content") or message.get("reasoning")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        shape = raw[:200].decode(errors="replace")
        raise _RequestError(f"{url}: not a chat completion ({error!r}): {shape}", retry=False) from error
    if not isinstance(text, str):
        text = "".join(part.get("text", "") for part in text if isinstance(part, dict))
    finish_reason: Literal["stop", "length"] = "length" if choice.get("finish_reason") == "length" else "stop"
    if isinstance(reasoning, str) and reasoning:
        text = _with_reasoning(reasoning, text, cut=finish_reason == "length")
    usage = reply.get("usage") or {}
    return Response(
        text,
        finish_reason,
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
        latency=latency,
        shown=shown,
    )


def _with_reasoning(reasoning: str, text: str, *, cut: bool) -> str:
    """A response whose thinking the server sent apart, whole again: the journal holds all that was said.

    Where the limit cut it and nothing follows, the thinking stays open, which is never an answer.
    """
    if begins_thinking(text):
        return text
    opened = reasoning if begins_thinking(reasoning) else f"<think>{reasoning}"
    return opened if cut and not text.strip() else f"{opened}</think>\n{text}"


class _Loop:
    """An event loop in a thread of its own, ended with the block."""

    def __enter__(self) -> _Loop:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-backend", daemon=True)
        self._thread.start()
        return self

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine without waiting for it."""
        asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def cancel(self) -> None:
        """Cancel what was started and has not finished."""

        async def cancel_all() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(cancel_all())

    def __exit__(self, *_: object) -> None:
        self.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
