"""Processors as transformers makes them, and without torchvision the same classes without their video half.

Many families' processors hold a video processor, which wants torchvision; images alone do not need it. Where
torchvision is absent, `load_processor` builds the class that the checkpoint names with its image processor (the
PIL one of transformers) and its tokenizer only. The files on disk stay in the hub's form.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError

_HALVES = ("image_processor", "tokenizer")
"""What images and text need of a processor at least."""
_UNUSED = ("video_processor", "feature_extractor", "audio_processor")
"""Parts of the names of the halves that they do not need."""
_NAMED_IN = (
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "tokenizer_config.json",
    "config.json",
)
"""Files that may name the processor's class, in the order of transformers' `AutoProcessor`."""
_LACKS = re.compile(
    r"requires the (\w+) library|Missing optional dependencies: (\w+)|Package `(\w+)` is required",
    re.IGNORECASE,
)


def load_processor(folder: Path, *, trust_remote_code: bool = False) -> Any:
    """The processor of a checkpoint folder.

    Args:
        folder: holds the settings of the image processor, the tokenizer and the chat template.
        trust_remote_code: run the code that the checkpoint brings.

    Raises:
        HarnessError: the processor needs a package that is not installed, or the folder holds none for images.
    """
    from transformers import AutoProcessor
    from transformers.utils import is_torchvision_available

    named = None if is_torchvision_available() else _class_of(folder)
    kind = _image_only(named) if named is not None else None
    try:
        processor = (kind or AutoProcessor).from_pretrained(folder, trust_remote_code=trust_remote_code)
    except (ImportError, ValueError) as error:
        if found := _LACKS.search(str(error)):
            raise HarnessError(_lacking(folder, found)) from error
        raise
    except OSError as error:
        if "image processor" not in str(error):
            raise
        raise HarnessError(
            f"{folder.name} has no settings of an image processor (preprocessor_config.json): "
            "give the folder or name of the model that it was made from with --processor"
        ) from error
    absent = [half for half in _HALVES if getattr(processor, half, None) is None]
    if absent:
        raise HarnessError(
            f"{folder.name}: its files make a {type(processor).__name__}, which has no {absent[0]}: "
            "give a processor with --processor, or serve the model elsewhere and use --backend openai"
        )
    if processor.chat_template is None:
        processor.chat_template = processor.tokenizer.chat_template
    return processor


def chat_template(folder: Path, tokenizer: Any) -> str | None:
    """The chat template of a checkpoint folder, wherever it lies there; None where there is none."""
    from transformers import ProcessorMixin

    settings, _ = ProcessorMixin.get_processor_dict(folder)
    for own in (settings.get("chat_template"), tokenizer.chat_template):
        template = own.get("default") if isinstance(own, dict) else own
        if template is not None:
            return str(template)
    return None


def _lacking(folder: Path, found: re.Match[str]) -> str:
    package = next(filter(None, found.groups())).lower()
    mend = f"pip install {package}"
    if package == "torchvision":
        mend += " (the build that fits torch: https://pytorch.org/get-started/locally)"
    return (
        f"{folder.name}: its processor needs {package}, which is not installed: {mend}, "
        "or serve the model elsewhere and use --backend openai"
    )


def _class_of(folder: Path) -> type[Any] | None:
    """The processor's class as the folder's files name it; None where transformers has none of that name."""
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES, processor_class_from_name

    named: str | None = None
    for file in _NAMED_IN:
        try:
            settings = json.loads((folder / file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise HarnessError(f"{folder / file} is not JSON: {error}") from error
        named = settings.get("processor_class")
        if named is None and file == "config.json":
            named = PROCESSOR_MAPPING_NAMES.get(settings.get("model_type"))
        if named is not None:
            break
    found: type[Any] | None = processor_class_from_name(named) if named is not None else None
    return _undummied(found) if getattr(found, "is_dummy", False) else found


def _undummied(placeholder: Any) -> Any:
    """The class behind transformers' placeholder for one that wants torchvision; the placeholder if it does.

    Some processors want it only because they take helpers from the module of their torchvision image processor,
    all of which the module of the PIL one has too. They are imported with that one in its place.
    """
    family = placeholder.__module__.rpartition(".processing_")[2]
    package = f"transformers.models.{family}"
    try:
        with _pil_in_place(f"{package}.image_processing_{family}", f"{package}.image_processing_pil_{family}"):
            module = importlib.import_module(f"{package}.processing_{family}")
    except ImportError:
        return placeholder
    return getattr(module, placeholder.__name__, placeholder)


@contextmanager
def _pil_in_place(name: str, pil: str) -> Iterator[None]:
    sys.modules[name] = importlib.import_module(pil)
    try:
        yield
    finally:
        del sys.modules[name]


class _Absent:
    """Stands for a half of a processor that is not there: none of its settings is set."""

    model_input_names: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def _image_only(kind: type[Any]) -> type[Any] | None:
    """A processor class without its halves for video and sound; None where it has none.

    It keeps its name, by which a saved processor is found again.
    """
    if getattr(kind, "is_dummy", False):
        return None
    halves: list[str] = kind.get_attributes()
    kept = [half for half in halves if not any(name in half for name in _UNUSED)]
    if not set(_HALVES) <= set(kept) or (kept == halves and not _was_dummy(kind)):
        return None
    _stand_in_for_packages(sys.modules[kind.__module__])
    loader: Any = type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda _: kept)})

    class ImageOnly(kind):  # type: ignore[misc]
        """See `_image_only`."""

        @classmethod
        def _get_arguments_from_pretrained(cls, *args: Any, **kwargs: Any) -> list[Any]:
            loaded = dict(zip(kept, loader._get_arguments_from_pretrained(*args, **kwargs), strict=True))
            return [loaded.get(half) or _Absent() for half in halves]

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if isinstance(argument, _Absent):
                return _Absent
            return super().check_argument_for_proper_class(argument_name, argument)

        def to_dict(self) -> dict[str, Any]:
            return {name: value for name, value in super().to_dict().items() if not isinstance(value, _Absent)}

    ImageOnly.__name__ = ImageOnly.__qualname__ = kind.__name__
    return ImageOnly


def _stand_in_for_packages(module: ModuleType) -> None:
    """Put something in the place of packages that a processor's module found absent.

    Some classes refuse to be made without a package that only their video half calls. What stands in for it
    cannot be called, so that nothing is made up.
    """
    for name, value in list(vars(module).items()):
        if value is None and not name.startswith("_") and find_spec(name) is None:
            setattr(module, name, _Absent())


def _was_dummy(kind: type[Any]) -> bool:
    """Whether transformers itself gives only a placeholder for a class here."""
    import transformers

    return getattr(getattr(transformers, kind.__name__, None), "is_dummy", False) is True
