"""What a request to a server holds, and what refusals teach about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import UsageError
from harness.models.openai import OpenAIBackend
from harness.models.server_request import OWN, Fields, refused_fields
from harness.types import Request, Sampling
from tasks.types import Response
from tests.scripted_server import Reply, Scripted, error, said, scripted

SENT = {"max_tokens": 16, "temperature": 0.0, "top_p": 0.5, "seed": 7, "top_k": 5}


def ask(
    server: Scripted, count: int = 12, *, limit: int = 16, **how: Any
) -> tuple[OpenAIBackend, list[Response]]:
    backend = OpenAIBackend("m", server.url, concurrency=4, **how)
    asked = [Request(str(number), (f"q{number}",), (), Sampling(limit)) for number in range(count)]
    return backend, [response for _, response in backend.generate(asked)]


@pytest.mark.parametrize(
    ("reply", "fields"),
    [
        (error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."), ["max_tokens"]),
        (error("Unsupported value", param="temperature", code="unsupported_value"), ["temperature"]),
        (
            error("'temperature' does not support 0 with this model. Only the default (1) value."),
            ["temperature"],
        ),
        (error("Input validation error: `temperature` must be strictly positive"), ["temperature"]),
        (error("Unrecognized request argument supplied: seed"), ["seed"]),
        (error("Unrecognized request arguments supplied: seed, top_k"), ["seed", "top_k"]),
        (error('Invalid JSON payload received. Unknown name "seed": Cannot find field.'), ["seed"]),
        (error("unknown field `seed`, expected one of `model`, `temperature`, `top_p`"), ["seed"]),
        (error("`temperature` and `top_p` cannot both be specified"), ["temperature", "top_p"]),
        ({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}, ["seed"]),
        (
            {
                "message": {
                    "detail": [{"type": "extra_forbidden", "loc": ["body", name]} for name in ("seed", "top_k")]
                }
            },
            ["seed", "top_k"],
        ),
        ({"message": "[{'type': 'extra_forbidden', 'loc': ('body', 'top_p')}]"}, ["top_p"]),
        (error("max_tokens must be at least 1, got -80"), []),
        (error("'max_tokens' or 'max_completion_tokens' is too large: 4096"), []),
        (error("The image is not supported: WEBP"), []),
        (error("Your content was flagged: it tells how to set the temperature of an oven"), []),
        ([], []),
    ],
)
def test_a_refusal_is_about_the_fields_that_it_names(reply: Any, fields: list[str]) -> None:
    message = reply["error"]["message"] if isinstance(reply, dict) and "error" in reply else json.dumps(reply)
    assert sorted(refused_fields(message, reply, SENT)) == fields


def test_what_changes_nothing_is_left_out_first() -> None:
    text = "`temperature` and `top_p` cannot both be specified"
    assert refused_fields(text, error(text), SENT | {"top_p": 1.0})[0] == "top_p"


def test_the_token_limit_goes_where_the_server_wants_it() -> None:
    def reply(_: int, body: dict[str, Any]) -> Reply:
        if "max_tokens" in body:
            return 400, error("'max_tokens' is not supported. Use 'max_completion_tokens'.", param="max_tokens")
        return 200, said()

    with scripted(reply) as server:
        lines: list[str] = []
        backend = OpenAIBackend("m", server.url, concurrency=4)
        backend.listen(lines.append)
        requests = [Request(str(number), ("q",), (), Sampling(16)) for number in range(40)]
        assert all(response.error is None for _, response in backend.generate(requests))
    assert lines == ["m: max_tokens is refused: max_completion_tokens is sent in its place"]
    assert sum("max_tokens" in body for body in server.asked) <= 4  # those that were in flight
    assert all(body.get("max_completion_tokens", 16) == 16 for body in server.asked)
    assert backend.found()["renamed"] == {"max_tokens": "max_completion_tokens"}
    assert backend.describe() == OpenAIBackend("m", server.url).describe()


def test_a_refused_temperature_is_left_out_and_said() -> None:
    def reply(_: int, body: dict[str, Any]) -> Reply:
        if body.get("temperature", 1) != 1:
            return 400, error("'temperature' does not support 0.0: only the default (1)", param="temperature")
        if "seed" in body:
            return 422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]}
        return 200, said()

    with scripted(reply) as server:
        backend, responses = ask(server)
    assert all(response.error is None for response in responses)
    found = backend.found()
    assert found["fields"] == ["max_tokens", "top_p"]
    assert set(found["left_out"]) == {"temperature", "seed"}
    assert "not greedy" in found["notes"][0]


def test_what_was_taken_once_is_not_what_is_refused() -> None:
    def reply(number: int, _: dict[str, Any]) -> Reply:
        return (200, said()) if number == 0 else (400, error("Unknown parameter: 'seed'"))

    with scripted(reply) as server:
        backend = OpenAIBackend("m", server.url, concurrency=1)
        requests = [Request(str(number), ("q",), (), Sampling(16)) for number in range(3)]
        errors = [response.error is not None for _, response in backend.generate(requests)]
    assert errors == [False, True, True]
    assert "left_out" not in backend.found()


@pytest.mark.parametrize(
    ("how", "name", "flag"),
    [
        ({"extra_body": {"top_k": 5}}, "top_k", "--extra-body"),
        ({"template_vars": {"enable_thinking": False}}, "chat_template_kwargs", "--template-var"),
    ],
)
def test_what_the_user_gave_is_not_left_out(how: dict[str, Any], name: str, flag: str) -> None:
    def reply(_: int, body: dict[str, Any]) -> Reply:
        return (400, error(f"Unknown parameter: '{name}'")) if name in body else (200, said())

    with scripted(reply) as server:
        _, responses = ask(server, 50, **how)
    assert all(f"refuses {name}, which {flag} gives" in str(response.error) for response in responses)
    assert len(server.asked) <= 4


def test_fields_that_are_given_win_and_those_omitted_are_absent() -> None:
    fields = Fields({"temperature": 1, "chat_template_kwargs": {"b": 2}}, ("seed",), {"a": 1, "b": 1})
    assert fields.of(Sampling(16)) == {
        "max_tokens": 16,
        "temperature": 1,
        "top_p": 1.0,
        "chat_template_kwargs": {"a": 1, "b": 2},
    }
    assert set(Fields({"max_completion_tokens": 8}).of(Sampling(16))) == {*OWN, "max_completion_tokens"} - {
        "max_tokens"
    }
    assert fields.describe().keys() == {"extra_body", "omit"}
    assert Fields().describe() == {}


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"given": {"messages": []}}, "--extra-body: messages cannot be given"),
        ({"given": {"stream": True}}, "responses are read whole"),
        ({"omit": ("model",)}, "--omit model: it cannot be left out"),
        ({"omit": ("temprature",)}, "did you mean 'temperature'"),
    ],
)
def test_fields_that_cannot_be_are_usage_errors(how: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        Fields(**how)


@pytest.mark.parametrize(
    ("message", "room"),
    [
        ("This model's maximum context length is 2048 tokens and your request has 1900", 2048),
        ("maximum context length is 4,096 tokens. However, you requested 9000 tokens", 4096),
        ("The input (5000 tokens) is longer than the model's context length (4096 tokens).", 4096),
        ("the request exceeds the available context size (4096 tokens), try increasing it", 4096),
        ("Please reduce the length: the context window is 128k", None),
        ("context_length_exceeded: 300 tokens too many", None),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", None),
        ("The prompt is too long, unsupported", None),
    ],
)
def test_the_context_length_is_taken_from_a_refusal(message: str, room: int | None) -> None:
    fields = Fields()
    assert fields.learn(message, error(message), fields.of(Sampling(16))) is None
    assert fields.room == room


def test_only_requests_that_cannot_fit_are_kept_back() -> None:
    def reply(_: int, body: dict[str, Any]) -> Reply:
        if body["max_tokens"] + 100 > 2048:
            return 400, error("This model's maximum context length is 2048 tokens: 1900 + more are asked for")
        return 200, said()

    with scripted(reply) as server:
        backend = OpenAIBackend("m", server.url, concurrency=4)
        limits = [4096] * 300 + [2000] * 3 + [128] * 5
        requests = [Request(str(number), ("q",), (), Sampling(limit)) for number, limit in enumerate(limits)]
        answers = {
            request.sampling.max_new_tokens: response for request, response in backend.generate(requests)
        }
    sent = [body["max_tokens"] for body in server.asked]
    assert sent.count(4096) <= 4
    assert (sent.count(2000), sent.count(128)) == (3, 5)
    assert answers[128].error is None
    assert answers[4096].error == "the server has a context of 2048 tokens, --max-new-tokens is 4096: lower it"


def test_a_limit_on_responses_is_taken_from_a_refusal_too() -> None:
    fields = Fields()
    text = "max_tokens is too large: 32000. This model supports at most 16384 completion tokens."
    assert fields.learn(text, error(text), fields.of(Sampling(32000))) is None
    assert fields.too_long(fields.of(Sampling(32000))) is not None
    assert fields.too_long(fields.of(Sampling(16384))) is None
