"""Ids for rows that have none: a hash of what the row asks about what image."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tasks.images import ImageRef, image_key


def content_id(*texts: str, images: Sequence[ImageRef]) -> str:
    """16 hex digits that differ where a text or the image does.

    Args:
        texts: what tells rows about one image apart: the question, the gold answer.
        images: of the row.
    """
    content = "\0".join((*texts, image_key(images)))
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
