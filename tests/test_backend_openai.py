"""The `openai` backend against a local server, as a process of its own."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import PIL.Image
import pytest

from harness.errors import HarnessError, UsageError
from harness.models.openai import OpenAIBackend
from harness.models.pixels import server_rule
from harness.models.server_patience import RetryPolicy
from harness.models.server_reply import Shown, completion
from harness.models.vllm import VLLMBackend
from harness.types import PixelLimits, Request, Sampling
from tasks.images import ImageRef
from tasks.prompts import ImagePart
from tasks.types import Response

SERVER = Path(__file__).with_name("chat_server.py")
FAST = RetryPolicy(attempts=3, first_wait=0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve() -> Iterator[Callable[[str], str]]:
    """Starts a server of the given behaviour; returns its base URL."""
    started = []

    def start(behaviour: str) -> str:
        port = free_port()
        started.append(subprocess.Popen([sys.executable, str(SERVER), str(port), behaviour]))
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
            except urllib.error.URLError:
                time.sleep(0.05)
            else:
                return f"http://127.0.0.1:{port}/v1"
        raise AssertionError("the server did not start")

    yield start
    for process in started:
        process.kill()
        process.wait()


def picture(width: int, height: int, kind: str = "PNG", mode: str = "RGB") -> ImageRef:
    buffer = io.BytesIO()
    PIL.Image.new(mode, (width, height)).save(buffer, kind)
    return ImageRef(buffer.getvalue())


ANY_SIZE = PixelLimits()


def request(key: str = "k", *images: ImageRef, pixels: PixelLimits = ANY_SIZE) -> Request:
    parts = (f"first {key} ", *(ImagePart(index) for index in range(len(images))), " last")
    return Request(key, parts, images, Sampling(16, 0.5, 0.9, seed=2**40 + 5), pixels)


def answer(backend: OpenAIBackend, *requests: Request) -> list[Response]:
    answers = {asked.key: response for asked, response in backend.generate(requests)}
    assert len(answers) == len(requests)
    return [answers[asked.key] for asked in requests]


def test_images_are_interleaved_and_sampling_is_sent(serve: Callable[[str], str]) -> None:
    backend = OpenAIBackend("m", serve("echo"), retry=FAST)
    asked = request("a", picture(40, 30), picture(20, 10, "JPEG"))
    asked = Request(asked.key, asked.parts, asked.images, asked.sampling, system_prompt="be brief")
    [response] = answer(backend, asked)
    text, _, sent = response.text.partition(" {")
    assert text == "system:be brief / first a [image/png 40x30][image/jpeg 20x10] last"
    assert json.loads("{" + sent) == {
        "max_tokens": 16,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": (2**40 + 5) % 2**31,
        "model": "m",
    }
    assert (response.prompt_tokens, response.completion_tokens) == (7, 3)
    assert response.shown == ((40, 30), (20, 10))
    assert response.latency > 0


def test_images_are_fitted_to_pixel_limits_and_unusual_formats_are_re_encoded(
    serve: Callable[[str], str],
) -> None:
    backend = OpenAIBackend("m", serve("echo"), retry=FAST)
    responses = answer(
        backend,
        request("big", picture(400, 200), pixels=PixelLimits(max_pixels=20_000)),
        request("small", picture(10, 10), pixels=PixelLimits(min_pixels=400)),
        request("bmp", picture(30, 30, "BMP")),
        request("cmyk", picture(30, 20, "TIFF", "CMYK")),
    )
    assert [response.shown for response in responses] == [
        ((200, 100),),
        ((20, 20),),
        ((30, 30),),
        ((30, 20),),
    ]
    assert "[image/png 200x100]" in responses[0].text
    assert "[image/png 30x20]" in responses[3].text


def test_pixel_coordinates_get_a_size_that_the_server_leaves_alone(serve: Callable[[str], str]) -> None:
    rule = server_rule("m", "abs", PixelLimits())
    backend = OpenAIBackend("m", serve("echo"), coords="abs", rule=rule, retry=FAST)
    [response] = answer(backend, request("a", picture(640, 427)))
    assert response.shown == ((644, 420),)


def test_no_more_in_flight_than_allowed_and_all_answered(serve: Callable[[str], str]) -> None:
    url = serve("echo")
    backend = OpenAIBackend("m", url, concurrency=5, retry=FAST)
    assert all(r.error is None for r in answer(backend, *(request(str(i)) for i in range(60))))
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/stats") as reply:
        stats = json.load(reply)
    assert stats["requests"] == 60
    assert 1 < stats["most"] <= 5


def test_requests_are_pulled_as_there_is_room(serve: Callable[[str], str]) -> None:
    backend = OpenAIBackend("m", serve("echo"), concurrency=4, retry=FAST)
    pulled = 0

    def stream() -> Iterator[Request]:
        nonlocal pulled
        for index in range(1000):
            pulled += 1
            yield request(str(index))

    answers = backend.generate(stream())
    next(answers)
    assert pulled <= 9
    answers.close()


def test_what_may_pass_is_tried_again(serve: Callable[[str], str]) -> None:
    backend = OpenAIBackend("m", serve("flaky"), retry=FAST)
    assert all(r.error is None for r in answer(backend, *(request(str(i)) for i in range(20))))


@pytest.mark.parametrize(("behaviour", "said"), [("down", "HTTP 500: out of order"), ("denied", "HTTP 401")])
def test_an_erroring_endpoint_fails_every_request_and_is_given_up(
    serve: Callable[[str], str], behaviour: str, said: str
) -> None:
    url = serve(behaviour)
    responses = answer(
        OpenAIBackend("m", url, concurrency=4, retry=FAST), *(request(str(i)) for i in range(300))
    )
    assert all(said in (response.error or "") for response in responses)
    assert all(response.text == "" and response.finish_reason == "error" for response in responses)
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/stats") as reply:
        assert json.load(reply)["requests"] < 60


def test_a_dead_endpoint_is_given_up_quickly() -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    backend = OpenAIBackend("m", url, concurrency=4, retry=FAST, max_wait=0.1)
    responses = answer(backend, *(request(str(i)) for i in range(2000)))
    assert all("Cannot connect" in (r.error or "") for r in responses)
    assert all("given up" in (r.error or "") for r in responses)


def test_no_json_and_no_answer_in_time_are_failures(serve: Callable[[str], str]) -> None:
    [garbage] = answer(OpenAIBackend("m", serve("garbage"), retry=FAST), request())
    assert "not a chat completion" in (garbage.error or "")
    [hung] = answer(OpenAIBackend("m", serve("hang"), timeout=0.2, retry=RetryPolicy(attempts=1)), request())
    assert "no answer in 0.2 s" in (hung.error or "")


@pytest.mark.parametrize(
    ("message", "finish_reason", "text"),
    [
        ({"reasoning_content": "A?", "content": "B"}, "stop", "<think>A?</think>\nB"),
        ({"reasoning": "A?", "content": "B"}, "length", "<think>A?</think>\nB"),
        ({"reasoning": "A?", "content": "\n"}, "length", "<think>A?"),
        ({"reasoning": "A?", "content": None}, "stop", "<think>A?</think>\n"),
        ({"reasoning": "<think>A?", "content": "B"}, "stop", "<think>A?</think>\nB"),
        ({"reasoning": "A?", "content": "<think>A?</think>B"}, "stop", "<think>A?</think>B"),
        ({"reasoning": "", "content": "A?</think>B"}, "stop", "A?</think>B"),
        ({"reasoning": {"effort": "low"}, "content": "B"}, "stop", "B"),
    ],
)
def test_thinking_that_a_server_sends_apart_comes_back_once(
    message: dict[str, object], finish_reason: str, text: str
) -> None:
    reply = {"choices": [{"message": message, "finish_reason": finish_reason}]}
    assert completion("url", json.dumps(reply).encode(), Shown((), 0.1)).text == text


def test_reasoning_is_kept_as_thinking(serve: Callable[[str], str]) -> None:
    [whole] = answer(OpenAIBackend("m", serve("reasoning"), retry=FAST), request())
    assert whole.text == "<think>is it A?</think>\nB"
    [cut] = answer(OpenAIBackend("m", serve("length"), retry=FAST), request())
    assert (cut.text, cut.finish_reason) == ("<think>is it A? is it", "length")


def test_an_undecodable_image_fails_its_own_request_only(serve: Callable[[str], str]) -> None:
    backend = OpenAIBackend("m", serve("echo"), retry=FAST)
    bad, good = answer(backend, request("bad", ImageRef(b"not an image")), request("good"))
    assert "no image of a format that is known" in (bad.error or "")
    assert good.error is None


def test_text_that_is_no_unicode_or_holds_control_characters_is_sent(serve: Callable[[str], str]) -> None:
    backend = OpenAIBackend("m", serve("echo"), retry=FAST)
    odd = Request("k", ("a\x01image\x01b\x00\ud800", ImagePart(0)), (picture(4, 4),), Sampling(4))
    [response] = answer(backend, odd)
    assert "ab\x00" in response.text
    assert response.error is None


def executable(path: Path, code: str) -> str:
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_vllm_is_served_by_a_child_that_ends_with_the_backend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"""
import os, sys
port = sys.argv[sys.argv.index("--port") + 1]
open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
os.execv(sys.executable, [sys.executable, {str(SERVER)!r}, port, "echo"])
"""
    monkeypatch.setenv("HARNESS_VLLM", executable(tmp_path / "vllm", code))
    backend = VLLMBackend("m", coords="norm1000")
    try:
        [(_, response)] = backend.generate([request("a")])
        assert response.text.startswith("first a  last")
    finally:
        backend.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_vllm_that_ends_or_is_absent_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_VLLM", executable(tmp_path / "vllm", "raise SystemExit(7)"))
    with pytest.raises(HarnessError, match="ended with code 7; its log"):
        list(VLLMBackend("m").generate([request("a")]))
    monkeypatch.setenv("HARNESS_VLLM", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="HARNESS_VLLM"):
        VLLMBackend("m")
