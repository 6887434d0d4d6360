"""Ids for rows that have none: a hash of what the row asks about what image."""

from __future__ import annotations

import hashlib
from typing import Any

from tasks.options import image_key


def content_id(*texts: str, image: Any) -> str:
    """16 hex digits that differ where a text or the image does.

    Args:
        texts: what tells rows about one image apart: the question, the gold answer.
        image: as the row holds it; None where images are left out.
    """
    content = "\0".join((*texts, image_key(image)))
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
