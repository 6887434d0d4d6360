"""A local server with the OpenAI chat API: `python tests/chat_server.py PORT [BEHAVIOUR]`.

It answers with what it received, so that a test can check it: the text, the MIME type and size of each image.
Behaviours: `echo`; `flaky` (every first attempt of a prompt gets 503); `down` (always 500); `denied` (401);
`garbage` (200, no JSON); `reasoning`; `length`; `hang`; `constant` (decodes nothing); `said` and `thought` (the
prompt as content, or as reasoning, cut by the limit).
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
from collections import Counter
from typing import Any

import PIL.Image
from aiohttp import web

seen: Counter[str] = Counter()
in_flight = {"now": 0, "most": 0}


def describe(message: dict[str, Any]) -> str:
    if isinstance(message["content"], str):
        return f"{message['role']}:{message['content']}"
    pieces = []
    for part in message["content"]:
        if part["type"] == "text":
            pieces.append(part["text"])
        else:
            mime, data = part["image_url"]["url"].split(";base64,")
            picture = PIL.Image.open(io.BytesIO(base64.b64decode(data)))
            pieces.append(f"[{mime.removeprefix('data:')} {picture.width}x{picture.height}]")
    return "".join(pieces)


async def chat(request: web.Request) -> web.Response:
    behaviour = request.app["behaviour"]
    body = await request.read()
    in_flight["now"] += 1
    in_flight["most"] = max(in_flight.values())
    try:
        if behaviour == "constant":
            return completion("A")
        payload = json.loads(body)
        text = " / ".join(describe(message) for message in payload["messages"])
        seen[text] += 1
        if behaviour == "down":
            return web.Response(status=500, text="out of order")
        if behaviour == "denied":
            return web.Response(status=401, text="wrong key")
        if behaviour == "garbage":
            return web.Response(text="<html>")
        if behaviour == "hang":
            await asyncio.sleep(60)
        if behaviour == "flaky" and seen[text] == 1:
            return web.Response(status=503, text="try again")
        await asyncio.sleep(0.01)
        if behaviour == "reasoning":
            return completion("B", reasoning_content="is it A?")
        if behaviour == "length":
            return completion(None, "length", reasoning_content="is it A? is it")
        if behaviour == "said":
            return completion(text, "length")
        if behaviour == "thought":
            return completion(None, "length", reasoning_content=text)
        extra = {key: payload[key] for key in ("max_tokens", "temperature", "top_p", "seed", "model")}
        extra |= {key: payload[key] for key in ("skip_special_tokens",) if key in payload}
        return completion(f"{text} {json.dumps(extra)}")
    finally:
        in_flight["now"] -= 1


def completion(text: str | None, finish_reason: str = "stop", **message: str) -> web.Response:
    return web.json_response(
        {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, **message},
                    "finish_reason": finish_reason,
                }
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
    )


async def stats(_: web.Request) -> web.Response:
    return web.json_response({"requests": seen.total(), "again": seen.total() - len(seen), **in_flight})


def application(behaviour: str) -> web.Application:
    app = web.Application(client_max_size=2**30)
    app["behaviour"] = behaviour
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/health", lambda _: web.Response(text="ok"))
    app.router.add_get("/stats", stats)
    return app


if __name__ == "__main__":
    web.run_app(
        application(sys.argv[2] if len(sys.argv) > 2 else "echo"),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        print=None,
    )
