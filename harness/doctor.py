"""What of this installation works: versions, packages, accelerator, disk, hub, the shipped checkpoint."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import HarnessError, UsageError
from harness.version import __version__

CORE = ("numpy", "scipy", "pillow", "datasets", "pycocotools", "rapidfuzz", "jinja2", "pydantic")
OPTIONAL = {"torch": "hf", "transformers": "hf", "trl": "train", "peft": "train", "vllm": "vllm", "ray": "ray"}
"""Package → the extra that brings it."""
LMMS = ("pytz", "loguru", "evaluate", "tenacity", "sacrebleu")
"""What lmms-eval needs beside the packages that are here anyway."""
LMMS_INSTALL = "pip install --no-deps lmms-eval && pip install -c constraints.txt -e '.[lmms]'"
LITTLE = 2 << 30
"""Bytes of free disk below which a run may not end."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `ok` None: not there, and not needed for the main job."""

    name: str
    ok: bool | None
    said: str


def examine() -> Iterator[Finding]:
    """Look at everything, quick things first."""
    yield Finding("harness", True, f"{__version__}, {Path(__file__).parent}")
    yield Finding("python", sys.version_info >= (3, 11), f"{platform.python_version()}, {platform.platform()}")
    for package in CORE:
        yield _package(package, None)
    for package, extra in OPTIONAL.items():
        yield _package(package, extra)
    yield Finding("torchvision", find_spec("torchvision") is None or None, _torchvision())
    yield _disk()
    yield _hub()
    if find_spec("torch") is not None:
        yield _accelerator()
        yield _tiny()
    yield _lmms()


def _package(name: str, extra: str | None) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        if extra is None:
            return Finding(name, False, "missing: pip install -c constraints.txt -e .")
        return Finding(name, None, f"not installed (pip install -c constraints.txt -e '.[{extra}]')")


def _lmms() -> Finding:
    """Whether lmms-eval and what it needs are here, or in the Python that is named for it."""
    from harness.lmms.child import WorkerError, child, python

    name = "lmms-eval"
    try:
        if "HARNESS_LMMS_PYTHON" not in os.environ:
            there = version(name)
            if missing := [package for package in LMMS if find_spec(package) is None]:
                return Finding(name, None, f"{there}, without {', '.join(missing)}: {LMMS_INSTALL}")
        where = python()
        found, _ = child().ask("hello", patience=300)
    except PackageNotFoundError:
        return Finding(name, None, f"not installed ({LMMS_INSTALL})")
    except (UsageError, WorkerError) as error:
        return Finding(name, None, f"{error}: {LMMS_INSTALL}")
    finally:
        child().close()
    return Finding(name, True, f"{found}, tasks load{'' if where == sys.executable else f' in {where}'}")


def _torchvision() -> str:
    if find_spec("torchvision") is None:
        return "not installed, as it should be"
    return "installed: not needed, and its build may not fit torch's"


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    return Finding("disk", free >= LITTLE, f"{free / 2**30:.1f} GiB free in {Path.cwd()}")


def _hub() -> Finding:
    url = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    parts = urlsplit(url)
    if os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0"):
        return Finding("hub", None, "HF_HUB_OFFLINE is set: only what is in the cache")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=3):
            return Finding("hub", True, f"{url} answers")
    except OSError as error:
        return Finding("hub", None, f"{url} cannot be reached ({error}): use --data DIR or --data synthetic")


def _accelerator() -> Finding:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Finding("accelerator", True, f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB")
    return Finding("accelerator", None, f"none: CPU, {torch.get_num_threads()} threads of {os.cpu_count()}")


def _tiny() -> Finding:
    from harness.models import load, resolve

    try:
        backend = load(resolve("tiny"))
    except HarnessError as error:
        return Finding("tiny", False, str(error))
    backend.close()
    return Finding("tiny", True, "the shipped checkpoint loads")
