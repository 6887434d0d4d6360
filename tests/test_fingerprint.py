"""Files are hashed whole, once: every byte counts, and every way to change one is noticed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from harness import fingerprint as module
from harness.errors import HarnessError
from harness.fingerprint import announced, cache_folder, file_hash, fingerprint, hashes

SIZE = 3 << 20


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_memory", {})
    return cache_folder()


def weights(path: Path, byte: int = 0, at: int = SIZE // 2) -> Path:
    """A file of weights that settled long ago, with one byte of its own."""
    data = bytearray(SIZE)
    data[at] = byte
    path.write_bytes(data)
    settle(path)
    return path


def settle(path: Path) -> None:
    os.utime(path, ns=(10**18, 10**18))


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled at once: the time of a change of the inode cannot be set back."""
    monkeypatch.setattr(module, "SETTLED", -3600.0)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were really read."""
    names: list[str] = []
    real = hashlib.file_digest

    def digest(file, kind):
        names.append(Path(file.name).name)
        return real(file, kind)

    monkeypatch.setattr(module.hashlib, "file_digest", digest)
    return names


def test_a_file_is_hashed_once(tmp_path: Path, cache: Path, settled: None, read: list[str]) -> None:
    path = weights(tmp_path / "w.safetensors", 7)
    (tmp_path / "link").symlink_to(path)
    found = file_hash(path)
    assert found == hashlib.sha256(path.read_bytes()).hexdigest()
    module._memory.clear()
    assert file_hash(tmp_path / "link") == file_hash(path) == found
    assert read == ["w.safetensors"]


@pytest.mark.parametrize("way", ["in place", "another moved over it", "in place, times restored"])
def test_a_change_of_one_byte_in_the_middle(tmp_path: Path, cache: Path, settled: None, way: str) -> None:
    path = weights(tmp_path / "w.safetensors")
    before, changed = file_hash(path), path.stat().st_ctime_ns
    if way == "another moved over it":
        weights(tmp_path / "new", 1).replace(path)
    else:
        with path.open("r+b") as file:
            file.seek(SIZE // 2)
            file.write(b"\1")
        while way.endswith("restored") and (settle(path), path.stat().st_ctime_ns)[1] == changed:
            pass  # within the resolution of the file system's clock
    assert file_hash(path) != before


def test_a_file_that_just_changed_is_not_kept(tmp_path: Path, cache: Path, read: list[str]) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(bytes(SIZE))
    assert file_hash(path) == file_hash(path)
    assert len(read) == 2
    assert not cache.exists()


def test_small_files_are_not_worth_keeping(tmp_path: Path, cache: Path, settled: None) -> None:
    (tmp_path / "config.json").write_text("{}")
    file_hash(tmp_path / "config.json")
    assert not cache.exists()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"state": 3}', b'{"state": [1], "sha256": "zz"}', b"\xff"])
def test_a_broken_cache_is_none(tmp_path: Path, cache: Path, settled: None, content: bytes) -> None:
    path = weights(tmp_path / "w.safetensors", 7)
    right = file_hash(path)
    [entry] = cache.iterdir()
    entry.write_bytes(content)
    module._memory.clear()
    assert file_hash(path) == right


def test_a_hash_that_is_none_is_not_believed(tmp_path: Path, cache: Path, settled: None) -> None:
    path = weights(tmp_path / "w.safetensors", 7)
    right = file_hash(path)
    [entry] = cache.iterdir()
    entry.write_bytes(entry.read_bytes().replace(right.encode(), b"no hash"))
    module._memory.clear()
    assert file_hash(path) == right


def test_a_cache_that_cannot_be_written_is_none(
    tmp_path: Path, cache: Path, settled: None, read: list[str]
) -> None:
    cache.parent.parent.write_text("a file where the folder should be")
    path = weights(tmp_path / "w.safetensors", 7)
    assert file_hash(path) == file_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read == ["w.safetensors"]


def test_names_contents_and_extra_count(tmp_path: Path, cache: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    prints = {
        fingerprint([("a", one), ("b", two)]),
        fingerprint([("b", one), ("a", two)]),
        fingerprint([("a", two), ("b", one)]),
        fingerprint([("a", one)]),
        fingerprint([("a", one), ("b", two)], extra="x"),
    }
    assert len(prints) == 5
    assert fingerprint([]) == hashlib.sha256().hexdigest()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="absent: No such file") as caught:
        hashes([tmp_path / "absent"])
    assert "\n" not in str(caught.value)


def test_what_takes_long_is_said(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights(tmp_path / "w.safetensors")
    said: list[str] = []
    with announced(said.append):
        hashes([path])
    assert said == []
    monkeypatch.setattr(module, "wait", lambda futures, timeout: type("Done", (), {"not_done": futures}))
    with announced(said.append):
        hashes([path])
    hashes([path])
    assert said == [f"hashing 1 file, 0.0 GB, once: {tmp_path}"]
