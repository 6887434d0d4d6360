"""The journal keeps whole lines through crashes, garbage and full disks; one writer a run."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import Exit, HarnessError
from harness.jsonl import DiskFullError, encode, read_lines, sha, tuples, write_atomic
from harness.run import journal as journal_module
from harness.run.journal import Journal, Key, TaskJournal
from harness.run.lock import Lock, LockedError
from tasks.types import Response


def key(name: str = "a", epoch: int = 0) -> Key:
    return Key("letters", name, epoch, "p" * 16, "", "g" * 16)


def journal(tmp_path: Path) -> TaskJournal:
    return TaskJournal(tmp_path / "samples" / "letters.jsonl", "letters")


RESPONSES = [
    Response("B"),
    Response("", "error", error="connection refused"),
    Response("lone \ud800, separator \u2028, \x00 and \x85", "length", 12, 34, 1.25, ((640, 480), (3, 4))),
    Response("x" * 1_000_000),
]


def test_a_response_comes_back_as_it_was(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    for index, response in enumerate(RESPONSES):
        writer.append(key(f"é{index}", index), response)
    writer.close()
    read = list(journal(tmp_path).read())
    assert [response for _, response in read] == RESPONSES
    assert [found for found, _ in read] == [key(f"é{index}", index) for index in range(4)]


def test_lines_are_json_that_others_can_read(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    writer.append(key(), RESPONSES[2])
    writer.close()
    line = json.loads(writer.path.read_text(encoding="utf-8").split("\n")[0])
    assert set(line) == {
        *("id", "epoch", "prompt_sha", "image_sha", "generation_sha", "text", "finish_reason"),
        *("prompt_tokens", "completion_tokens", "latency", "shown"),
    }


@pytest.mark.parametrize("cut", [1, 20, 150])
def test_a_torn_last_line_is_dropped(tmp_path: Path, cut: int) -> None:
    writer = journal(tmp_path)
    for name in "abc":
        writer.append(key(name), Response("yes"))
    writer.close()
    whole = writer.path.read_bytes()
    writer.path.write_bytes(whole[: len(whole) - cut])
    repair = journal(tmp_path).repair()
    # Without its newline alone the line is still whole.
    assert repair.torn == (cut > 1)
    assert repair.garbage == 0
    kept = [found.id for found, _ in journal(tmp_path).read()]
    assert kept == (["a", "b", "c"] if cut == 1 else ["a", "b"])
    assert writer.path.read_bytes().endswith(b"\n")


GARBAGE = [
    b"not json\n",
    b"{}\n",
    b"[1, 2]\n",
    b"null\n",
    b'{"id": 3, "text": "x"}\n',
    b"\xff\xfe\x00\n",
    b"[" * 100_000 + b"\n",
    encode({"id": "a", "epoch": "?", "prompt_sha": "", "image_sha": "", "generation_sha": "", "text": ""}),
]


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_moved_aside(tmp_path: Path, line: bytes) -> None:
    writer = journal(tmp_path)
    writer.append(key("a"), Response("yes"))
    with writer.path.open("ab") as file:
        file.write(line)
    writer.append(key("b"), Response("no"))
    writer.close()
    repair = journal(tmp_path).repair()
    assert (repair.torn, repair.garbage) == (False, 1)
    assert repair.sidecar.read_bytes() == line
    assert [found.id for found, _ in journal(tmp_path).read()] == ["a", "b"]
    assert journal(tmp_path).repair().garbage == 0
    assert repair.sidecar.read_bytes() == line


def test_a_sound_journal_is_not_rewritten(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    writer.append(key(), Response("yes"))
    writer.close()
    before = writer.path.stat()
    journal(tmp_path).repair()
    assert writer.path.stat().st_ino == before.st_ino


def test_an_answer_is_in_the_file_at_once(tmp_path: Path) -> None:
    writer = Journal(tmp_path, ["letters", "other"])
    for count in range(1, 4):
        writer.append(key(str(count)), Response("yes"))
        assert (tmp_path / "letters.jsonl").read_bytes().count(b"\n") == count
    writer.close()
    assert not (tmp_path / "other.jsonl").exists()


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = journal(tmp_path)
    real = os.write
    room = [250]

    def write(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(descriptor, bytes(data)[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(journal_module.os, "write", write)
    writer.append(key("a"), Response("yes"))
    with pytest.raises(DiskFullError) as caught:
        writer.append(key("b"), Response("yes"))
    assert caught.value.code == Exit.FAILED
    assert "\n" not in str(caught.value)
    content = writer.path.read_bytes()
    assert content.endswith(b"\n")
    assert [found.id for found, _ in journal(tmp_path).read()] == ["a"]


def test_a_whole_file_or_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_atomic(path, [b"old"])

    def chunks():
        yield b"new"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError):
        write_atomic(path, chunks())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_lines_name_where_they_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": 1}\n\nnope\n')
    with pytest.raises(Exception, match=r"x\.jsonl:3"):
        list(read_lines(path))


def test_tuples_all_the_way_down() -> None:
    assert tuples({"a": [[1, [2]], {"b": []}]}) == {"a": ((1, (2,)), {"b": ()})}


def test_sha_ignores_the_order_of_keys() -> None:
    assert sha({"a": 1, "b": 2}) == sha({"b": 2, "a": 1}) != sha({"a": 2, "b": 1})


def test_the_lock_is_gone_afterwards(tmp_path: Path) -> None:
    with Lock(tmp_path):
        assert json.loads((tmp_path / "lock").read_text()) == {"pid": os.getpid(), "host": socket.gethostname()}
    assert not (tmp_path / "lock").exists()


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with Lock(tmp_path), pytest.raises(LockedError) as caught, Lock(tmp_path):
        pass
    assert str(os.getpid()) in str(caught.value)
    assert socket.gethostname() in str(caught.value)
    assert "\n" not in str(caught.value)


def lock_of(pid: int, host: str | None = None) -> str:
    return json.dumps({"pid": pid, "host": host or socket.gethostname()})


def test_a_dead_writers_lock_is_taken_over(tmp_path: Path) -> None:
    code = "import os; print(os.getpid())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    (tmp_path / "lock").write_text(lock_of(int(dead.stdout)))
    with Lock(tmp_path):
        pass


@pytest.mark.parametrize("content", ["", "garbage", "[]", '{"pid": "x"}'])
def test_a_lock_that_names_nobody_is_taken_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "lock").write_text(content)
    with Lock(tmp_path):
        pass


def test_a_live_process_or_another_host_is_not(tmp_path: Path) -> None:
    for content in (lock_of(os.getppid()), lock_of(1, "elsewhere")):
        (tmp_path / "lock").write_text(content)
        with pytest.raises(LockedError, match="is writing to this run"), Lock(tmp_path):
            pass
        assert (tmp_path / "lock").read_text() == content


def test_a_killed_writers_lock_is_free(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from harness.run.lock import Lock
with Lock(Path({str(tmp_path)!r})):
    print("held", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert killed.stdout == "held\n"
    assert (tmp_path / "lock").exists()
    with Lock(tmp_path):
        pass


def test_a_count_without_end_is_garbage(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    writer.append(key(), Response("B", completion_tokens=12))
    writer.close()
    text = writer.path.read_text(encoding="utf-8")
    writer.path.write_text(
        text.replace('"completion_tokens":12', '"completion_tokens":1e400'), encoding="utf-8"
    )
    assert list(journal(tmp_path).read()) == []


def test_a_lock_that_nobody_touches_is_taken_over(tmp_path: Path) -> None:
    for content in (lock_of(os.getppid()), lock_of(1, "elsewhere")):
        (tmp_path / "lock").write_text(content)
        old = time.time() - Lock.DEAD - 1
        os.utime(tmp_path / "lock", (old, old))
        with Lock(tmp_path):
            pass


def test_a_writer_touches_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lock, "BEAT", 0.02)
    with Lock(tmp_path):
        os.utime(tmp_path / "lock", (0, 0))
        deadline = time.monotonic() + 20
        while (tmp_path / "lock").stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (tmp_path / "lock").stat().st_mtime > 0


def test_answers_to_a_file_that_has_gone_are_an_error(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    writer.append(key(), Response("B"))
    (tmp_path / "samples" / "letters.jsonl").unlink()
    with pytest.raises(HarnessError, match=r"letters\.jsonl: removed while the run was writing it"):
        writer.append(key(), Response("B"))
