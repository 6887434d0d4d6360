"""The shipped tiny checkpoint and what it is built from: tokenizer, configuration, processor files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from harness.models import tiny_path
from harness.models.processors import load_processor
from training.coldstart.tiny import SPECIAL, TAGS, TinyConfig, train_tokenizer, untrained, write_processor

FILES = {
    "README.md",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "video_preprocessor_config.json",
}


@pytest.fixture(scope="module")
def processor():
    return load_processor(tiny_path())


def test_the_shipped_folder_is_whole_and_small() -> None:
    assert {path.name for path in tiny_path().iterdir()} == FILES
    assert sum(path.stat().st_size for path in tiny_path().iterdir()) < 4_000_000


def test_weights_are_bfloat16_and_under_two_million() -> None:
    from safetensors import safe_open

    with safe_open(tiny_path() / "model.safetensors", "pt") as file:
        tensors = [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118 - not a mapping
    assert {tensor.dtype for tensor in tensors} == {torch.bfloat16}
    assert 1_000_000 < sum(tensor.numel() for tensor in tensors) < 2_000_000
    assert all(torch.isfinite(tensor).all() for tensor in tensors)


def test_configuration_has_all_that_an_8b_model_has() -> None:
    config = json.loads((tiny_path() / "config.json").read_text())
    assert config["model_type"] == "qwen3_vl"
    assert config["text_config"]["head_dim"] >= 32
    assert config["vision_config"]["hidden_size"] // config["vision_config"]["num_heads"] >= 32
    assert config["vision_config"]["deepstack_visual_indexes"]
    assert (
        sum(config["text_config"]["rope_parameters"]["mrope_section"]) == config["text_config"]["head_dim"] // 2
    )


def test_processor_files_are_in_the_hub_s_form() -> None:
    images = json.loads((tiny_path() / "preprocessor_config.json").read_text())
    videos = json.loads((tiny_path() / "video_preprocessor_config.json").read_text())
    assert images["processor_class"] == videos["processor_class"] == "Qwen3VLProcessor"
    assert images["image_processor_type"] == "Qwen2VLImageProcessorFast"
    assert videos["video_processor_type"] == "Qwen3VLVideoProcessor"
    for files in (images, videos):
        assert {"patch_size", "temporal_patch_size", "merge_size", "size", "image_mean", "image_std"} <= set(
            files
        )


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_unicode_text_round_trips(text: str) -> None:
    tokenizer = load_processor_once().tokenizer
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def load_processor_once(cache: list = []):  # noqa: B006 - hypothesis forbids function-scoped fixtures
    if not cache:
        cache.append(load_processor(tiny_path()))
    return cache[0]


@pytest.mark.parametrize(
    "text",
    [
        "e\u0301 is not \u00e9",
        "\u0645\u0631\u062d\u0628\u0627 \u202e\u202c",
        "\U0001f600\u200d\U0001f525",
        "\x00\r\n\t",
        "  two  spaces ",
        "你好",
    ],
)
def test_hard_texts_round_trip(processor, text: str) -> None:
    assert processor.tokenizer.decode(processor.tokenizer(text)["input_ids"]) == text


def test_digits_are_single_tokens_and_tags_are_one_each(processor) -> None:
    tokenizer = processor.tokenizer
    assert len(tokenizer("2024")["input_ids"]) == 4
    for token in (*SPECIAL, *TAGS):
        assert len(tokenizer(token)["input_ids"]) == 1
    shown = tokenizer.decode(tokenizer("<think>a</think>b<|im_end|>")["input_ids"], skip_special_tokens=True)
    assert shown == "<think>a</think>b"


def test_chat_template_writes_qwen_s_format(processor) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
        {"role": "assistant", "content": "Red."},
    ]
    assert processor.apply_chat_template(messages) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>What?<|im_end|>\n"
        "<|im_start|>assistant\nRed.<|im_end|>\n"
    )
    assert processor.apply_chat_template(messages[1:2], add_generation_prompt=True).endswith(
        "<|im_end|>\n<|im_start|>assistant\n"
    )


def test_an_untrained_model_can_be_built_and_loaded(tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText

    tokenizer = train_tokenizer(["What colour is the square?"] * 4, 320)
    config = TinyConfig()
    write_processor(tmp_path, tokenizer, config)
    untrained(tokenizer, config, seed=1).save_pretrained(tmp_path)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path, dtype=torch.float32)
    processor = load_processor(tmp_path)
    text = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}],
        add_generation_prompt=True,
    )
    inputs = processor(text=[text], images=[[Image.new("RGB", (96, 64), "red")]], return_tensors="pt")
    assert inputs["image_grid_thw"].tolist() == [[1, 4, 6]]
    logits = model(**inputs).logits
    assert logits.shape == (1, inputs["input_ids"].shape[1], tokenizer.get_vocab_size())


def test_untrained_weights_follow_their_seed() -> None:
    tokenizer = train_tokenizer([], 268)
    first, same, other = (untrained(tokenizer, TinyConfig(), seed).lm_head.weight for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
