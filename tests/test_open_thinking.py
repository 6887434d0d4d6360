"""Thinking that a prompt's end opened reaches the response, through each backend that can know it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.models import tiny_path
from harness.models.opened import closes_thinking, with_opening
from harness.models.spec import VLLMOptions
from harness.models.vllm import VLLMBackend
from harness.scores import judge
from harness.types import Request, Sampling
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Status
from tasks import load_builtin
from tasks.types import Response

torch = pytest.importorskip("torch")
from harness.models.hf import HFBackend  # noqa: E402 - torch may be absent

SERVER = Path(__file__).with_name("chat_server.py")
SHARED = Path(os.environ.get("HARNESS_SHARED", Path(__file__).parents[2] / "shared"))
CASES = SHARED / "cases" / "reading" / "finish_reason.jsonl"
OPENS = "{%- if add_generation_prompt -%}<|im_start|>assistant\n<think>\n{% endif -%}"


def cut_off() -> list[dict[str, Any]]:
    """Responses that the limit cut in their thinking; one of them is always there."""
    record = {"index": 1, "question": "Which?", "answer": "B", "A": "red", "B": "blue", "category": "c"}
    own = {
        "id": "mmbench-own",
        "record": {**record, "hint": None, "l2-category": "l"},
        "response": "It looks blue, so the answer is B. But wait, the",
        "prompt_ends_with": "<think>\n",
    }
    recorded = CASES.read_text(encoding="utf-8").splitlines() if CASES.exists() else []
    return [own, *map(json.loads, recorded)]


def thinking_tiny(folder: Path, ending: str = OPENS) -> Path:
    """The shipped checkpoint with a template that opens thinking."""
    shutil.copytree(tiny_path(), folder)
    template = folder / "chat_template.jinja"
    written = template.read_text(encoding="utf-8")
    template.write_text(written[: written.rindex("{%- if add_generation_prompt")] + ending, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return thinking_tiny(tmp_path_factory.mktemp("opens") / "thinking")


@pytest.fixture(scope="module")
def backend(checkpoint: Path) -> HFBackend:
    return HFBackend(str(checkpoint), batch_size=4, coords="norm1000")


def says(monkeypatch: pytest.MonkeyPatch, backend: HFBackend, reply: str) -> Request:
    """Have the model say a text of exactly as many tokens as it may; the request to ask it with."""
    tokens = backend.processor.tokenizer(reply, add_special_tokens=False)["input_ids"]

    def generate(input_ids: Any, **_: Any) -> Any:
        return torch.cat([input_ids, torch.tensor([tokens] * len(input_ids))], 1)

    monkeypatch.setattr(backend.model, "generate", generate)
    return Request("k", ("Which?",), (), Sampling(len(tokens)))


def answer(backend: Any, request: Request) -> Response:
    [(_, response)] = backend.generate([request])
    return response


def status(row: dict[str, Any], response: Response) -> tuple[Status, float]:
    task = load_builtin(row["id"].split("-")[0])
    [sample] = task.to_samples(row["record"])
    score = judge(task, sample, response)
    return score.status, score.value


@pytest.mark.parametrize("row", cut_off(), ids=lambda row: row["id"])
def test_hf_cut_off_thinking_is_truncated(
    backend: HFBackend, monkeypatch: pytest.MonkeyPatch, row: dict[str, Any]
) -> None:
    response = answer(backend, says(monkeypatch, backend, row["response"]))
    assert (response.text, response.finish_reason) == (row["prompt_ends_with"] + row["response"], "length")
    assert status(row, response) == (Status.TRUNCATED, 0.0)


def test_hf_thinking_that_ends_leaves_its_answer(backend: HFBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    response = answer(backend, says(monkeypatch, backend, "A is red.</think>B"))
    assert response.text == "<think>\nA is red.</think>B"
    assert status(cut_off()[0], response) == (Status.OK, 1.0)


def test_hf_a_model_that_opens_thinking_again_has_it_once(
    backend: HFBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "<think>A is red.</think>B"
    assert answer(backend, says(monkeypatch, backend, said)).text == said


def test_hf_a_question_that_ends_in_a_tag_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = HFBackend(str(tiny_path()))
    says(monkeypatch, plain, "B")
    assert answer(plain, Request("k", ("Complete: <think>",), (), Sampling(1))).text == "B"


def test_hf_a_failed_request_stays_without_text(backend: HFBackend) -> None:
    from tasks.images import ImageRef
    from tasks.prompts import ImagePart

    broken = Request("k", (ImagePart(0), "What?"), (ImageRef(b"no image"),), Sampling(4))
    assert answer(backend, broken).text == ""


def test_the_description_tells_a_template_that_opens_thinking(backend: HFBackend) -> None:
    assert backend.describe()["template_opens"] == "<think>\n"
    assert "template_opens" not in HFBackend(str(tiny_path())).describe()


@pytest.fixture
def special_tags(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint whose thinking tags are special tokens, which decoding leaves out as a rule."""
    folder = shutil.copytree(checkpoint, tmp_path / "special")
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    for token in tokenizer["added_tokens"]:
        token["special"] |= "think>" in token["content"]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder


