"""Images that rows give as addresses: fetched only where the user allows it, with bounds on time and size."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request

from tasks.images import ImageError

SECONDS = 30.0
"""For one image, until it begins to come and between its parts."""
LARGEST = 64 << 20
"""Bytes of an image at most."""


def fetch_image(url: str) -> bytes:
    """The encoded image at an http(s) address; proxies of the environment count.

    Raises:
        ImageError: it cannot be had; the message names the address.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "vlm-harness"})  # noqa: S310 - http(s) alone
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310 # nosec B310 # http(s) alone
            data: bytes = reply.read(LARGEST + 1)
    except (OSError, ValueError, urllib.error.URLError, http.client.HTTPException) as error:
        raise ImageError(f"{url}: {error}") from error
    if len(data) > LARGEST:
        raise ImageError(f"{url}: larger than {LARGEST >> 20} MiB")
    return data
