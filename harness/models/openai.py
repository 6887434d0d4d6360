"""Any server with the OpenAI chat API: vLLM, SGLang, llama.cpp, a vendor.

Requests are sent concurrently from one event loop in a thread of its own, with a bound on how many are in
flight. What a request holds is `server_request`, what a reply means `server_reply`, how long a server is
waited for `server_patience`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import queue
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from harness.errors import FAULTS, UsageError, named, nearest
from harness.models.pixels import AS_STORED, EncodedImage, PixelRule, encode
from harness.models.server_loop import Loop
from harness.models.server_patience import GivenUpError, RetryPolicy, Server, Servers, Tries
from harness.models.server_reply import LARGEST, AttemptError, Kind, Shown, completion, failure, hidden
from harness.models.server_request import Fields, body
from harness.types import Request
from harness.urls import secrets_of, without_secrets
from scorers.types import Coords
from tasks.images import ImageError
from tasks.types import Response

if TYPE_CHECKING:
    import aiohttp

CONNECTING = 30.0
"""Seconds in which a connection must be made."""
LISTING = 5.0
"""Seconds in which a server must list its models."""

Answered = tuple[Request, Response]


class OpenAIBackend:
    """A model behind an OpenAI-compatible chat endpoint.

    What its chat template writes at the end of a prompt is not known. Thinking that the server sends apart goes
    back in front of the response; a lone `</think>` is left to the reader.

    Args:
        model: the name that the server knows the model by.
        base_url: up to and including `/v1`; several servers of one model with commas between.
        coords: the model family's coordinate convention.
        rule: how images are sized before they are sent.
        api_key: sent as a bearer token; None: the value of `OPENAI_API_KEY`, if set and if the URL has no user.
        concurrency: requests in flight at once at each server.
        timeout: seconds for one attempt, from connecting to the last byte.
        retry: how often and how patiently a request is tried again.
        further: more fields of every request's JSON that do not identify the model.
        extra_body: more fields that do; they win over the harness's own.
        omit: of the harness's own fields, those to leave out.
        template_vars: variables of the server's chat template.
        requests_per_minute: sent at most, evenly spaced; None: no limit.
        max_wait: seconds that a server may be down, or refuse by 429, before it is given up; None: 600, but 10
            for one that was never reached.

    Raises:
        UsageError: an address, or a field of the request, cannot be.
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
        extra_body: Mapping[str, Any] | None = None,
        omit: Iterable[str] = (),
        template_vars: Mapping[str, Any] | None = None,
        requests_per_minute: float | None = None,
        max_wait: float | None = None,
    ) -> None:
        self.model, self.coords, self.concurrency, self.timeout = model, coords, concurrency, timeout
        self.retry = retry or RetryPolicy()
        self._rule = rule
        self._described = Fields(extra_body, omit := tuple(omit), template_vars).describe()
        self._fields = Fields({**(further or {}), **(extra_body or {})}, omit, template_vars)
        self._pace, self._max_wait = requests_per_minute, max_wait
        self._secrets: tuple[str, ...] = ()
        self._urls = [self._server_of(url.strip(), api_key) for url in base_url.split(",") if url.strip()]
        if not self._urls:
            raise UsageError("--base-url: no address given, e.g. http://localhost:8000/v1")
        self._heard: Callable[[str], None] = lambda _: None
        self.notes: tuple[str, ...] = ()
        """What the user should know before anything is asked, a line each."""
        self._notes: list[str] = []
        self._sent: tuple[str, ...] = ()

    def listen(self, hear: Callable[[str], None]) -> None:
        """Have what the user should know while requests are answered told to `hear`, a line each."""
        self._heard = hear

    def describe(self) -> dict[str, Any]:
        """What identifies the model. The address is left out: a server may move and still be the same."""
        return {"model": self.model, "api": "chat.completions", **self._described}

    def found(self) -> dict[str, Any]:
        """What requests were like, as found out while asking; empty before anything was answered.

        `fields`: the names of the fields sent beside model and messages. `left_out` and `renamed`: what the
        server refused. `notes`: in words, what of it decides answers. None of it identifies the model: it is
        the server's doing.
        """
        if not self._sent:
            return {}
        return {"fields": list(self._sent), **self._fields.found(), "notes": list(self._notes)}

    def close(self) -> None:
        """Nothing is held between calls of `generate`."""

    def _server_of(self, base_url: str, api_key: str | None) -> Callable[[], Server]:
        """A maker of `Server`s of an address: what is known of one lasts for one call of `generate`."""
        url = urlsplit(base_url)
        shown = without_secrets(base_url)
        try:
            valid = url.scheme in ("http", "https") and url.hostname and (url.port is None or url.port)
        except ValueError:
            valid = False
        if not valid:
            raise UsageError(f"--base-url {shown}: not an address such as http://localhost:8000/v1")
        headers, secrets = self._authorization(url, api_key, shown)
        self._secrets += secrets
        place = url.netloc.rpartition("@")[2]
        path = url.path.rstrip("/").removesuffix("/chat/completions")
        chat = urlunsplit((url.scheme, place, f"{path}/chat/completions", url.query, ""))
        proxy = _proxy(url)
        if proxy is not None:
            self._secrets += secrets_of(urlsplit(proxy))
        name = urlunsplit((url.scheme, place, path, "", ""))
        return lambda: Server(chat, name, headers, proxy)

    def _authorization(
        self, url: SplitResult, api_key: str | None, shown: str
    ) -> tuple[dict[str, str], tuple[str, ...]]:
        """The header that shows who asks, and the texts of it that must not be repeated."""
        secrets = secrets_of(url)
        if url.username is not None:
            if api_key:
                raise UsageError(
                    f"--base-url {shown}: it holds a user, and --api-key-env a key: give one of them"
                )
            pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
            token = base64.b64encode(pair.encode()).decode()
            return {"Authorization": f"Basic {token}"}, (*secrets, token)
        key = (api_key if api_key is not None else os.environ.get("OPENAI_API_KEY") or "").strip()
        if any(ord(sign) < 32 for sign in key) or not key.isascii():
            raise UsageError("the server's key holds characters that no header can: check its variable")
        return ({"Authorization": f"Bearer {key}"}, (*secrets, key)) if key else ({}, secrets)

    def _say(self, line: str) -> None:
        self._heard(self._shown(line))

    def _shown(self, text: str) -> str:
        """A text in one line and without secrets."""
        return hidden(without_secrets(" ".join(text.split())), self._secrets)

    def generate(self, requests: Iterable[Request]) -> Generator[Answered, None, None]:
        """Answer requests, yielding each as it finishes.

        At most twice `concurrency` requests a server are held: those in flight and as many waiting for a place.
        """
        pending = iter(requests)
        done: queue.SimpleQueue[Answered | BaseException] = queue.SimpleQueue()
        places = self.concurrency * len(self._urls)
        with Loop() as loop:
            asking = loop.run(self._open(places))
            try:
                submitted = 0
                for request in itertools.islice(pending, 2 * places):
                    loop.start(self._answer_into(done, asking, request))
                    submitted += 1
                while submitted:
                    answered = done.get()
                    if isinstance(answered, BaseException):
                        raise answered
                    submitted -= 1
                    for request in itertools.islice(pending, 1):
                        loop.start(self._answer_into(done, asking, request))
                        submitted += 1
                    yield answered
            finally:
                loop.cancel()
                loop.run(asking.session.close())

    async def _open(self, places: int) -> _Asking:
        servers = Servers(
            [make() for make in self._urls],
            concurrency=self.concurrency,
            retry=self.retry,
            per_minute=self._pace,
            max_wait=self._max_wait,
            say=self._say,
        )
        return _Asking(self._session(places), servers, asyncio.Semaphore(places))

    def _session(self, places: int, timeout: float | None = None) -> aiohttp.ClientSession:
        import aiohttp

        total = timeout or self.timeout
        return aiohttp.ClientSession(
            headers={"Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=total, sock_connect=min(CONNECTING, total)),
            connector=aiohttp.TCPConnector(limit=places),
        )

    async def _answer_into(
        self, done: queue.SimpleQueue[Answered | BaseException], asking: _Asking, request: Request
    ) -> None:
        """Answer one request; what goes wrong unforeseen ends the run rather than this request's wait."""
        try:
            async with asking.places:
                done.put((request, await self._answer(asking, request)))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            done.put(error)
            raise

    async def _answer(self, asking: _Asking, request: Request) -> Response:
        """The response to one request, or why there is none."""
        try:
            images = [
                await asyncio.to_thread(encode, image, request.pixels, self._rule) for image in request.images
            ]
        except ImageError as error:
            return _no(f"image {error}")
        try:
            return await self._ask(asking, request, images)
        except (AttemptError, GivenUpError) as error:
            return _no(self._shown(str(error)))

    async def _ask(self, asking: _Asking, request: Request, images: list[EncodedImage]) -> Response:
        """Send a request until it is answered.

        Raises:
            AttemptError: it gets no answer.
            GivenUpError: there is no server to ask.
        """
        servers, tries = asking.servers, Tries()
        sent: dict[str, Any] | None = None
        while True:
            fields = self._fields.of(request.sampling)
            if fields != sent:
                data, sent = body(self.model, request, images, fields), fields
            if why := self._fields.too_long(sent):
                raise AttemptError(why, Kind.REFUSED)
            server = await servers.take(tries)
            try:
                response = await self._attempt(asking.session, server, data, images)
            except AttemptError as error:
                if self._adapted(servers, server, error, sent, tries):
                    continue
                if not servers.failed(server, error, tries):
                    raise
            else:
                servers.answered(server, tries)
                self._sent = tuple(sent)
                self._fields.took(sent)
                return response
            finally:
                servers.release(server)
            await asyncio.sleep(tries.pause)

    def _adapted(
        self, servers: Servers, server: Server, error: AttemptError, sent: dict[str, Any], tries: Tries
    ) -> bool:
        """Whether a refusal is about a field of ours, which is sent otherwise from now on."""
        if error.status not in (400, 422):
            return False
        try:
            finding = self._fields.learn(error.said, error.reply, sent)
        except UsageError as refused:
            servers.give_up(server, f"{refused}: {error}")
            return True
        if finding is None:
            return False
        servers.reached(server, tries)
        if finding.line:
            self._say(line := f"{self.model}: {finding.line}")
            if finding.decides:
                self._notes.append(self._shown(line))
        return True

    async def _attempt(
        self, session: aiohttp.ClientSession, server: Server, data: bytes, images: list[EncodedImage]
    ) -> Response:
        """Send a request once. Here, and nowhere else, what a server or the network does becomes an error.

        Raises:
            AttemptError: there is no answer, whatever the reason.
        """
        import aiohttp

        started = time.perf_counter()
        try:
            async with session.post(
                server.url, data=data, headers=server.headers, proxy=server.proxy, allow_redirects=False
            ) as reply:
                raw = await _read(reply, server.name)
            if not 200 <= reply.status < 300:
                raise failure(server.name, reply.status, raw, reply.headers, self._secrets)
            shown = Shown(tuple(image.size for image in images), time.perf_counter() - started)
            return completion(server.name, raw, shown, self._secrets)
        except AttemptError:
            raise
        except aiohttp.ClientConnectorCertificateError as error:
            raise AttemptError(f"{server.name}: {error}", Kind.HOPELESS) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise AttemptError(f"{server.name}: {error or type(error).__name__}", Kind.DOWN) from None
        except TimeoutError:
            raise AttemptError(f"{server.name}: no answer in {self.timeout:g} s", Kind.PASSING) from None
        except FAULTS as error:
            why = named(error)
            raise AttemptError(f"{server.name}: {why}", Kind.PASSING) from error

    def check_model(self) -> None:
        """Ask each server for its models, where it lists them.

        A server that cannot be reached, or lists nothing that can be read, passes: asking will show.

        Raises:
            UsageError: a server lists models, and this is none of them.
        """
        with Loop() as loop:
            for make in self._urls:
                server = make()
                names = loop.run(self._models(server))
                if names and not any(_same_model(self.model, name) for name in names):
                    close = nearest(self.model, names[:50])
                    raise UsageError(f"--model {self.model}: {server.name} has no such model{close}")

    async def _models(self, server: Server) -> list[str]:
        """The names that a server lists; none where it does not."""
        import aiohttp

        url = server.url.replace("/chat/completions", "/models", 1)
        session = self._session(1, LISTING)
        try:
            async with session.get(
                url, headers=server.headers, proxy=server.proxy, allow_redirects=False
            ) as reply:
                listed = json.loads(await _read(reply, server.name)) if reply.status == 200 else None
        except (aiohttp.ClientError, AttemptError, OSError, ValueError, RecursionError):
            return []
        finally:
            await session.close()
        data = listed.get("data") if isinstance(listed, dict) else None
        models = data if isinstance(data, list) else []
        names = [model.get("id") for model in models if isinstance(model, dict)]
        return [name for name in names if isinstance(name, str)]


class _Asking:
    """What one call of `generate` asks with."""

    def __init__(self, session: aiohttp.ClientSession, servers: Servers, places: asyncio.Semaphore) -> None:
        self.session, self.servers, self.places = session, servers, places


def _no(error: str) -> Response:
    return Response("", "error", error=error)


def _same_model(asked: str, listed: str) -> bool:
    """Whether a listed name is the one asked for; Ollama and Gemini list names that they know shortened too."""
    return listed in (asked, f"{asked}:latest", f"models/{asked}")


def _proxy(url: SplitResult) -> str | None:
    """The proxy of the environment for an address; None for this machine and what `no_proxy` names."""
    host = url.hostname or ""
    place = f"{host}:{url.port}" if url.port and ":" not in host else host
    if host == "localhost" or host.startswith("127.") or host == "::1" or proxy_bypass(place):
        return None
    proxies = getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if found is None:
        return None
    if "://" not in found:
        found = f"http://{found}"
    if not found.startswith(("http://", "https://")):
        raise UsageError(f"the environment's proxy {without_secrets(found)} is not an HTTP proxy: unset it")
    return found


async def _read(reply: aiohttp.ClientResponse, name: str) -> bytes:
    """The body of a reply.

    Raises:
        AttemptError: it is too large.
    """
    if reply.content_length is not None and "Content-Encoding" not in reply.headers:
        if reply.content_length <= LARGEST:
            return await reply.read()
        raise AttemptError(
            f"{name}: a reply of {reply.content_length} bytes", Kind.REFUSED, status=reply.status
        )
    pieces, size = [], 0
    async for piece in reply.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            reply.close()
            raise AttemptError(f"{name}: a reply of over {LARGEST} bytes", Kind.REFUSED, status=reply.status)
    return b"".join(pieces)
