"""The tiny model: a Qwen3-VL of under two million parameters, its tokenizer and its processor files.

Everything an 8B Qwen3-VL has is there, smaller: the vision tower with a DeepStack level, the patch merger,
interleaved M-RoPE, byte-level BPE, the chat template. `write_untrained` makes the folder; the stage trains it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""Control tokens under Qwen's names."""
TAGS = ("<think>", "</think>", "<answer>", "</answer>")
"""Tokens of their own, but text: they stay in what is decoded."""

ANSWER_PIECES = ('{"bbox_2d": [', '[{"point_2d": [', ", ", "]}]", "]}")
"""What stands between the numbers of boxes and points, one token each."""

PRETOKEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen's split before BPE: words with their space, single digits, runs of signs."""

CHAT_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string -%}
{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' or 'image' in part or 'image_url' in part -%}
<|vision_start|><|image_pad|><|vision_end|>
{%- elif 'text' in part -%}
{{ part.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""
"""Qwen's chat format, without tools and videos."""


@dataclass(frozen=True, slots=True)
class TinyConfig:
    """Sizes of the tiny model. Heads have 32 channels, the least that other engines accept."""

    hidden: int = 128
    layers: int = 4
    mlp: int = 384
    kv_heads: int = 2
    vocabulary: int = 1536
    """At most; the tokenizer may find fewer."""
    vision_hidden: int = 96
    vision_layers: int = 3
    vision_mlp: int = 288
    patch: int = 16
    """Pixels; an image token covers 2 × 2 patches."""
    max_side: int = 144
    """Images of more pixels than this squared are shrunk."""
    min_side: int = 64

    def model_config(self, token_ids: dict[str, int], vocabulary: int) -> Any:
        """The `Qwen3VLConfig`, given the ids of the control tokens and the size of the vocabulary."""
        from transformers import Qwen3VLConfig

        rope = {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [6, 5, 5],
            "mrope_interleaved": True,
        }
        text = {
            "vocab_size": vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.mlp,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.hidden // 32,
            "num_key_value_heads": self.kv_heads,
            "head_dim": 32,
            "max_position_embeddings": 8192,
            "rope_parameters": rope,
            "tie_word_embeddings": True,
            "bos_token_id": token_ids["<|endoftext|>"],
            "eos_token_id": token_ids["<|im_end|>"],
            "pad_token_id": token_ids["<|endoftext|>"],
        }
        vision = {
            "depth": self.vision_layers,
            "hidden_size": self.vision_hidden,
            "intermediate_size": self.vision_mlp,
            "num_heads": self.vision_hidden // 32,
            "patch_size": self.patch,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "out_hidden_size": self.hidden,
            "num_position_embeddings": 256,
            "deepstack_visual_indexes": [self.vision_layers // 2],
        }
        return Qwen3VLConfig(
            text_config=text,
            vision_config=vision,
            image_token_id=token_ids["<|image_pad|>"],
            video_token_id=token_ids["<|video_pad|>"],
            vision_start_token_id=token_ids["<|vision_start|>"],
            vision_end_token_id=token_ids["<|vision_end|>"],
            tie_word_embeddings=True,
        )

    def image_processor_config(self) -> dict[str, Any]:
        """`preprocessor_config.json` in the hub's form; for videos the same with its own class names."""
        return {
            "size": {"longest_edge": self.max_side**2, "shortest_edge": self.min_side**2},
            "patch_size": self.patch,
            "temporal_patch_size": 2,
            "merge_size": 2,
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
            "processor_class": "Qwen3VLProcessor",
            "image_processor_type": "Qwen2VLImageProcessorFast",
        }


def phrases(prompts: Iterable[str], most: int = 200) -> list[str]:
    """Runs of words that prompts repeat whole (instructions): one token each, so that sequences are short.

    Neighbours are joined, again and again, where the rarer of the two stands next to the other almost always.
    Words that choose between answers (colours, shapes) stand in many places and stay by themselves; so do the
    letters of options.
    """
    lines = [re.findall(_WORDS, prompt) for prompt in prompts]
    if not lines:
        return []
    least = max(4, len(lines) // 40)
    for _ in range(12):
        single = Counter(word for line in lines for word in line)
        pairs = Counter(pair for line in lines for pair in pairwise(line))
        fixed = {
            pair
            for pair, count in pairs.items()
            if count >= least
            and count >= 0.95 * min(single[pair[0]], single[pair[1]])
            and not any(_OPTION.fullmatch(word) for word in pair)
        }
        if not fixed:
            break
        lines = [_joined(line, fixed) for line in lines]
    found = Counter(word for line in lines for word in line if len(re.findall(_WORDS, word)) >= 4)
    return [phrase for phrase, _ in found.most_common(most)]


_WORDS = r"\n| ?[A-Za-z]+| ?\d| ?[^\sA-Za-z\d]| +"
_OPTION = re.compile(r" ?[A-Z]")


def _joined(line: list[str], fixed: set[tuple[str, str]]) -> list[str]:
    joined = line[:1]
    last = line[0] if line else ""
    for word in line[1:]:
        if (last, word) in fixed:
            joined[-1] += word
        else:
            joined.append(word)
        last = word
    return joined


def train_tokenizer(texts: Iterable[str], vocabulary: int, whole: Iterable[str] = ()) -> Any:
    """A byte-level BPE tokenizer (`tokenizers.Tokenizer`): any Unicode text round-trips.

    Args:
        texts: to train on.
        vocabulary: tokens at most, without `whole`.
        whole: texts that are one token each.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKEN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL) - len(TAGS),
        min_frequency=2,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in (*TAGS, *whole)])
    return tokenizer


def write_processor(folder: Path, tokenizer: Any, config: TinyConfig) -> None:
    """Write tokenizer, chat template and preprocessor files, as a Qwen3-VL folder on the hub has them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    images = config.image_processor_config()
    video = images | {
        "processor_class": "Qwen3VLProcessor",
        "video_processor_type": "Qwen3VLVideoProcessor",
    }
    del video["image_processor_type"]
    files = {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "processor_class": "Qwen3VLProcessor",
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "padding_side": "left",
            "clean_up_tokenization_spaces": False,
            "model_max_length": 8192,
        },
        "preprocessor_config.json": images,
        "video_preprocessor_config.json": video,
        "generation_config.json": {
            "eos_token_id": [tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")],
            "pad_token_id": tokenizer.token_to_id("<|endoftext|>"),
            "do_sample": False,
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def untrained(tokenizer: Any, config: TinyConfig, seed: int) -> Any:
    """A `Qwen3VLForConditionalGeneration` with seeded random weights, in float32."""
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    torch.manual_seed(seed)
    ids = {token: tokenizer.token_to_id(token) for token in SPECIAL}
    return Qwen3VLForConditionalGeneration(config.model_config(ids, tokenizer.get_vocab_size()))
