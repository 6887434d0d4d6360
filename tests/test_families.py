"""Any family: prompted and answered as transformers does by itself; coordinates by model_type."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from harness import models
from harness.errors import HarnessError
from harness.models.families import FAMILIES, family_coords, named_coords
from harness.models.pixels import fit
from harness.types import PixelLimits
from scorers.rules.grounding import BoxTarget, grounding
from scorers.types import COORDS, Answer, Coords

SHARED = Path(os.environ.get("HARNESS_SHARED", Path(__file__).parents[2] / "shared"))
WITHOUT_TORCHVISION = find_spec("torchvision") is None


@pytest.fixture(scope="session")
def checks() -> ModuleType:
    pytest.importorskip("transformers")
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        import family_checks
    finally:
        sys.path.pop(0)
    return family_checks


ASKED = {
    "qwen2_5_vl": "a video half",
    "qwen2_5_omni": "and one for sound",
    "pixtral": "helpers of an image processor that wants torchvision",
    "smolvlm": "a package that only videos need",
    "llava15": "BOS by the tokenizer",
    "gemma3": "BOS by the template",
    "paligemma": "no template: the processor puts the images in",
    "mllama": "nested images, cross-attention",
    "janus": "a `generate` of its own, which asks no sampler",
    "qwen3_5": "a template that opens thinking",
    "sp_gen_min": "a generation_config that bans and forces",
    "florence2": "an encoder–decoder: padding moves its positions",
}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small checkpoint of each family; skips where their builder is absent."""
    builder = SHARED / "cases" / "vlm" / "build.py"
    if not builder.exists():
        pytest.skip(f"the builder of small checkpoints is absent: {builder} (set HARNESS_SHARED)")
    folder = tmp_path_factory.mktemp("families")
    command = [sys.executable, str(builder), "--out", str(folder), *ASKED]
    subprocess.run(command, check=True, capture_output=True)
    settings = folder / "florence2" / "preprocessor_config.json"
    images = json.loads(settings.read_text()) | {"image_seq_length": 50}  # the tokens that its tower makes
    settings.write_text(json.dumps(images))
    return folder


@pytest.mark.parametrize("name", ASKED)
def test_a_family_is_asked_and_answers_as_transformers_does(checks: ModuleType, built: Path, name: str) -> None:
    comparison = checks.compare(built / name)
    assert comparison.different == []
    assert comparison.equal == 12


def _with_files(folder: Path, **files: dict[str, object]) -> Path:
    """A folder with the tiny tokenizer and the files given."""
    folder.mkdir()
    for path in models.tiny_path().glob("tokenizer*"):
        shutil.copy(path, folder)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.mark.skipif(not WITHOUT_TORCHVISION, reason="torchvision is installed")
def test_a_processor_whose_images_need_torchvision_is_refused_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from harness.models.processors import load_processor

    folder = _with_files(
        tmp_path / "llama4",
        processor_config={"processor_class": "Llama4Processor"},
        preprocessor_config={"image_processor_type": "Llama4ImageProcessorFast"},
        config={"model_type": "llama4"},
    )
    with pytest.raises(
        HarnessError, match=r"needs torchvision.*pip install torchvision.*--backend openai"
    ) as said:
        load_processor(folder)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"processor_class": "Qwen3VLProcessor"}, r"no settings of an image processor.*--processor"),
        ({}, "make a .*Tokenizer.*, which has no image_processor: .*--processor"),
    ],
)
def test_a_folder_without_an_image_processor_says_so(tmp_path: Path, named: dict[str, str], said: str) -> None:
    pytest.importorskip("transformers")
    from harness.models.processors import load_processor

    folder = _with_files(tmp_path / "words", config={"model_type": "qwen3"})
    settings = folder / "tokenizer_config.json"
    kept = {
        name: value for name, value in json.loads(settings.read_text()).items() if name != "processor_class"
    }
    settings.write_text(json.dumps(kept | named))
    with pytest.raises(HarnessError, match=said):
        load_processor(folder)


SIZES = {
    "tiny": (40, 30),
    "wide": (1600, 100),
    "tall": (90, 1300),
    "huge": (6000, 4000),
    "odd": (641, 479),
    "square": (1000, 1000),
}


