"""The words between the engine and the model backends: `Request`, `Sampling`, `Backend`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from scorers.types import Coords
from tasks.images import ImageRef
from tasks.prompts import Part
from tasks.types import Response


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to generate. Temperature 0 is greedy."""

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    """Of this request alone: a hash of the run's seed and the request's key."""


@dataclass(frozen=True, slots=True)
class PixelLimits:
    """Bounds on width × height of an image as the model sees it; None: the processor's own."""

    min_pixels: int | None = None
    max_pixels: int | None = None


NO_LIMITS = PixelLimits()


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt for a model. `key` is the engine's; a backend only hands it back."""

    key: str
    parts: tuple[Part, ...]
    images: tuple[ImageRef, ...]
    sampling: Sampling
    pixels: PixelLimits = NO_LIMITS
    system_prompt: str | None = None


class Backend(Protocol):
    """A model that answers requests.

    Backends do not retry what cannot succeed and never invent text: a request that gets no answer comes back
    as a `Response` with `error` set.
    """

    name: str
    """`hf`, `vllm`, `openai`, `mock`, or a third party's."""
    coords: Coords | None
    """The model family's coordinate convention; None where it is unknown."""

    def describe(self) -> dict[str, Any]:
        """What identifies the model, as plain JSON: path or name, fingerprint of weights, revision, dtype.

        Part of `generation_sha`: a response is reused only where all of this is equal.
        """
        ...

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answer requests, yielding each as it finishes, in any order.

        Requests are pulled as the backend has room, so a lazily prepared stream is never held whole.
        """
        ...

    # A backend may have, beside these:
    # `notes`, lines for the user to read before anything is asked;
    # `listen(hear)`, which has lines told to `hear` while it answers, from any thread;
    # `found()`, plain JSON that `run.json` keeps under "found": what was found out while asking that is no part
    # of the identity. Its "notes" are lines that stand under the scores.

    def close(self) -> None:
        """Free the model or the connections."""
        ...
