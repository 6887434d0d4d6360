"""The `vllm` backend with stand-ins that do what `vllm serve` was seen to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main
from harness.errors import HarnessError, UsageError
from harness.models import identify, load, tiny_path, vllm_server
from harness.models.openai import RetryPolicy
from harness.models.spec import CheckpointOptions, VLLMOptions, resolve
from harness.models.vllm import VLLMBackend
from harness.models.vllm_arguments import flags
from harness.types import PixelLimits, Request, Sampling

SERVER = Path(__file__).with_name("chat_server.py")
REQUEST = Request("k", ("hello",), (), Sampling(4))

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print(1, flush=True); time.sleep(60)"
worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
worker.stdout.readline()
open({pids!r}, "w").write(f"{{os.getpid()}} {{worker.pid}} ")
time.sleep(60)
"""
"""A server that hears no SIGTERM while it loads, and has a worker by then."""

SERVES = """
import json, os, sys
port = sys.argv[sys.argv.index("--port") + 1]
open({seen!r}, "w").write(json.dumps([sys.argv, dict(os.environ), os.getpid()]))
os.execv(sys.executable, [sys.executable, {server!r}, port, "echo"])
"""


def stand_in(path: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("HARNESS_VLLM", str(path))


def gone(pid: int) -> bool:
    """Whether a process ends soon. A zombie has ended: whoever adopted it may be slow to reap."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def pids(path: Path) -> list[int]:
    for _ in range(400):
        if path.exists() and len(found := path.read_text().split()) == 2:
            return [int(pid) for pid in found]
        time.sleep(0.05)
    raise AssertionError("the stand-in did not start")


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@needs_proc
def test_server_that_is_not_ready_in_time_is_ended_with_its_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "vllm", STUBBORN.format(pids=str(tmp_path / "pids")), monkeypatch)
    monkeypatch.setattr(vllm_server, "GRACE", 0.2)
    backend = VLLMBackend("m", start_timeout=3.0)
    with pytest.raises(HarnessError, match="was not ready in time"):
        list(backend.generate([REQUEST]))
    assert all(map(gone, pids(tmp_path / "pids")))


@needs_proc
def test_server_ends_when_the_asking_process_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "vllm", STUBBORN.format(pids=str(tmp_path / "pids")), monkeypatch)
    code = """
from harness.models import vllm, vllm_server
vllm_server.GRACE = 0.2
list(vllm.VLLMBackend("m").generate([]))
"""
    asking = subprocess.Popen([sys.executable, "-c", code])
    started = pids(tmp_path / "pids")
    asking.kill()
    asking.wait()
    assert all(map(gone, started))


def test_environment_of_the_user_does_not_come_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    stand_in(tmp_path / "vllm", SERVES.format(seen=str(seen), server=str(SERVER)), monkeypatch)
    monkeypatch.setenv("HARNESS_VLLM_ARGS", "--max-model-len 4096 --chat-template 'a b'")
    monkeypatch.setenv("VLLM_API_KEY", "of another server")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    backend = VLLMBackend("m", coords="norm1000")
    try:
        [(_, response)] = backend.generate([REQUEST])
        assert response.error is None
        assert len(list(tmp_path.glob("*.log"))) == 1
    finally:
        backend.close()
    arguments, environment, pid = json.loads(seen.read_text())
    assert arguments[arguments.index("--max-model-len") :][:4] == [
        "--max-model-len",
        "4096",
        "--chat-template",
        "a b",
    ]
    assert "VLLM_API_KEY" not in environment
    assert not list(tmp_path.glob("*.log")), "the log of a server that served is removed"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_server_that_ends_in_mid_run_ends_the_run_and_keeps_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    stand_in(tmp_path / "vllm", SERVES.format(seen=str(seen), server=str(SERVER)), monkeypatch)
    backend = VLLMBackend("m")
    try:
        assert len(list(backend.generate([REQUEST]))) == 1
        assert backend._client is not None
        assert backend._server is not None
        backend._client.retry = RetryPolicy(attempts=2, first_wait=0.01)
        os.kill(json.loads(seen.read_text())[2], signal.SIGKILL)
        backend._server._process.wait(timeout=30)
        with pytest.raises(HarnessError, match="vllm serve m ended with code 137; its log: ") as raised:
            list(backend.generate([REQUEST] * 3))
    finally:
        backend.close()
    log = Path(str(raised.value).rpartition(" ")[2])
    assert log.exists()
    log.unlink()


def test_description_tells_checkpoints_and_arguments_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "vllm", "", monkeypatch)
    described = VLLMBackend(str(tiny_path())).describe()
    assert (described["model"], len(described["fingerprint"])) == ("tiny", 64)
    assert VLLMBackend("org/model", revision="main").describe() == {
        "model": "org/model",
        "revision": "main",
        "dtype": "auto",
        "arguments": ["--generation-config", "vllm"],
    }
    monkeypatch.setenv("HARNESS_VLLM_ARGS", "--quantization fp8 --generation-config=auto")
    own = VLLMBackend("org/model").describe()["arguments"]
    assert own == ["--quantization", "fp8", "--generation-config=auto"]
    monkeypatch.setenv("HARNESS_VLLM_ARGS", "'")
    with pytest.raises(UsageError, match="HARNESS_VLLM_ARGS"):
        VLLMBackend("org/model")


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (
            "(Worker pid=1) ERROR 11-21 14:28 [x.py:953] ValueError: too little memory\nRuntimeError: later",
            "ValueError: too little memory",
        ),
        (
            "pydantic.ValidationError: 1 validation error for Model\n  Value error, no such architecture",
            "no such architecture",
        ),
        (
            "Traceback:\n  File x\nhuggingface_hub.errors.GatedRepoError: 403",
            "huggingface_hub.errors.GatedRepoError: 403",
        ),
        ("usage: vllm\nvllm: error: unrecognized arguments: --max", "unrecognized arguments: --max"),
        ("KeyError: " + "long " * 100, "KeyError: long long"),
    ],
)
def test_why_the_server_ended_is_said_on_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str, cause: str
) -> None:
    stand_in(tmp_path / "vllm", f"print({log!r}); raise SystemExit(1)", monkeypatch)
    with pytest.raises(HarnessError) as raised:
        list(VLLMBackend("m").generate([REQUEST]))
    message = str(raised.value)
    assert f"ended with code 1: {cause}" in message
    assert "\n" not in message
    assert len(message) < 500


def test_executable_that_is_absent_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_VLLM", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="HARNESS_VLLM: no such executable: "):
        VLLMBackend("m")
    monkeypatch.delenv("HARNESS_VLLM")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="vllm is not installed here"):
        VLLMBackend("m")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (CheckpointOptions(attention="eager"), "--attention is not for --backend vllm"),
        (CheckpointOptions(device="cpu"), "--device is not for --backend vllm"),
        (CheckpointOptions(processor="a"), "--processor is not for --backend vllm"),
        (CheckpointOptions(allow_missing_weights=True), "--allow-missing-weights is not for --backend vllm"),
        (CheckpointOptions(adapter="absent"), "no such model folder: absent"),
    ],
)
def test_what_vllm_does_not_take_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: CheckpointOptions, message: str
) -> None:
    stand_in(tmp_path / "vllm", "", monkeypatch)
    with pytest.raises(UsageError, match=message):
        VLLMBackend(str(tiny_path()), options=options)


def command_of(**given: Any) -> dict[str, str]:
    return flags(VLLMBackend(str(tiny_path()), **given)._command[3:])


def test_the_server_is_started_with_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "vllm", "", monkeypatch)
    assert "mm-processor-kwargs" not in command_of()
    limited = command_of(pixels=PixelLimits(max_pixels=8192))["mm-processor-kwargs"]
    assert json.loads(limited) == {"size": {"shortest_edge": 4096, "longest_edge": 8192}}
    options = CheckpointOptions(
        chat_template="{{ messages }}", template_vars={"enable_thinking": False}, trust_remote_code=True
    )
    given = command_of(options=options)
    assert given["chat-template"] == "{{ messages }}"
    assert json.loads(given["default-chat-template-kwargs"]) == {"enable_thinking": False}
    assert "trust-remote-code" in given


def test_an_adapter_is_served_beside_the_model_and_named_in_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "vllm", SERVES.format(seen=str(tmp_path / "seen"), server=str(SERVER)), monkeypatch)
    adapter = tmp_path / "lora"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"r": 32}')
    (adapter / "adapter_model.safetensors").write_bytes(b"1")
    backend = VLLMBackend(str(tiny_path()), options=CheckpointOptions(adapter=str(adapter)))
    given = flags(backend._command[3:])
    assert (given["lora-modules"], given["max-lora-rank"]) == (f"tiny+lora={adapter}", "32")
    described = backend.describe()["adapter"]
    try:
        [(_, response)] = backend.generate([REQUEST])
    finally:
        backend.close()
    assert json.loads("{" + response.text.partition(" {")[2])["model"] == "tiny+lora"
    (adapter / "adapter_model.safetensors").write_bytes(b"2")
    changed = VLLMBackend(str(tiny_path()), options=CheckpointOptions(adapter=str(adapter)))
    assert changed.describe()["adapter"] != described


def test_arguments_of_the_command_line_win_over_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "vllm", SERVES.format(seen=str(tmp_path / "seen"), server=str(SERVER)), monkeypatch)
    monkeypatch.setenv("HARNESS_VLLM_ARGS", "--max_model_len 4096 --seed=1 -tp 4 --enforce-eager")
    serving = VLLMOptions("--max-model-len=512 --limit-mm-per-prompt '{\"image\": 9}'", tensor_parallel=2)
    backend = VLLMBackend("m", serving=serving)
    assert backend.describe()["arguments"] == [
        *("--generation-config", "vllm"),
        *("--seed=1", "--enforce-eager", "--max-model-len=512", "--limit-mm-per-prompt", '{"image": 9}'),
    ]
    try:
        assert [response.error for _, response in backend.generate([REQUEST])] == [None]
    finally:
        backend.close()
    started = json.loads((tmp_path / "seen").read_text())[0]
    assert started[started.index("vllm", 2) + 1 :][:9] == [
        *("--seed=1", "--enforce-eager", "--max-model-len=512", "--limit-mm-per-prompt", '{"image": 9}'),
        *("--tensor-parallel-size", "2", "--host", "127.0.0.1"),
    ]


def test_copies_of_the_model_are_each_kept_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "vllm", "", monkeypatch)
    assert VLLMBackend("m")._concurrency == 256
    copies = VLLMBackend("m", serving=VLLMOptions(data_parallel=3))
    assert flags(copies._command[3:])["data-parallel-size"] == "3"
    assert copies._concurrency == 768
    assert VLLMBackend("m", serving=VLLMOptions("-dp 2"))._concurrency == 512
    assert VLLMBackend("m", serving=VLLMOptions("-dp 2"), concurrency=10)._concurrency == 10


def test_what_moves_an_answer_by_rounding_alone_does_not_identify_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "vllm", "", monkeypatch)
    monkeypatch.setattr("harness.models.identity.fingerprint", lambda folder: "0" * 64)

    def identity(text: str | None, **sizes: int) -> Any:
        spec = resolve("tiny", backend="vllm", vllm=VLLMOptions(text, **sizes))
        return identify(spec), load(spec).describe()

    alone = identity(None)
    assert identity("-tp 2 -O3")[1]["arguments"][2:] == ["-O3"], "a short name of which nothing is known"
    assert identity("-tp=2 --gpu-memory-utilization 0.5 --max_num_seqs 8", data_parallel=2) == alone
    for deciding in ("--quantization fp8", "--max-model-len 99", "--kv-cache-dtype fp8", "--enforce-eager"):
        found = identity(f"{deciding} --tensor-parallel-size 2")
        assert found[0] != alone[0]
        assert found[1]["arguments"] == ["--generation-config", "vllm", *deciding.split()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (VLLMOptions("--seed '1"), "--vllm-args: No closing quotation"),
        (VLLMOptions("4096 --seed 1"), "--vllm-args: arguments of vllm serve begin with --, not with '4096'"),
        (
            VLLMOptions("--hf-token hf_1"),
            "--vllm-args: --hf-token would be written into run.json: set HF",
        ),
        (
            VLLMOptions("-tp 2", tensor_parallel=2),
            "--tensor-parallel and the --tensor-parallel-size of",
        ),
        (
            VLLMOptions("--data_parallel_size=2", data_parallel=2),
            "--data-parallel and the --data-parallel-size of",
        ),
    ],
)
def test_arguments_that_cannot_be_are_refused_at_once(options: VLLMOptions, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        identify(resolve("tiny", backend="vllm", vllm=options))


@pytest.mark.parametrize(
    "given", [{"vllm_args": "--seed 1"}, {"tensor_parallel": 2}, {"data_parallel": 2}, {"data_parallel": 1}]
)
def test_arguments_of_vllm_are_refused_for_other_backends(given: dict[str, Any]) -> None:
    [name] = given
    for where in ({"backend": "hf"}, {"base_url": "http://localhost:1/v1"}, {}):
        with pytest.raises(UsageError, match=f"^--{name.replace('_', '-')} is for --backend vllm$"):
            resolve("tiny", vllm=VLLMOptions(**given), **where)


def test_a_run_records_the_arguments_and_continues_on_other_gpus(
    tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(tmp_path / "vllm", SERVES.format(seen=str(tmp_path / "seen"), server=str(SERVER)), monkeypatch)
    data = fakes.write(tmp_path / "data", "letters", [fakes.row(number) for number in range(6)])
    words = ["eval", "--model", "tiny", "--backend", "vllm", "--tasks", "letters", "--data", str(data)]
    words += ["--task-file", str(fakes.__file__), "--out", str(tmp_path / "run"), "--no-report"]
    given = ("--vllm-args=--max-model-len 99", "--tensor-parallel")
    assert main([*words, *given, "2", "--data-parallel", "2", "--limit", "4"]) == 0
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [recorded["config"][name] for name in ("vllm_args", "tensor_parallel", "data_parallel")] == [
        *("--max-model-len 99", 2, 2),
    ]
    assert recorded["model"]["arguments"] == ["--generation-config", "vllm", "--max-model-len", "99"]
    assert main([*words, *given, "1"]) == 0
    capsys.readouterr()
    assert main([*words, "--vllm-args=--max-model-len 98"]) == 2
    said = capsys.readouterr().err
    assert (
        "the model's arguments was ['--generation-config', 'vllm', '--max-model-len', '99'] in this run" in said
    )


def checkpoint(tmp_path: Path, **settings: Any) -> Path:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_path(), folder)
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return folder


def test_sampling_of_the_checkpoint_counts_on_purpose_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "vllm", "", monkeypatch)
    wanted = {"temperature": 0.7, "top_k": 50, "repetition_penalty": 1.05}
    folder = str(checkpoint(tmp_path, do_sample=True, **wanted))
    backend = VLLMBackend(folder, options=CheckpointOptions(generation="checkpoint"))
    sent = {**wanted, "top_p": 1.0, "min_p": 0.0}
    assert backend.describe()["generation"] == backend._further == sent
    assert VLLMBackend(folder)._further == {}


def test_no_sampling_settings_is_an_error_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "vllm", "", monkeypatch)
    folder = checkpoint(tmp_path, temperature="hot", do_sample=True)
    options = CheckpointOptions(generation="checkpoint")
    with pytest.raises(UsageError, match="temperature is 'hot', not a number"):
        VLLMBackend(str(folder), options=options)
    (folder / "generation_config.json").unlink()
    with pytest.raises(UsageError, match=r"tiny has no generation_config\.json"):
        VLLMBackend(str(folder), options=options)
