"""Checkpoints are loaded exactly as they are, or refused in one line that says what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError, UsageError
from harness.models import resolve, tiny_path
from harness.models.classes import device_map
from harness.models.folders import no_model
from harness.models.hf import HFBackend
from harness.models.spec import CheckpointOptions
from harness.types import Request, Sampling

Weights = dict[str, Any]
PROCESSOR = ("preprocessor_config.json", "video_preprocessor_config.json", "chat_template.jinja")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


def copy(folder: Path, without: tuple[str, ...] = ()) -> Path:
    shutil.copytree(tiny_path(), folder, ignore=lambda _, names: [name for name in names if name in without])
    return folder


def changed(folder: Path, change: Callable[[Weights], Weights]) -> Path:
    """The tiny checkpoint with other weights."""
    copy(folder)
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, {"format": "pt"})
    return folder


def grown(weights: Weights) -> Weights:
    name = "model.language_model.embed_tokens.weight"
    return weights | {name: torch.cat([weights[name], weights[name][:8]])}


def not_numbers(weights: Weights) -> Weights:
    name = next(name for name in weights if name.endswith("language_model.norm.weight"))
    return weights | {name: weights[name] * float("nan")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda w: {f"base_model.model.{name}": value for name, value in w.items()},
            r"of \d+ weights missing .*names begin with the wrapper's 'base_model\.model\.'",
        ),
        (lambda w: {f"module.{n}": v for n, v in w.items()}, r"the wrapper's 'module\.'"),
        (
            lambda w: {n.replace("layers.", "layers._orig_mod.", 1): v for n, v in w.items()},
            r"names hold the wrapper's '_orig_mod\.'",
        ),
        (
            lambda w: {n: v for n, v in w.items() if ".layers.2." not in n},
            r"missing \(model\.language_model\.layers\.2 \(all \d+\)\): the model was saved in part",
        ),
        (lambda w: {n: v for n, v in w.items() if "visual" not in n}, r"missing \(model\.visual \(all \d+\)\)"),
        (
            lambda w: w | {"model.extra.weight": torch.zeros(2)},
            r"1 weight that the model has not \(",
        ),
        (grown, r"of another shape \(model\..*: the vocabulary has grown and config\.json is the base model's"),
        (not_numbers, r"NaN or infinity in 1 weight \(model\.language_model\.norm\.weight\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    tmp_path: Path, change: Callable[[Weights], Weights], said: str
) -> None:
    folder = changed(tmp_path / "broken", change)
    with pytest.raises(HarnessError, match=said) as raised:
        HFBackend(str(folder))
    assert "\n" not in str(raised.value)


def test_a_head_that_is_untied_and_was_not_saved_is_refused(tmp_path: Path) -> None:
    folder = copy(tmp_path / "untied")
    config = json.loads((folder / "config.json").read_text())
    config["tie_word_embeddings"] = config["text_config"]["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        HarnessError, match=r"missing \(lm_head\.weight\): config\.json says that the head is not tied"
    ):
        HFBackend(str(folder))


def test_missing_weights_may_be_allowed_and_are_recorded(tmp_path: Path) -> None:
    folder = changed(tmp_path / "half", lambda w: {n: v for n, v in w.items() if ".layers.2." not in n})
    options = CheckpointOptions(allow_missing_weights=True)
    first, second = (HFBackend(str(folder), checkpoint=options) for _ in range(2))
    assert "as --allow-missing-weights allows: what is missing is random" in first.notes[0]
    assert first.describe()["missing_weights"] == {"missing": 11}
    name = "model.language_model.layers.2.mlp.up_proj.weight"
    assert torch.equal(first.model.state_dict()[name], second.model.state_dict()[name])
    assert "missing_weights" not in HFBackend(str(tiny_path()), checkpoint=options).describe()


def test_a_file_that_is_cut_off_or_a_pointer_is_named(tmp_path: Path) -> None:
    folder = copy(tmp_path / "cut")
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HarnessError, match=r"model\.safetensors is damaged .*: copy or download it again"):
        HFBackend(str(folder))
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(HarnessError, match="is a pointer of git-lfs, not the file: git lfs pull"):
        HFBackend(str(folder))


def test_a_shard_that_is_absent_is_named(tmp_path: Path) -> None:
    folder = copy(tmp_path / "shards")
    names = sorted(load_file(folder / "model.safetensors"))
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    shards = {name: f"model-0000{1 + index % 2}-of-00002.safetensors" for index, name in enumerate(names)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    with pytest.raises(HarnessError, match=r"1 of 2 shards of the weights missing, model-00002-of-00002"):
        HFBackend(str(folder))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a/checkpoint-20/trainer_state.json": '{"best_model_checkpoint": "out/checkpoint-10"}'}, None),
        ({"model_world_size_2_rank_0.pt": "x"}, r"verl\.model_merger merge .*EasyR1"),
        ({"global_step500/zero_pp_rank_0_mp_rank_00_model_states.pt": "x"}, r"zero_to_fp32\.py"),
        ({"pytorch_model_fsdp_0/__0_0.distcp": "x"}, "accelerate merge-weights"),
        ({"model-q4.gguf": "x"}, "llama-server"),
        ({}, "the folder is empty"),
    ],
)
def test_folders_that_are_no_model_say_what_makes_one(
    tmp_path: Path, files: dict[str, str], said: str | None
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    if said is None:
        for step in (9, 20):
            place = out / "a" / f"checkpoint-{step}"
            place.mkdir(parents=True, exist_ok=True)
            (place / "config.json").write_text("{}")
            (place / "model.safetensors").write_bytes(b"")
        said = r"did you mean .*checkpoint-20\? \(the latest of 2\); trainer_state\.json calls checkpoint-10"
    with pytest.raises(UsageError, match=said) as raised:
        resolve(str(out))
    assert "\n" not in str(raised.value)


def test_a_file_or_a_path_that_is_not_there_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"")
    assert "is a file: give the folder that it is in" in str(no_model(str(path)))
    assert "no such model folder" in str(no_model(str(tmp_path / "absent")))


@pytest.mark.parametrize("without", [PROCESSOR, PROCESSOR + TOKENIZER])
def test_a_processor_may_come_from_elsewhere(tmp_path: Path, without: tuple[str, ...]) -> None:
    folder = copy(tmp_path / "bare", without)
    with pytest.raises(HarnessError, match="--processor"):
        HFBackend(str(folder))
    lent = HFBackend(str(folder), checkpoint=CheckpointOptions(processor=str(tiny_path())))
    assert lent.describe()["processor"]["model"] == "tiny"


def adapter(folder: Path, base: Path, **changes: Any) -> Path:
    """A LoRA adapter whose weights are not those that it starts from."""
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(base)
    settings = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], base_model_name_or_path=str(base))
    tuned = peft.get_peft_model(model, settings)
    torch.manual_seed(1)
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    tuned.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text()) | changes
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def text_of(backend: HFBackend) -> str:
    [(_, response)] = backend.generate([Request("k", ("Which?",), (), Sampling(12))])
    return response.text


def test_an_adapter_is_laid_on_its_base_and_both_are_recorded(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "lora", tiny_path())
    base = HFBackend(str(tiny_path()))
    for tuned in (
        HFBackend(str(folder)),
        HFBackend(str(tiny_path()), checkpoint=CheckpointOptions(adapter=str(folder))),
    ):
        described = tuned.describe()
        assert described["fingerprint"] == base.describe()["fingerprint"]
        assert described["adapter"]["kind"] == "LORA"
        name = "model.language_model.layers.0.self_attn.q_proj.weight"
        assert not torch.equal(tuned.model.state_dict()[name], base.model.state_dict()[name])
        assert tuned.model.state_dict().keys() == base.model.state_dict().keys()
    assert resolve(str(folder)).checkpoint.adapter == str(folder)


def test_an_adapter_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "lora", tiny_path())
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    save_file({name.replace("language_model", "decoder"): value for name, value in weights.items()}, path)
    with pytest.raises(HarnessError, match="the adapter does not fit the model"):
        HFBackend(str(folder))
    save_file({}, path)
    with pytest.raises(HarnessError, match="its file holds nothing of what it should, save the adapter again"):
        HFBackend(str(folder))


def test_an_adapter_without_its_base_is_refused(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "lora", tiny_path(), base_model_name_or_path="/nowhere/base")
    with pytest.raises(UsageError, match="its base model /nowhere/base is not here: --model BASE --adapter"):
        resolve(str(folder))


def test_code_of_a_checkpoint_is_not_run_unasked(tmp_path: Path) -> None:
    folder = copy(tmp_path / "native")
    config = json.loads((folder / "config.json").read_text())
    own = {"auto_map": {"AutoConfig": "own.Config", "AutoModelForImageTextToText": "own.Model"}}
    (folder / "own.py").write_text("raise SystemExit('the code of the checkpoint ran')")
    (folder / "config.json").write_text(json.dumps(config | own))
    assert "trust_remote_code" not in HFBackend(str(folder)).describe()
    (folder / "config.json").write_text(json.dumps(config | own | {"model_type": "own"}))
    with pytest.raises(UsageError, match=r"wants to run code of its own: .*--trust-remote-code"):
        HFBackend(str(folder))


def test_what_was_loaded_is_described() -> None:
    described = HFBackend(str(tiny_path()), checkpoint=CheckpointOptions(attention="eager")).describe()
    assert (described["class"], described["device"], described["attention"]) == (
        "Qwen3VLForConditionalGeneration",
        "cpu",
        "eager",
    )
    assert described["processor"]["settings"]["size"] == {"longest_edge": 20736, "shortest_edge": 4096}
    json.dumps(described)


def test_a_device_that_is_not_there_is_a_usage_error() -> None:
    assert device_map("cpu") is None
    with pytest.raises(UsageError, match="--device gpu: no such device; known: cpu, cuda, cuda:N, mps"):
        device_map("gpu")
    with pytest.raises(UsageError, match="--device cuda:99: "):
        device_map("cuda:99")