def test_hf_tags_that_are_special_tokens_stay_in_the_response(
    special_tags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    special = HFBackend(str(special_tags))
    response = answer(special, says(monkeypatch, special, "A is red.</think><|vision_start|>B"))
    assert response.text == "<think>\nA is red.</think>B"


def test_delimiters_of_one_s_own_are_known_in_the_template(tmp_path: Path) -> None:
    folder = thinking_tiny(tmp_path / "plan", OPENS.replace("think", "plan"))
    own = STANDARD + Delimiters.of({"thinking": [["<plan>", "</plan>"]]})
    request = Request("k", ("Which?",), (), Sampling(4))
    assert answer(HFBackend(str(folder), delimiters=own), request).text.startswith("<plan>\n")
    assert "<plan>" not in answer(HFBackend(str(folder)), request).text


def test_a_run_journals_the_opening_and_judges_it(checkpoint: Path, tmp_path: Path) -> None:
    results = harness.evaluate(
        str(checkpoint),
        tasks="ai2d",
        data="synthetic",
        limit=4,
        max_new_tokens=3,
        coords="norm1000",
        out=str(tmp_path / "run"),
    )
    lines = (tmp_path / "run" / "samples" / "ai2d.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    assert len(texts) == 4
    assert all(text.startswith("<think>") for text in texts)
    assert results.tasks["ai2d"].truncated == 4


def test_the_policy_in_training_is_judged_on_what_evaluation_would_see(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = pytest.importorskip("training.rollout")
    loaded = HFBackend(str(checkpoint))
    policy = rollout.PolicyBackend(loaded.model, loaded.processor, coords=None, described={})
    row = cut_off()[0]
    request = says(monkeypatch, policy, row["response"])
    response = answer(policy, request)
    assert response.text == "<think>\n" + row["response"]
    assert status(row, response) == (Status.TRUNCATED, 0.0)
    assert len(policy.tokens["k"]) == response.completion_tokens == request.sampling.max_new_tokens


def test_the_policys_format_is_that_of_the_whole_response(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = pytest.importorskip("training.rollout")
    from training.response_format import response_format

    loaded = HFBackend(str(checkpoint))
    policy = rollout.PolicyBackend(loaded.model, loaded.processor, coords=None, described={})
    said = "It has leaves, so B.</think><answer>B</answer>"
    response = answer(policy, says(monkeypatch, policy, said))
    assert (response_format(said), response_format(response.text)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("prompt", "closes"),
    [
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", True),
        ("<|im_start|>assistant\n<think>\n", False),
        ("<|im_start|>assistant\n", False),
        ("Think inside <think> </think>.<|im_start|>assistant\n", False),
    ],
)
def test_a_prompt_that_has_thought_already_is_known(prompt: str, closes: bool) -> None:
    assert closes_thinking(prompt) == closes


SERVES = """
import os, sys
port = sys.argv[sys.argv.index("--port") + 1]
os.execv(sys.executable, [sys.executable, {server!r}, port, {behaviour!r}])
"""


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., VLLMBackend]]:
    """A `vllm` backend whose server behaves as told."""
    started: list[VLLMBackend] = []

    def start(checkpoint: Path, behaviour: str, *arguments: str) -> VLLMBackend:
        executable = tmp_path / "vllm"
        code = SERVES.format(server=str(SERVER), behaviour=behaviour)
        executable.write_text(f"#!{sys.executable}\n{code}")
        executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("HARNESS_VLLM", str(executable))
        started.append(VLLMBackend(str(checkpoint), serving=VLLMOptions(shlex.join(arguments))))
        return started[-1]

    yield start
    for backend in started:
        backend.close()


def test_vllm_cut_off_thinking_is_truncated(checkpoint: Path, vllm: Callable[..., VLLMBackend]) -> None:
    backend = vllm(checkpoint, "said")
    assert backend.describe()["template_opens"] == "<think>\n"
    for row in cut_off():
        response = answer(backend, Request("k", (row["response"],), (), Sampling(9)))
        assert response.text == row["prompt_ends_with"] + row["response"]
        assert status(row, response) == (Status.TRUNCATED, 0.0)


def test_vllm_is_asked_for_tags_that_are_special_tokens(
    checkpoint: Path, special_tags: Path, vllm: Callable[..., VLLMBackend]
) -> None:
    asked = Request("k", ("?",), (), Sampling(9))
    assert '"skip_special_tokens": false' in answer(vllm(special_tags, "echo"), asked).text
    assert "skip_special_tokens" not in answer(vllm(checkpoint, "echo"), asked).text


def test_vllm_thinking_that_the_server_took_apart_is_there_once(
    checkpoint: Path, vllm: Callable[..., VLLMBackend]
) -> None:
    backend = vllm(checkpoint, "thought", "--reasoning-parser", "x")
    for row in cut_off():
        response = answer(backend, Request("k", (row["response"],), (), Sampling(9)))
        assert response.text == "<think>" + row["response"]
        assert status(row, response) == (Status.TRUNCATED, 0.0)


def test_vllm_a_server_that_found_no_thinking_to_take_apart_is_believed_unless_cut(
    checkpoint: Path, vllm: Callable[..., VLLMBackend]
) -> None:
    backend = vllm(checkpoint, "constant", "--reasoning-parser=x")
    assert answer(backend, Request("k", ("?",), (), Sampling(9))).text == "A"
    backend = vllm(checkpoint, "said", "--reasoning-parser=x")
    assert answer(backend, Request("k", ("A",), (), Sampling(9))).text == "<think>\nA"


def test_vllm_takes_the_template_and_its_variables_from_the_arguments(
    tmp_path: Path, vllm: Callable[..., VLLMBackend]
) -> None:
    ending = OPENS.replace("<think>\n", "{% if enable_thinking is not defined %}<think>\n{% endif %}")
    folder = thinking_tiny(tmp_path / "hybrid", ending)
    assert "template_opens" in vllm(folder, "said").describe()
    off = ("--default-chat-template-kwargs", '{"enable_thinking": false}')
    assert "template_opens" not in vllm(folder, "said", *off).describe()
    given = ("--chat-template", str(tiny_path() / "chat_template.jinja"))
    assert "template_opens" not in vllm(folder, "said", *given).describe()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--config", "x.yaml"), "--config may change it"),
        (("--default-chat-template-kwargs.enable_thinking", "false"), "enable_thinking may change it"),
        (("--chat-template", "absent.jinja"), "absent.jinja"),
        (("--default-chat-template-kwargs", "{"), "Expecting property name"),
    ],
)
def test_vllm_says_why_the_template_is_not_known(
    checkpoint: Path, vllm: Callable[..., VLLMBackend], arguments: tuple[str, ...], why: str
) -> None:
    [note] = vllm(checkpoint, "said", *arguments).notes
    assert "whether its chat template opens thinking is not known here (" in note
    assert why in note
    assert "\n" not in note


def test_vllm_says_that_a_checkpoint_is_not_here(vllm: Callable[..., VLLMBackend]) -> None:
    [note] = vllm(Path("org/absent"), "said").notes
    assert "org/absent is not in the cache and the hub cannot be reached" in note
    assert vllm(tiny_path(), "said").notes == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so B", "<think>\nso B"),
        ("", "<think>\n"),
        ("so</think>B", "<think>\nso</think>B"),
        ("<think>so</think>B", "<think>so</think>B"),
        ("\n <THINKING>so</THINKING>B", "\n <THINKING>so</THINKING>B"),
        ("B <think>so", "<think>\nB <think>so"),
    ],
)
def test_an_opening_is_put_back_once(text: str, expected: str) -> None:
    assert with_opening(Response(text), "<think>\n").text == expected
    assert with_opening(Response(text), "").text == text
