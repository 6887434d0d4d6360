"""The loop: exact continuation, what may go wrong, and what is written down."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import training.models
from harness.errors import HarnessError, UsageError
from harness.models.asking import read_asking, read_training
from scorers.types import Answer, Score
from tasks.images import ImageRef
from tasks.types import Sample
from training import checkpoint
from training.data.dataset import HeldProblems
from training.data.prompt_stream import PromptStream
from training.filtering import Acceptance
from training.log import StepLog, read_steps, tracker
from training.models import load_model, save_model
from training.parts import freeze, parts_of
from training.recipe import Recipe
from training.rollout_log import PICTURED

TESTS = Path(__file__).parent


def run(trainer: Any) -> dict[str, torch.Tensor]:
    """Run to the end, from the latest checkpoint where there is one; the weights."""
    done = trainer.resume()
    trainer.run(StepLog(trainer.stage.folder / "steps.jsonl", done), done)
    return {name: parameter.detach().clone() for name, parameter in trainer.policy.model.named_parameters()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def straight(policy_fakes: ModuleType, policy_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of three steps that nothing interrupted: (folder, weights)."""
    out = tmp_path_factory.mktemp("straight")
    return out, run(policy_fakes.trainer(policy_model, out))


def test_training_moves_the_weights_and_logs_each_step(
    straight: Any, policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    out, weights = straight
    assert not equal(weights, policy_fakes.weights(policy_fakes.trainer(policy_model, tmp_path)))
    lines = read_steps(out / "steps.jsonl")
    assert [line["step"] for line in lines] == [1, 2, 3]
    for line in lines:
        assert line["updates"] == 2
        assert set(line["families"]) == {"math", "chart"}
        for family in line["families"].values():
            assert family["responses"] >= 8
            assert 0 < family["acceptance"] <= 1
            assert family["advantage"]["mean"] == pytest.approx(0, abs=1e-6)
            assert 4 < family["entropy"] < 6
            assert {"reward", "value", "length", "clip_share", "unparsed", "truncated"} <= family.keys()
        assert line["grad_norm"] > 0


@pytest.mark.parametrize("stopped", [1, 2])
def test_stopped_after_any_step_it_ends_where_it_would_have(
    straight: Any, policy_fakes: ModuleType, policy_model: Path, tmp_path: Path, stopped: int
) -> None:
    first = policy_fakes.trainer(policy_model, tmp_path, steps=stopped)
    run(first)
    torch.manual_seed(12345)  # whatever another process had drawn
    assert equal(run(policy_fakes.trainer(policy_model, tmp_path)), straight[1])
    lines, expected = read_steps(tmp_path / "steps.jsonl"), read_steps(straight[0] / "steps.jsonl")
    assert [without_time(line) for line in lines] == [without_time(line) for line in expected]


def without_time(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in ("seconds", "time")}


KILLED = """
import sys, torch
sys.path.insert(0, sys.argv[1])
torch.set_num_threads(1)
from pathlib import Path
import policy_fakes
from training.log import StepLog
from training.rollout import PolicyBackend

model, out = Path(sys.argv[2]), Path(sys.argv[3])
trainer = policy_fakes.trainer(model, out)
answers = PolicyBackend._run
def slow(self, batch):
    if (out / "checkpoints" / "step-0000001").exists():
        print("in a rollout of step 2", flush=True)
        import time
        time.sleep(60)
    return answers(self, batch)
PolicyBackend._run = slow
trainer.run(StepLog(out / "steps.jsonl"))
"""


def test_killed_in_a_rollout_it_ends_where_it_would_have(
    straight: Any, policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(TESTS), str(policy_model), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in a rollout of step 2\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        resumed = run(policy_fakes.trainer(policy_model, tmp_path))
        shutil.rmtree(tmp_path)
        whole = run(policy_fakes.trainer(policy_model, tmp_path))
    finally:
        torch.set_num_threads(threads)
    assert equal(resumed, whole)


def test_the_moving_moments_and_the_budgets_are_continued(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    first = policy_fakes.trainer(policy_model, tmp_path, steps=2, advantage="ema_grpo")
    run(first)
    first.budgets["responses"].bad = 3
    first.save(2)
    again = policy_fakes.trainer(policy_model, tmp_path, steps=2, advantage="ema_grpo")
    assert again.resume() == 2
    assert again.moments.by_family == first.moments.by_family
    assert set(again.moments.by_family) == {"math", "chart"}
    assert again.budgets["responses"].bad == 3
    assert again.stepper.updates == first.stepper.updates == 4


@pytest.mark.parametrize("advantage", ["grpo", "dr_grpo", "gdpo", "gs_gdpo"])
def test_every_estimator_trains(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path, advantage: str
) -> None:
    trainer = policy_fakes.trainer(policy_model, tmp_path, advantage=advantage, by="task")
    figures = trainer.step(1)
    assert figures["updates"] > 0
    assert figures["skipped_updates"] == 0
    assert set(figures["families"]) == {"sums", "bars"}


def test_bfloat16_weights_train_and_continue_from_their_float32_copies(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    def make(folder: str, steps: int) -> Any:
        return policy_fakes.trainer(
            policy_model,
            tmp_path / folder,
            steps=steps,
            learning_rate=1e-4,
            around=lambda m: m.to(torch.bfloat16),
        )

    whole = run(make("whole", 2))
    assert {value.dtype for value in whole.values()} == {torch.bfloat16}
    assert not equal(whole, policy_fakes.weights(make("untouched", 1)))
    run(make("parts", 1))
    assert equal(run(make("parts", 2)), whole)


def test_gradient_checkpointing_changes_no_weight(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    def recomputing(model: Any) -> Any:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        return model

    plain = policy_fakes.trainer(policy_model, tmp_path / "plain", steps=1)
    saving = policy_fakes.trainer(
        policy_model, tmp_path / "saving", steps=1, gradient_checkpointing=True, around=recomputing
    )
    expected, found = run(plain), run(saving)
    assert not saving.policy.model.training
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-5)


def test_adapters_train_alone(policy_fakes: ModuleType, policy_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    from transformers import AutoModelForImageTextToText

    from training.models import with_adapters

    plain = AutoModelForImageTextToText.from_pretrained(policy_model, dtype="float32")
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    trainer = policy_fakes.trainer(policy_model, tmp_path, steps=1, around=lambda m: with_adapters(m, 4))
    run(trainer)
    tensors = torch.load(
        tmp_path / "checkpoints" / "step-0000001" / "training" / "tensors.pt", weights_only=True
    )
    assert tensors["weights"]
    assert all("lora_" in name for name in tensors["weights"])
    merged = trainer.policy.model.merge_and_unload().state_dict()
    changed = [name for name in before if not torch.equal(merged[name], before[name])]
    assert changed
    assert all(name.endswith("weight") for name in changed)


def test_by_epochs_it_ends_once_the_rows_have_had_their_turns_wherever_it_was_stopped(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    """Of 16 rows in two families, eight are asked at most in a step: in two rounds of four."""

    def make(folder: str, **changes: Any) -> Any:
        settings = {"steps": None, "epochs": 1.1, "save_every": 50}
        return policy_fakes.trainer(policy_model, tmp_path / folder, **settings | changes)

    whole = run(trainer := make("whole"))
    last = read_steps(tmp_path / "whole" / "steps.jsonl")[-1]["step"]
    assert 3 <= last <= 5
    assert 18 <= trainer.stream.drawn < 26
    assert [path.name for path in checkpoint.found(trainer.stage.checkpoints)] == [f"step-{last:07d}"]
    run(make("parts", steps=1))
    assert equal(run(make("parts")), whole)
    assert equal(run(make("parts")), whole), "complete"
    assert read_steps(tmp_path / "parts" / "steps.jsonl")[-1]["step"] == last


# What may go wrong


def stuck(policy_fakes: ModuleType, policy_model: Path, out: Path, value: float, **changes: Any) -> Any:
    always = policy_fakes.task("sums", scorer=lambda answer, target: Score(value, None))
    return policy_fakes.trainer(policy_model, out, [always], **changes)


@pytest.mark.parametrize(("value", "why"), [(0.0, "too hard"), (1.0, "too easy")])
def test_a_step_without_a_group_that_teaches_changes_nothing(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path, value: float, why: str
) -> None:
    trainer = stuck(policy_fakes, policy_model, tmp_path, value, seed=3)  # under which no thinking stays open
    before = policy_fakes.weights(trainer)
    figures = trainer.step(1)
    assert figures["kept"] == figures["updates"] == 0
    assert figures["prompts"] == 8  # two rounds of four
    assert figures["families"]["math"]["groups"] == {why: 8}
    assert figures["value"] == value
    assert figures["loss"] is None
    assert equal(policy_fakes.weights(trainer), before)


def test_steps_without_a_group_end_the_run_above_their_budget(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(HarnessError, match="6 of 6 steps kept no group, more than the budget of 50%"):
        run(stuck(policy_fakes, policy_model, tmp_path, 0.0, steps=20, fill_rounds=1))


def flaky(answer: Answer, target: Any) -> Score:
    """As `even`, but for one question, whose scorer breaks."""
    from policy_fakes import broken, even

    return broken(answer, target) if target.word == "broken" else even(answer, target)


def test_scorer_errors_leave_their_group_and_are_counted(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    task = policy_fakes.task("sums", scorer=flaky)
    trainer = policy_fakes.trainer(policy_model, tmp_path, [task], rollout_prompts=5, fill_rounds=1)
    targets = map(policy_fakes.WordTarget, ["broken", *["x"] * 4])
    trainer.stream = PromptStream(
        [HeldProblems(task, [Sample(str(i), "?", t) for i, t in enumerate(targets)])], 0
    )
    figures = trainer.step(1)
    assert figures["bad"]["responses"] == 4
    assert figures["responses"] == 16
    assert figures["families"]["math"]["groups"]["too few"] == 1


def test_scorer_errors_end_the_run_above_their_budget(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    task = policy_fakes.task("sums", scorer=policy_fakes.broken)
    with pytest.raises(
        HarnessError, match=r"11 of 11 responses had no verdict, .* sums sums-\d: the worker ran out"
    ):
        run(policy_fakes.trainer(policy_model, tmp_path, [task]))


def test_a_vanished_image_costs_its_prompt_and_is_counted(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    task = policy_fakes.task("sums")
    target = policy_fakes.WordTarget("x")
    gone = Sample("gone", "?", target, images=(ImageRef(tmp_path / "gone.png"),))
    rest = [Sample(str(i), f"{i}?", target, images=(policy_fakes.picture(i),)) for i in range(3)]
    trainer = policy_fakes.trainer(policy_model, tmp_path, [task], fill_rounds=1)
    trainer.stream = PromptStream([HeldProblems(task, [gone, *rest])], 0)
    figures = trainer.step(1)
    assert figures["bad"]["responses"] == 4
    assert figures["families"]["math"]["groups"]["too few"] == 1
    assert figures["responses"] == 12


def test_a_prompt_that_is_too_long_is_not_asked_but_counted(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    task = policy_fakes.task("sums")
    trainer = policy_fakes.trainer(policy_model, tmp_path, [task], fill_rounds=1)
    trainer.stream = PromptStream([policy_fakes.lengths(task, [8, 9])], 0)
    asked = [rollout.request for rollout in policy_fakes.collected(trainer)]
    seen = {
        request.key: trainer.policy._prompter.batch([trainer.policy._prompter.read(request)]).inputs
        for request in asked
    }
    tokens = [seen[request.key]["input_ids"].shape[1] for request in asked]
    assert [trainer.prompt_tokens(request) for request in asked] == tokens
    assert len(set(tokens)) == 2
    bounded = {"max_prompt_tokens": min(tokens), "rollout_prompts": 3}
    trainer = policy_fakes.trainer(policy_model, tmp_path, [task], fill_rounds=1, **bounded)
    trainer.stream = PromptStream([policy_fakes.lengths(task, [8, 9])], 0)
    assert {rollout.prompt.sample.id for rollout in policy_fakes.collected(trainer)} == {"0-8"}
    assert trainer.counted()["bad"]["prompts"] in (2, 3)
    assert trainer.counted()["unreadable"] == 0
    assert trainer.budgets["prompts"].seen == 3 + trainer.counted()["bad"]["prompts"]


def test_a_processor_of_no_known_rule_says_itself_how_long_a_prompt_is(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    trainer = policy_fakes.trainer(policy_model, tmp_path)
    [request, *_] = [rollout.request for rollout in policy_fakes.collected(trainer)]
    tokens = trainer.prompt_tokens(request)
    prompter = trainer.backend._prompter
    prompter.rule = replace(prompter.rule, factor=1)
    assert prompter.read(request).tokens != tokens, "an estimate"
    assert trainer.prompt_tokens(request) == tokens


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([300] * 3, r"math: 5 rows in a row cannot be trained on; the last: sums \d-300: [\d,]+ tokens"),
        ([3] + [300] * 9, r"\d+ of \d+ prompts were too long, .* budget of 50%.*max_prompt_tokens is 200$"),
    ],
)
def test_where_most_prompts_are_too_long_the_run_ends(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path, words: list[int], said: str
) -> None:
    task = policy_fakes.task("sums")
    trainer = policy_fakes.trainer(policy_model, tmp_path, [task], max_prompt_tokens=200)
    trainer.stream = PromptStream([policy_fakes.lengths(task, words)], 0)
    with pytest.raises(HarnessError, match=said):
        run(trainer)


def poison(trainer: Any, where: str) -> None:
    """Make every loss, or every gradient, not a number."""
    log_probabilities = trainer.policy.log_probabilities

    def poisoned(rollouts: Any, **how: Any) -> Any:
        from dataclasses import replace

        found = log_probabilities(rollouts, **how)
        if where == "loss":
            return replace(found, logps=found.logps * float("nan"))
        found.logps.requires_grad and found.logps.register_hook(lambda gradient: gradient * float("inf"))
        return found

    trainer.policy.log_probabilities = poisoned


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_what_is_not_finite_is_skipped_and_counted_and_ends_the_run_above_its_budget(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path, where: str
) -> None:
    trainer = policy_fakes.trainer(policy_model, tmp_path)
    before = policy_fakes.weights(trainer)
    poison(trainer, where)
    figures = trainer.step(1)
    assert figures["skipped_updates"] == 2
    assert figures["updates"] == 0
    json.dumps(figures, allow_nan=False)
    assert equal(policy_fakes.weights(trainer), before)
    with pytest.raises(
        HarnessError, match=f"4 of 4 updates were not finite and skipped.*; the last: the {where}"
    ):
        trainer.step(2)
    assert equal(policy_fakes.weights(trainer), before)


def test_another_scorer_changes_the_training_log(
    straight: Any, policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    def half(answer: Answer, target: str) -> Score:
        return Score(policy_fakes.even(answer, target).value / 2, None)

    tasks = [policy_fakes.task("sums", scorer=half), policy_fakes.task("bars", "chart")]
    changed = policy_fakes.trainer(policy_model, tmp_path, tasks).step(1)
    first = read_steps(straight[0] / "steps.jsonl")[0]
    assert changed["families"]["chart"]["value"] == first["families"]["chart"]["value"]
    assert changed["families"]["math"]["value"] == pytest.approx(first["families"]["math"]["value"] / 2)


# Checkpoints


def test_a_full_disk_leaves_the_last_checkpoint_whole(straight: Any, tmp_path: Path) -> None:
    settings = {"model": "m"}
    tensors = {"weights": torch.ones(2)}
    checkpoint.write(tmp_path, 1, tensors, {"settings": settings}, lambda _: None)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(
            HarnessError, match=r"step-0000002: the checkpoint cannot be written: .*; the last one is"
        ):
            checkpoint.write(
                tmp_path, 2, {"weights": torch.ones(100_000)}, {"settings": settings}, lambda _: None
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001"]
    found = checkpoint.latest(tmp_path, settings)
    assert found is not None
    assert found.step == 1
    assert torch.equal(found.tensors["weights"], tensors["weights"])


def test_the_last_two_checkpoints_stay(straight: Any) -> None:
    assert [path.name for path in checkpoint.found(straight[0] / "checkpoints")] == [
        "step-0000002",
        "step-0000003",
    ]


def test_a_checkpoint_is_a_model_that_can_be_evaluated(straight: Any) -> None:
    from harness.models.hf import HFBackend

    backend = HFBackend(str(straight[0] / "checkpoints" / "step-0000003"), coords="norm1000")
    assert equal(dict(backend.model.named_parameters()), straight[1])


def test_a_checkpoint_of_adapters_names_its_base(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    from training.models import with_adapters

    run(policy_fakes.trainer(policy_model, tmp_path, steps=1, around=lambda model: with_adapters(model, 2)))
    folder = tmp_path / "checkpoints" / "step-0000001"
    settings = json.loads((folder / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(policy_model.resolve())
    assert (folder / "adapter_model.safetensors").exists()
    assert not (folder / "config.json").exists()


def test_a_half_written_checkpoint_is_none(tmp_path: Path) -> None:
    (tmp_path / "step-0000007.partial").mkdir()
    assert checkpoint.latest(tmp_path, {}) is None
    assert list(tmp_path.iterdir()) == [], "nothing is left of it"


def test_a_checkpoint_that_is_being_removed_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(step: int) -> None:
        checkpoint.write(tmp_path, step, {}, {"settings": {}}, lambda _: None)

    def killed(folder: Path, **_: Any) -> None:
        if folder.exists():
            (folder / "training" / "tensors.pt").unlink()
            raise KeyboardInterrupt

    write(1)
    write(2)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            write(3)
    assert [path.name for path in checkpoint.found(tmp_path)] == ["step-0000002", "step-0000003"]
    assert checkpoint.latest(tmp_path, {}) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-0000002", "step-0000003"]


def test_a_model_is_whole_whenever_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(folder: Path, **_: Any) -> None:
        if folder.exists():
            (folder / "weights").unlink()
            raise KeyboardInterrupt

    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
    with monkeypatch.context() as patch:
        patch.setattr(training.models.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            training.models.place(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "weights").read_text() == "new"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": 5e-4}, "learning_rate"),
        ({"responses": 6, "advantage": "grpo"}, "advantage, responses"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    straight: Any, policy_fakes: ModuleType, policy_model: Path, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(
        UsageError, match=f"step-0000003 was made with another {named}: give another out, or remove"
    ):
        policy_fakes.trainer(policy_model, straight[0], **changes).resume()


def test_a_checkpoint_of_another_model_is_refused(
    straight: Any, policy_fakes: ModuleType, policy_model: Path
) -> None:
    from dataclasses import replace

    trainer = policy_fakes.trainer(policy_model, straight[0])
    trainer.stage = replace(trainer.stage, identity={"fingerprint": "another"})
    with pytest.raises(UsageError, match="was made with another fingerprint"):
        trainer.resume()


@pytest.mark.parametrize("name", ["state.json", "tensors.pt"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, name: str) -> None:
    path = checkpoint.write(tmp_path, 1, {"weights": torch.ones(2)}, {"settings": {}}, lambda _: None)
    path = path / "training"
    (path / name).write_bytes((path / name).read_bytes()[:20])
    with pytest.raises(HarnessError, match=r"step-0000001.*remove"):
        checkpoint.latest(tmp_path, {})


# The log


def test_a_continued_log_drops_what_will_be_written_again_and_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    log = StepLog(path)
    for step in (1, 2, 3):
        log(step, {"value": step / 10})
    with path.open("a", encoding="utf-8") as file:
        file.write('{"step": 4, "val')
    before = read_steps(path)
    assert [line["step"] for line in before] == [1, 2, 3]
    again = StepLog(path, done=2)
    again(3, {"value": 0.5})
    lines = read_steps(path)
    assert [line["value"] for line in lines] == [0.1, 0.2, 0.5]
    assert lines[2]["seconds"] >= lines[1]["seconds"]


def test_a_log_that_starts_over_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    StepLog(path)(0, {"eval": 1})
    StepLog(path)(0, {"eval": 2})
    assert [line["eval"] for line in read_steps(path)] == [2]


class FakeLibrary(ModuleType):
    """Stands in for wandb and trackio."""

    def __init__(self) -> None:
        super().__init__("fake")
        self.calls: list[Any] = []

    def init(self, **settings: Any) -> None:
        self.calls.append(settings)

    def log(self, scalars: dict[str, float], step: int) -> None:
        self.calls.append((step, scalars))

    def finish(self) -> None:
        self.calls.append("finished")


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_trackers_get_every_number(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()
    monkeypatch.setitem(sys.modules, name, library)
    to = tracker(name, tmp_path, "run", {"seed": 1})  # type: ignore[arg-type]
    log = StepLog(tmp_path / "steps.jsonl", to=to)
    log(4, {"stage": "g2rpo", "loss": None, "value": 0.5, "families": {"math": {"value": 0.25}}})
    log.close()
    told = library.calls[0]
    assert told.pop("id", None) == (tmp_path / "wandb-id").read_text() if name == "wandb" else True
    assert library.calls == [
        {"project": "harness", "name": "run", "config": {"seed": 1}, "resume": "allow"},
        (4, {"value": 0.5, "families/math/value": 0.25}),
        "finished",
    ]


def test_a_continued_run_goes_on_in_its_run_of_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()
    monkeypatch.setitem(sys.modules, "wandb", library)
    for folder in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        tracker("wandb", folder, "run", {})
    first, again, other = (told["id"] for told in library.calls)
    assert first == again != other
    monkeypatch.setenv("WANDB_PROJECT", "vlm")
    tracker("wandb", tmp_path, "run", {})
    tracker("wandb", tmp_path, "run", {}, "mine")
    assert [told["project"] for told in library.calls] == ["harness"] * 3 + ["vlm", "mine"]


def test_a_tracker_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(
        HarnessError, match="tracker trackio: the package is not installed: pip install trackio"
    ):
        tracker("trackio", tmp_path, "run", {})


def test_no_tracker_is_none(tmp_path: Path) -> None:
    assert tracker("none", tmp_path, "run", {}) is None


def test_what_was_sampled_is_on_the_disk(straight: Any) -> None:
    out, _ = straight
    steps = read_steps(out / "steps.jsonl")
    for step in steps:
        text = (out / "rollouts" / f"step-{step['step']:07d}.jsonl").read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        assert len(lines) == step["responses"]
        assert sum(line["advantage"] is not None for line in lines) >= 2 * step["kept"]
        assert sum(line["reward"] for line in lines) / len(lines) == pytest.approx(step["reward"], abs=1e-5)
        assert {line["family"] for line in lines} == {"math", "chart"}
        assert all(line["images"] == [] or line["images"][0].startswith("sha256:") for line in lines)
        assert {"prompt", "text", "finish_reason", "terms", "status", "extracted", "id"} <= lines[0].keys()
        assert {"reference", "true", "predicted"} <= lines[0].keys()


def test_small_pictures_of_the_first_groups_of_a_family_are_kept(straight: Any) -> None:
    out, _ = straight
    lines = [json.loads(line) for line in (out / "rollouts" / "step-0000001.jsonl").read_text().splitlines()]
    shown = [line for line in lines if line["images"]]
    pictured = {
        (line["family"], line["epoch"], line["index"], line["attempt"]) for line in shown if line["pictures"]
    }
    groups = {(line["family"], line["epoch"], line["index"], line["attempt"]) for line in shown}
    for family in {name for name, *_ in groups}:
        count = sum(name == family for name, *_ in groups)
        assert 0 < sum(name == family for name, *_ in pictured) <= min(count, PICTURED)
    for line in shown:
        for name in line["pictures"]:
            assert (out / "rollouts" / "images" / name).read_bytes().startswith(b"\xff\xd8")


def test_times_and_the_distance_of_the_policy_are_logged(straight: Any) -> None:
    for line in read_steps(straight[0] / "steps.jsonl"):
        assert {"rollout", "reward", "update", "tokens_per_second"} == line["time"].keys()
        assert 0 <= line["clip_high_share"] <= line["clip_share"] <= 1
        assert line["policy_kl"] >= 0
        assert sum(family["policy_kl"] is not None for family in line["families"].values())


def test_the_best_model_is_kept(policy_fakes: ModuleType, policy_model: Path, tmp_path: Path) -> None:
    means = iter([30.0, None, 29.0, 30.5])
    best = {"stage": "g2rpo", "step": 3, "eval": 30.5}
    trainer = policy_fakes.trainer(policy_model, tmp_path, steps=3, eval_every=1, save_every=3)
    trainer.evaluate = lambda step: {"mean": next(means), "categories": {}}
    seen = []
    kept, trainer.best = trainer.best, lambda step, mean: seen.append(mean) or kept(step, mean)
    run(trainer)
    assert seen == [None, 29.0, 30.5]
    assert read_training(tmp_path / "best") == best
    assert read_asking(str(tmp_path / "best"))["prompt"] == trainer.recipe.style
    again = policy_fakes.trainer(policy_model, tmp_path, steps=3, eval_every=1)
    assert again.best(4, 30.5) is None, "as good is not better, also after a new start"
    assert again.best(4, None) is None
    load_model(tmp_path / "best", Recipe())


def test_responses_that_the_limit_cut_may_be_left_out_of_the_update(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    tokens = {}
    for overlong in ("count", "mask"):
        trainer = policy_fakes.trainer(policy_model, tmp_path / overlong, overlong=overlong)
        groups = trainer.collect(1, [], Acceptance())
        for group in groups:
            group[0] = replace(group[0], response=replace(group[0].response, finish_reason="length"))
            group[1:] = [
                replace(each, response=replace(each.response, finish_reason="stop")) for each in group[1:]
            ]
        places = trainer.mini_batches(1, groups)
        tokens[overlong] = sum(len(batch) for batch in places)
    assert tokens["count"] - tokens["mask"] == len(groups)


def test_parts_of_a_model(policy_fakes: ModuleType, policy_model: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText

    def model() -> Any:
        return AutoModelForImageTextToText.from_pretrained(policy_model, dtype="float32")

    part = parts_of(model())
    names = {name: part(name) for name, _ in model().named_parameters()}
    assert set(names.values()) == {"language", "vision", "projector"}
    assert all(("visual" in name) == (where != "language") for name, where in names.items())
    assert all(("merger" in name) == (where == "projector") for name, where in names.items())

    def frozen(given: Any) -> Any:
        freeze(given, ["vision", "projector"])
        return given

    before = model().state_dict()
    trainer = policy_fakes.trainer(policy_model, tmp_path, steps=1, around=frozen)
    run(trainer)
    after = trainer.policy.model.state_dict()
    changed = {names[name] for name in names if not torch.equal(before[name], after[name])}
    assert changed == {"language"}
    with pytest.raises(UsageError, match="nothing is left to train"):
        freeze(model(), ["vision", "projector", "language"])
    with pytest.raises(UsageError, match="has no part that is known as its projector"):
        freeze(torch_model_without_projector(model()), ["projector"])


def torch_model_without_projector(model: Any) -> Any:
    del model.model.visual.merger, model.model.visual.deepstack_merger_list
    return model


def test_adapters_go_where_they_are_told(policy_model: Path) -> None:
    pytest.importorskip("peft")
    from transformers import AutoModelForImageTextToText

    from training.models import with_adapters

    for targets, has in ((("language",), {"language"}), (("vision", "projector"), {"vision", "projector"})):
        model = AutoModelForImageTextToText.from_pretrained(policy_model, dtype="float32")
        part = parts_of(model)
        adapted = with_adapters(model, 4, alpha=6, targets=targets)
        trained = [name for name, each in adapted.named_parameters() if each.requires_grad]
        assert {part(name.removeprefix("base_model.model.")) for name in trained} == has
        assert next(iter(adapted.peft_config.values())).lora_alpha == 6


def test_seconds_are_counted_on(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    StepLog(path)(1, {})
    time.sleep(0.01)
    StepLog(path, done=1)(2, {})
    first, second = read_steps(path)
    assert second["seconds"] >= first["seconds"]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("training/tensors.pt", lambda folder: checkpoint.latest(folder.parent, {})),
        ("model.safetensors", lambda folder: load_model(folder, Recipe())),
    ],
)
def test_one_flipped_byte_is_known(
    straight: Any, tmp_path: Path, name: str, read: Callable[[Path], Any]
) -> None:
    folder = tmp_path / "checkpoints" / "step-0000003"
    shutil.copytree(straight[0] / "checkpoints" / "step-0000003", folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) * 3 // 4] ^= 4
    (folder / name).write_bytes(content)
    with pytest.raises(HarnessError, match=r"is not as it was saved, its hash is not that of SHA256SUMS: "):
        read(folder)


def test_a_model_is_on_the_disk_before_it_has_its_name(
    policy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, renamed = set(), []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        real_sync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        renamed.append(path.name)
        assert {each.stat().st_ino for each in (path, *path.rglob("*"))} <= synced
        return real_rename(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    folder = save_model(load_model(policy_model, Recipe()), policy_model, tmp_path / "model")
    assert renamed == ["model.partial"]
    assert tmp_path.stat().st_ino in synced
    assert (folder / "model.safetensors").is_file()
