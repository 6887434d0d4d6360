"""Faults at the places where a command meets the system, foreign code or the network.

`recorded` runs a command and lists its points: each place in our code (file and line) from which one of
`PRIMITIVES` was called, found by looking at the stack, so that no list of places has to be kept up to date.
`injected` runs a command with one fault at one of them.
"""

from __future__ import annotations

import asyncio
import builtins
import errno
import io
import json
import os
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).parents[2]
OURS = tuple(f"{ROOT / name}/" for name in ("harness", "tasks", "scorers", "training", "reports"))

FOR_PLUGINS = "injector_of_faults"
"""Under this name plugins find the injector among the modules."""
FAULTS: dict[str, Callable[[], BaseException]] = {
    "Exception": lambda: Exception("injected"),
    "EIO": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "ENOSPC": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "cancelled": KeyboardInterrupt,
}


@dataclass(frozen=True, order=True)
class Point:
    """A place of our code that calls a primitive."""

    primitive: str
    place: str
    """File and line, and the function, as `harness/jsonl.py:120 write_atomic`."""


@dataclass
class Injector:
    """What happens at points: they are counted, and one of them fails once."""

    at: Point | None = None
    hit: int = 1
    """Which of its hits fails."""
    fault: Callable[[], BaseException] = Exception
    seen: Counter[Point] = field(default_factory=Counter)
    done: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def meet(self, primitive: str) -> None:
        """A primitive is about to be called."""
        place = _place()
        if place is None:
            return
        point = Point(primitive, place)
        with self._lock:
            self.seen[point] += 1
            due = point == self.at and self.seen[point] == self.hit and not self.done
            self.done = self.done or due
        if due:
            fault = self.fault()
            # Ctrl-C reaches the main thread only, and a request is cancelled in the thread of its loop.
            if (
                isinstance(fault, KeyboardInterrupt)
                and threading.current_thread() is not threading.main_thread()
            ):
                if not _in_loop():
                    return
                raise asyncio.CancelledError
            raise fault


def _in_loop() -> bool:
    try:
        return asyncio.get_running_loop() is not None
    except RuntimeError:
        return False


def _place() -> str | None:
    """The innermost frame of our own code."""
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(OURS):
            return f"{Path(code.co_filename).relative_to(ROOT)}:{frame.f_lineno} {code.co_name}"
        if code.co_filename.startswith(str(Path(threading.__file__).parent / "importlib")):
            return None  # an import reads files of its own
        frame = frame.f_back  # type: ignore[assignment]
    return None


class _File:
    """An open file whose reads, writes and flushes are primitives too."""

    def __init__(self, file: Any, injector: Injector) -> None:
        self._file, self._injector = file, injector

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._file, name)
        if name not in ("read", "write", "flush"):
            return found

        def met(*args: Any) -> Any:
            self._injector.meet(f"file.{name}")
            return found(*args)

        return met

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)


def _primitives() -> list[tuple[Any, str]]:
    import aiohttp
    import jinja2
    import PIL.Image

    return [
        *((os, name) for name in ("open", "write", "fsync", "replace", "rename", "unlink", "mkdir", "rmdir")),
        *((os, name) for name in ("ftruncate", "scandir", "read", "pread", "pwrite")),
        (shutil, "rmtree"),
        (io, "open"),
        (builtins, "open"),
        (json, "loads"),
        (json, "dumps"),
        (PIL.Image, "open"),
        (PIL.Image.Image, "load"),
        (PIL.Image.Image, "convert"),
        (jinja2.Template, "render"),
        (aiohttp.ClientSession, "post"),
        (aiohttp.ClientResponse, "read"),
        (aiohttp.ClientSession, "close"),
        (asyncio, "sleep"),
        (asyncio, "to_thread"),
        (asyncio.Semaphore, "acquire"),
        (threading.Thread, "start"),
        *_of_training(),
    ]


def _of_training() -> list[tuple[Any, str]]:
    """Those of torch, where it is in use."""
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    return [(torch, "save"), (torch, "load"), (torch.Tensor, "backward"), (torch.nn.utils, "clip_grad_norm_")]


def _wrapped(original: Callable[..., Any], name: str, injector: Injector) -> Callable[..., Any]:
    if asyncio.iscoroutinefunction(original):

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            injector.meet(name)
            return await original(*args, **kwargs)

        return awaited

    def called(*args: Any, **kwargs: Any) -> Any:
        injector.meet(name)
        found = original(*args, **kwargs)
        return _File(found, injector) if name in ("io.open", "builtins.open") else found

    return called


@contextmanager
def injecting(injector: Injector) -> Iterator[Injector]:
    """Within the block every primitive asks the injector first. Plugins ask it by `meet`."""
    with ExitStack() as stack:
        for owner, name in _primitives():
            label = f"{getattr(owner, '__name__', owner)}.{name}"
            stack.enter_context(mock.patch.object(owner, name, _wrapped(getattr(owner, name), label, injector)))
        sys.modules[FOR_PLUGINS] = injector  # type: ignore[assignment]
        stack.callback(sys.modules.pop, FOR_PLUGINS)
        yield injector
