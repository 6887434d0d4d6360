"""PEFT adapters: put on a loaded model, merged into its weights, and refused where they do not fit it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.fingerprint import check_sums
from harness.models.folders import ADAPTER_FILES, read_adapter
from harness.models.weights import Findings, check_headers
from harness.words import counted

_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
)
_TEMPLATES = ("chat_template.jinja", "chat_template.json")
_PROCESSOR = ("processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json")


def merge(given: str, model: Any, folder: Path, *, allow_missing: bool) -> tuple[Any, Findings]:
    """The model with an adapter merged into its weights, in the dtype that it was loaded in.

    Args:
        given: the adapter, as the user named it.
        model: the base model, loaded.
        folder: the adapter's.
        allow_missing: merge although weights of the adapter are missing or do not fit.

    Raises:
        HarnessError: PEFT is not installed, a file is damaged, or the adapter's weights do not fit the model.
    """
    if find_spec("peft") is None:
        raise HarnessError(f'{given} is an adapter and peft is not installed: pip install "vlm-harness[train]"')
    from peft import PeftConfig, PeftModel

    config = read_adapter(folder)
    file = next((folder / name for name in ADAPTER_FILES if (folder / name).exists()), None)
    if file is None:
        raise HarnessError(f"{given}: the adapter has no weights, {' or '.join(ADAPTER_FILES)}: save it again")
    check_headers(given, [file])
    check_sums(folder)
    unsaved = _unsaved(config, file)
    if unsaved:
        raise HarnessError(
            f"{given}: the adapter replaces {', '.join(unsaved)} (modules_to_save) and holds no weights of it: "
            "save the adapter again"
        )
    settings = PeftConfig.from_pretrained(str(folder))
    settings.inference_mode = True
    tuned = PeftModel(model, settings)
    result = tuned.load_adapter(str(folder), "default", is_trainable=False)
    older = all(key.startswith("base_model.") for key in result.unexpected_keys)
    if result.unexpected_keys and older and (renames := _renames(model)):
        result = tuned.load_adapter(str(folder), "default", is_trainable=False, key_mapping=renames)
    findings = Findings(tuple(sorted(result.missing_keys)), tuple(sorted(result.unexpected_keys)))
    if findings and not allow_missing:
        told = _told(findings, tuned)
        raise HarnessError(
            f"{given}: the adapter does not fit the model, {told}; --allow-missing-weights merges what fits"
        )
    return tuned.merge_and_unload(), findings


def _renames(model: Any) -> dict[str, str]:
    """Patterns of names that older versions of transformers gave to the modules of a model, and today's names.

    PEFT knows them for part of the families only. A wrong one cannot pass: what then fits no module is refused.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping

    return {
        pattern: rename.target_patterns[0]
        for rename in get_model_conversion_mapping(model)
        if len(rename.target_patterns) == 1
        for pattern in rename.source_patterns
    }


def _unsaved(config: dict[str, Any], file: Path) -> list[str]:
    """Modules that the adapter replaces as a whole and whose weights it does not hold."""
    wanted = config.get("modules_to_save") or []
    if not wanted or file.suffix != ".safetensors":
        return []
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        held = [f".{name}" for name in opened.keys()]  # noqa: SIM118 - no mapping
    return [name for name in wanted if not any(f".{name}." in key for key in held)]


def _told(findings: Findings, tuned: Any) -> str:
    """What does not fit, and what mends it."""
    wanted = [key for key in tuned.state_dict() if ".default" in key]
    parts = []
    if findings.missing:
        first = findings.missing[0]
        parts.append(f"{len(findings.missing)} of {counted(len(wanted), 'weight')} missing ({first}, …)")
    if findings.unexpected:
        first = findings.unexpected[0]
        parts.append(f"{counted(len(findings.unexpected), 'weight')} that no module takes ({first}, …)")
    if not findings.unexpected and len(findings.missing) >= len(wanted):
        return f"{', '.join(parts)}: its file holds nothing of what it should, save the adapter again"
    return f"{', '.join(parts)}: give the base model it was trained on with --model BASE --adapter DIR"


def words_folder(base: Path, adapter: Path, scratch: Path) -> Path:
    """The folder of processor and tokenizer for an adapter on a base model.

    What a trainer saved beside the adapter counts over the base's: the tokenizer with its template, and the
    processor, each as a whole. A tokenizer that comes without a template keeps the base's.

    Args:
        base: the base model's folder, or one that stands in for its processor.
        adapter: the adapter's folder.
        scratch: an empty folder, filled with links where both have a part.
    """
    own: list[str] = []
    hidden: tuple[str, ...] = ()
    if (adapter / "tokenizer_config.json").exists():
        own += _TOKENIZER
        hidden += _TOKENIZER
    if _has_template(adapter):
        own += _TEMPLATES
        hidden += _TEMPLATES
    if any((adapter / name).exists() for name in _PROCESSOR[:2]):
        own += _PROCESSOR
        hidden += _PROCESSOR
    if not own:
        return base
    taken = [base / path.name for path in base.iterdir() if path.is_file() and path.name not in hidden]
    taken += [adapter / name for name in own if (adapter / name).exists()]
    for path in taken:
        if path.suffix not in (".safetensors", ".bin", ".py"):
            (scratch / path.name).symlink_to(path.resolve())
    return scratch


def _has_template(folder: Path) -> bool:
    if any((folder / name).exists() for name in _TEMPLATES):
        return True
    settings = folder / "tokenizer_config.json"
    return settings.exists() and '"chat_template"' in settings.read_text(encoding="utf-8")