def _whole(scale: float) -> Callable[[tuple[float, ...]], str]:
    return lambda box: ", ".join(str(round(value * scale)) for value in box)


def _locations(form: str, order: tuple[int, ...], bins: int) -> Callable[[tuple[float, ...]], str]:
    return lambda box: "".join(form.format(min(int(box[axis] * bins), bins - 1)) for axis in order)


WRITTEN: dict[str, Callable[[tuple[float, ...]], str]] = {
    "qwen2_vl": lambda box: "<|box_start|>({},{}),({},{})<|box_end|>".format(*(round(v * 1000) for v in box)),
    "internvl": lambda box: f"<ref>it</ref><box>[[{_whole(1000)(box)}]]</box>",
    "glm4v": lambda box: f"It is here: <|begin_of_box|>[[{_whole(1000)(box)}]]<|end_of_box|>",
    "deepseek_vl_v2": lambda box: f"<|ref|>it<|/ref|><|det|>[[{_whole(999)(box)}]]<|/det|>",
    "paligemma": _locations("<loc{:04d}>", (1, 0, 3, 2), 1024),
    "florence2": _locations("<loc_{}>", (0, 1, 2, 3), 1000),
}
"""How a family writes a box of fractions, where that is not the convention's plainest form."""
PLAIN: dict[Coords, Callable[[tuple[float, ...]], str]] = {
    "norm1": lambda box: "[{:.3f}, {:.3f}, {:.3f}, {:.3f}]".format(*box),
    "norm100": lambda box: "[{:.1f}, {:.1f}, {:.1f}, {:.1f}]".format(*(v * 100 for v in box)),
    "norm1000": lambda box: f'```json\n[{{"bbox_2d": [{_whole(1000)(box)}], "label": "it"}}]\n```',
    "yx1000": lambda box: f'{{"box_2d": [{_whole(1000)((box[1], box[0], box[3], box[2]))}]}}',
    "loc1024": WRITTEN["paligemma"],
    "loc1000": WRITTEN["florence2"],
}
WRITERS: dict[str, Coords] = {**FAMILIES, **{coords: coords for coords in COORDS}}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("family", WRITERS)
def test_a_known_box_is_read_as_it_was_written(family: str, size: tuple[int, int]) -> None:
    width, height = size
    coords = WRITERS[family]
    box = (width * 0.125, height * 0.2, width * 0.75, height * 0.9)
    fractions = (0.125, 0.2, 0.75, 0.9)
    shown = fit(size, PixelLimits(3136, 12_845_056), 28)  # Qwen2.5-VL's rule
    if coords == "abs":
        pixels = [round(fraction * shown[axis % 2]) for axis, fraction in enumerate(fractions)]
        text = f'```json\n[{{"bbox_2d": {pixels}, "label": "it"}}]\n```'
    else:
        text = WRITTEN.get(family, PLAIN[coords])(fractions)
    score = grounding(Answer(text, coords, shown=shown), BoxTarget(box, width, height))
    assert score.value >= 0.97, (text, score.extracted)


@pytest.mark.parametrize(("model_type", "coords"), FAMILIES.items())
def test_the_model_type_decides(tmp_path: Path, model_type: str, coords: Coords) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    assert family_coords(str(tmp_path)) == coords


@pytest.mark.parametrize("model_type", ["llava", "molmo2", "molmoact", "deepseek_vl", "qwen2", "", None])
def test_a_path_never_decides(tmp_path: Path, model_type: str | None) -> None:
    folder = tmp_path / "Qwen3-VL-8B" / "molmo-run"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    assert family_coords(str(folder)) is None
    assert named_coords(str(folder)) is None
    assert named_coords("/models/Qwen3-VL-8B-Instruct") is None
    assert named_coords("./florence2") is None


def test_a_hub_name_counts_by_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"model_type": "llava"}))
    asked = []

    def download(name: str, file: str, revision: str | None = None) -> str:
        asked.append((name, file, revision))
        return str(config)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert models.resolve("someone/Qwen3-VL-tuned", revision="v2").coords is None
    config.write_text(json.dumps({"model_type": "florence2"}))
    assert models.resolve("someone/Qwen3-VL-tuned").coords == "loc1000"
    assert asked[0] == ("someone/Qwen3-VL-tuned", "config.json", "v2")
