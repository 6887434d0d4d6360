"""What a reply of a server means: a response, or which kind of failure."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.models.openai import OpenAIBackend
from harness.models.server_patience import RetryPolicy
from harness.models.server_reply import AttemptError, Kind, Shown, asked_wait, completion, failure
from harness.run.journal import Key, line_of, parse_line
from harness.types import Request, Sampling
from harness.urls import without_secrets
from tests.scripted_server import Reply, error, said, scripted

NOTHING_SHOWN = Shown((), 0.1)


def read(reply: Any) -> Any:
    return completion("host", reply if isinstance(reply, bytes) else json.dumps(reply).encode(), NOTHING_SHOWN)


@pytest.mark.parametrize(
    ("reply", "text", "reason"),
    [
        (said("A"), "A", "stop"),
        (said("A", None), "A", "stop"),
        (said("A", "length"), "A", "length"),
        (
            said(None, "content_filter", refusal="I can't help with that."),
            "I can't help with that.",
            "content_filter",
        ),
        (said("half", "content_filter"), "half", "content_filter"),
        (said(None, "stop", refusal="I cannot"), "I cannot", "stop"),
        (said([{"type": "text", "text": "A"}, {"type": "image"}, "B"]), "AB", "stop"),
        (said([{"type": "text", "text": None}]), "", "stop"),
        (json.dumps(said("Ä")).encode("utf-16"), "Ä", "stop"),
        (b"\xef\xbb\xbf" + json.dumps(said("A")).encode(), "A", "stop"),
    ],
)
def test_completions(reply: Any, text: str, reason: str) -> None:
    response = read(reply)
    assert (response.text, response.finish_reason) == (text, reason)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 3.0}, (7, 3)),
        ({"prompt_tokens": "7", "completion_tokens": [3]}, (0, 0)),
        ({"prompt_tokens": -1, "completion_tokens": 10**30}, (0, 0)),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, (0, 0)),
        ({"prompt_tokens": True}, (0, 0)),
        ("none", (0, 0)),
        (["x"], (0, 0)),
    ],
)
def test_counts_that_no_response_has_are_not_kept(usage: Any, tokens: tuple[int, int]) -> None:
    response = read({**said("A"), "usage": usage})
    assert (response.text, response.prompt_tokens, response.completion_tokens) == ("A", *tokens)


@pytest.mark.parametrize(
    "reply",
    [
        [],
        "A",
        5,
        None,
        {"choices": []},
        {"choices": {}},
        {"choices": [None]},
        {"choices": [{"message": None, "finish_reason": "stop"}]},
        said(5),
        said(True),
        said({"text": "A"}),
        said([{"text": 5}]),
        said("A", "error"),
        {"choices": [{"error": {"message": "overloaded"}, "message": {"content": ""}}]},
        {"error": {"message": "Provider returned error", "code": 502}},
        {"error": "overloaded"},
        b"",
        b"<html>",
        b'{"choices": [{"mess',
        b'{"choices":[{"message":{"content":"A\xff"}}]}',
        b"[" * 200_000,
    ],
)
def test_what_is_no_completion_may_pass(reply: Any) -> None:
    with pytest.raises(AttemptError, match="host: ") as raised:
        read(reply)
    assert raised.value.kind is Kind.PASSING


@pytest.mark.parametrize(
    ("status", "reply", "kind"),
    [
        (400, error("no"), Kind.REFUSED),
        (413, b"", Kind.REFUSED),
        (401, error("wrong key"), Kind.HOPELESS),
        (404, error("no such model"), Kind.HOPELESS),
        (307, b"", Kind.HOPELESS),
        (403, error("flagged"), Kind.FORBIDDEN),
        (429, error("slow down"), Kind.BUSY),
        (429, error("You exceeded your current quota", code="insufficient_quota"), Kind.HOPELESS),
        (500, b"out of order", Kind.PASSING),
        (520, b"", Kind.PASSING),
        (503, b"", Kind.DOWN),
        (200, error("rate limited", code=429), Kind.BUSY),
        (200, error("flagged", code="403"), Kind.FORBIDDEN),
    ],
)
def test_kinds_of_failures(status: int, reply: Any, kind: Kind) -> None:
    raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    if status == 200:
        with pytest.raises(AttemptError) as raised:
            read(raw)
        assert raised.value.kind is kind
    else:
        assert failure("host", status, raw, {}).kind is kind


def test_a_redirect_says_where_to() -> None:
    moved = failure("host", 301, b"", {"Location": "https://host/v1/"})
    assert "HTTP 301 to https://host/v1/: give that as --base-url" in str(moved)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("3", 3),
        ("2.5", 2.5),
        (formatdate(1_000_007, usegmt=True), 7),
        (formatdate(999_000, usegmt=True), 0),
        ("soon", 0),
        ("inf", 0),
        ("nan", 0),
        ("-5", 0),
        ("Wed, 99 Foo", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_own_clock(header: str | None, seconds: float) -> None:
    assert asked_wait(header, formatdate(1_000_000, usegmt=True)) == seconds


def test_what_is_unforeseen_fails_its_request_and_names_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("odd")

    monkeypatch.setattr("harness.models.openai.completion", broken)
    with scripted(lambda *_: (200, said())) as server:
        backend = OpenAIBackend("m", server.url, retry=RetryPolicy(attempts=2, first_wait=0.01))
        [(_, response)] = backend.generate([Request("a", ("q",), (), Sampling(16))])
    assert "KeyError: 'odd'" in (response.error or "")


def test_a_bug_ends_the_run_instead_of_a_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("harness.models.openai.body", broken)
    backend = OpenAIBackend("m", "http://127.0.0.1:9/v1")
    with pytest.raises(HarnessError, match=r"asking ended: KeyError: .a bug."):
        list(backend.generate([Request("a", ("q",), (), Sampling(16))]))


def test_a_reply_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.models.openai.LARGEST", 1000)
    with scripted(lambda number, _: (200, said("A" * (2000 if number == 0 else 1)))) as server:
        backend = OpenAIBackend("m", server.url, concurrency=1)
        large, small = (
            response for _, response in backend.generate(Request(key, ("q",), (), Sampling(16)) for key in "ab")
        )
    assert "a reply of 2" in (large.error or "")
    assert small.text == "A"
    assert len(server.asked) == 2


def test_a_filtered_answer_is_journalled_as_such() -> None:
    key = Key("task", "id", 0, "p", "i", "g")
    line = line_of(key, read(said(None, "content_filter")))
    assert parse_line("task", json.dumps(line).encode()) == (key, read(said(None, "content_filter")))


def test_no_key_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(number: int, _: dict[str, Any]) -> Reply:
        told = server.headers[number]["Authorization"]
        return 400, error(f"{told} {'.' * (193 - 2 * len(told))} {told}")  # the second is cut

    monkeypatch.setenv("OPENAI_API_KEY", "sk-ambient")
    with scripted(reply) as server:
        place = server.url.removeprefix("http://")
        for url, kinds in ((server.url, "Bearer"), (f"http://user:pass%20word@{place}?key=abcdef", "Basic")):
            [(_, response)] = OpenAIBackend("m", url).generate([Request("a", ("q",), (), Sampling(16))])
            assert f"{kinds} *** ." in (response.error or "")
            assert "sk-" not in (response.error or "")
    assert [headers["Authorization"].split()[0] for headers in server.headers] == ["Bearer", "Basic"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "--base-url https://user:p%40ss@host:1/v1?key=abc&api-version=2",
            "https://***@host:1/v1?key=***&api-version=2",
        ),
        ("http://a:b@host/v1,http://c:d@other/v1", "http://***@host/v1,http://***@other/v1"),
        ("http://p@ss:word@host/v1", "http://***@host/v1"),
        ("https://host/v1 a=b", "https://host/v1 a=b"),
    ],
)
def test_addresses_are_shown_without_secrets(text: str, shown: str) -> None:
    assert without_secrets(text).endswith(shown)
