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
from harness.models.weights import Findings
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
    text = json.loads((tiny_path() / "config.json").read_text())["text_config"]
    folder = copy(tmp_path / "untied")
    setting(folder, tie_word_embeddings=False, text_config=text | {"tie_word_embeddings": False})
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


class Code:
    """What a pickle may run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exit, ("the code of a .bin file ran",)


def test_tensors_of_bin_files_are_read_and_code_is_not(tmp_path: Path) -> None:
    folder = copy(tmp_path / "pickled", ("model.safetensors",))
    torch.save(load_file(tiny_path() / "model.safetensors"), folder / "pytorch_model.bin")
    assert HFBackend(str(folder)).describe()["dtype"] == "float32"
    torch.save({"weight": Code()}, folder / "pytorch_model.bin")
    with pytest.raises(HarnessError, match=r"a \.bin file holds more than tensors and is not opened"):
        HFBackend(str(folder))


def test_packed_weights_are_not_taken_for_plain_ones(tmp_path: Path) -> None:
    folder = changed(tmp_path / "packed", lambda w: {n: (v * 100).to(torch.int8) for n, v in w.items()})
    with pytest.raises(HarnessError, match=r"packed integers and config\.json has no quantization_config"):
        HFBackend(str(folder))
    eight = changed(
        tmp_path / "eight",
        lambda w: {n: v.to(torch.float8_e4m3fn) if v.ndim == 2 else v for n, v in w.items()},
    )
    setting(eight, quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]})
    with pytest.raises(HarnessError, match="FP8 weights lack their scales"):
        HFBackend(str(eight))
    unknown = setting(copy(tmp_path / "unknown"), quantization_config={"quant_method": "ours", "bits": 4})
    with pytest.raises(HarnessError, match="transformers knows no quantization 'ours'"):
        HFBackend(str(unknown))


def setting(folder: Path, **values: Any) -> Path:
    """The folder with other values in its `config.json`."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))
    return folder


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", r"generation_config\.json: Expecting"), ('{"eos_token_id": "x"}', "not the number of a token")],
)
def test_end_tokens_that_cannot_be_read_are_not_done_without(tmp_path: Path, text: str, said: str) -> None:
    folder = copy(tmp_path / "ends")
    (folder / "generation_config.json").write_text(text)
    with pytest.raises(UsageError, match=said):
        HFBackend(str(folder))


def test_attention_from_the_hub_is_code(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="runs code of the hub: --trust-remote-code"):
        HFBackend(str(tiny_path()), checkpoint=CheckpointOptions(attention="kernels-community/flash-attn"))
    with pytest.raises(UsageError, match="--attention sdpa or eager"):
        HFBackend(str(tiny_path()), checkpoint=CheckpointOptions(attention="none-such"))


def test_parts_beside_the_one_that_is_loaded_are_no_surplus() -> None:
    info = {
        "missing_keys": set(),
        "mismatched_keys": set(),
        "unexpected_keys": {"talker.layers.0.weight", "talkers.weight", "model.more.weight"},
    }
    assert Findings.of(info, ("talker", "token2wav")).unexpected == ("model.more.weight", "talkers.weight")


def test_experts_that_were_not_saved_are_known_by_their_shape() -> None:
    name = "model.layers.0.mlp.experts.down_proj"
    mend = Findings(mismatched=((name, (3, 8, 4), (4, 8, 4)),)).mend()
    assert mend.startswith("some of the experts were not saved")


def test_training_starts_from_no_broken_model(tmp_path: Path) -> None:
    from training.models import load_model
    from training.recipe import Recipe

    folder = changed(tmp_path / "half", lambda w: {n: v for n, v in w.items() if ".layers.2." not in n})
    with pytest.raises(HarnessError, match=r"missing \(model\.language_model\.layers\.2"):
        load_model(folder, Recipe())


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
    save_file({f"module.{name}": value for name, value in weights.items()}, path)
    with pytest.raises(HarnessError, match="weights that no module takes"):
        HFBackend(str(folder))
    save_file({}, path)
    with pytest.raises(HarnessError, match="its file holds nothing of what it should, save the adapter again"):
        HFBackend(str(folder))


def test_an_adapter_saved_with_older_names_of_modules_is_the_same(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "lora", tiny_path())
    today = HFBackend(str(folder)).model.state_dict()
    path = folder / "adapter_model.safetensors"
    older = {
        name.replace("language_model.", "language_model.model."): one for name, one in load_file(path).items()
    }
    save_file(older, path)
    renamed = HFBackend(str(folder)).model.state_dict()
    assert all(torch.equal(renamed[name], one) for name, one in today.items())


def test_an_adapter_with_a_part_missing_may_be_allowed_and_is_said(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "lora", tiny_path())
    path = folder / "adapter_model.safetensors"
    save_file({name: one for name, one in load_file(path).items() if ".layers.1." not in name}, path)
    with pytest.raises(HarnessError, match=r"4 of \d+ weights missing \(.*layers\.1\."):
        HFBackend(str(folder))
    allowed = HFBackend(str(folder), checkpoint=CheckpointOptions(allow_missing_weights=True))
    assert allowed.describe()["adapter"]["allowed"] == {"missing": 4}
    assert "lora: weights 4 missing, as --allow-missing-weights allows" in allowed.notes[0]


def test_what_an_adapter_replaces_must_be_in_it_and_be_numbers(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "lora", tiny_path(), modules_to_save=["lm_head"])
    with pytest.raises(HarnessError, match=r"replaces lm_head \(modules_to_save\) and holds no weights of it"):
        HFBackend(str(folder))
    folder = adapter(tmp_path / "diverged", tiny_path())
    path = folder / "adapter_model.safetensors"
    save_file({name: one * float("nan") for name, one in load_file(path).items()}, path)
    with pytest.raises(HarnessError, match=r"diverged: NaN or infinity in \d+ weights \(.*q_proj"):
        HFBackend(str(folder))


def test_a_template_saved_with_an_adapter_counts_over_the_base_s(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "lora", tiny_path())
    template = (tiny_path() / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").write_text("tuned:" + template)
    asked = Request("k", ("Which?",), (), Sampling(1))
    assert HFBackend(str(folder)).render(asked) == "tuned:" + HFBackend(str(tiny_path())).render(asked)


def test_a_folder_of_a_model_and_an_adapter_is_not_guessed_at(tmp_path: Path) -> None:
    folder = adapter(copy(tmp_path / "both"), tiny_path())
    with pytest.raises(UsageError, match="holds a model and an adapter: move the adapter's files"):
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
