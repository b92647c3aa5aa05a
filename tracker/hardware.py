"""What this machine allows: how llama.cpp may load a model here, with how many threads and how much memory.

Knows processors, control groups and one bug of llama.cpp. Knows nothing about models or tracking. Everything
is decided by looking, before a model is loaded: what goes wrong there is a crash, not an exception.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import llama_cpp


@dataclass(frozen=True)
class LoadOptions:
    """How to load a model on this machine, and why so.

    ``use_extra_bufts`` belongs into llama.cpp's model parameters (``llama_model_params``), the threads into
    its context parameters.
    """

    use_extra_bufts: bool
    """Whether llama.cpp may repack weights into buffers of its own, AMX tiles among them."""
    buffers_reason: str
    threads: int
    threads_reason: str

    def model_params(self) -> llama_cpp.llama_model_params:
        """llama.cpp's default model parameters with what was decided here, for the CPU alone."""
        import llama_cpp

        parameters: llama_cpp.llama_model_params = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = self.use_extra_bufts
        parameters.n_gpu_layers = 0
        return parameters


@dataclass(frozen=True)
class Processor:
    """The processor as this process may use it."""

    name: str
    flags: frozenset[str] | None
    """Instruction sets by Linux's names; ``None`` where the system does not tell."""
    cores: int
    """Physical cores that the process may run on."""
    quota: float | None
    """Cores' worth of time that a control group allows; ``None`` without a limit."""


def load_options(threads: int | None = None) -> LoadOptions:
    """How to load a model on this machine; ``threads`` overrides the number that would be chosen."""
    options = decide(processor(), build_features())
    if threads is None:
        return options
    return LoadOptions(options.use_extra_bufts, options.buffers_reason, threads, "as asked")


def decide(processor: Processor, features: frozenset[str]) -> LoadOptions:
    """How to load a model on ``processor`` with a llama.cpp that was built with ``features``.

    With AMX, builds of llama.cpp die of a general protection fault at the first quantised matrix product,
    because the compiler drops the tile configuration (https://github.com/ggml-org/llama.cpp/issues/20824,
    mended in its pull request 26954). The AMX kernels are used only through the extra buffers.
    """
    if not any(feature.startswith("AMX") for feature in features):
        buffers, reason = True, "on: this llama.cpp was built without AMX"
    elif processor.flags is None:
        buffers, reason = (
            False,
            "off: this llama.cpp was built with AMX, and the CPU does not tell if it has it",
        )
    elif processor.flags.isdisjoint({"amx_tile", "amx_int8"}):
        buffers, reason = True, "on: this CPU has no AMX"
    else:
        buffers, reason = False, "off: llama.cpp's AMX kernels can crash on this CPU"

    return LoadOptions(buffers, reason, *_threads(processor))


def usable_threads() -> int:
    """How many threads this machine has time for; what ``load_options`` chooses, without llama.cpp."""
    return _threads(processor())[0]


def _threads(processor: Processor) -> tuple[int, str]:
    """How many threads there is time for, and why so."""
    cores = processor.cores
    if processor.quota is not None and processor.quota < cores:
        # Threads wait for each other actively, so one more than there is time for costs more than one less.
        return max(1, int(processor.quota)), f"a control group allows {processor.quota:g} of {cores} cores"
    return cores, f"{cores} physical core{'s' if cores > 1 else ''} can be used"


def build_features() -> frozenset[str]:
    """The instruction sets and options that the installed llama.cpp was built with, by llama.cpp's names.

    Raises what importing ``llama_cpp`` raises where its library cannot be loaded.
    """
    import llama_cpp

    info = llama_cpp.llama_print_system_info().decode(errors="replace")
    return frozenset(re.findall(r"(\w+) = [1-9]", info))


def processor(system: Path = Path("/")) -> Processor:
    """The processor of this machine, read from the ``proc`` and ``sys`` of ``system`` where there are any."""
    name, flags = _cpuinfo(system / "proc/cpuinfo")
    return Processor(name or "unknown processor", flags, _cores(system), _cpu_quota(system))


def memory_available(system: Path = Path("/")) -> int:
    """Bytes of memory that the process can still take: what is free, within what a control group allows."""
    free: int = psutil.virtual_memory().available
    for group in _groups(system, "memory"):
        for limit_name, used_name in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            limit, used = _number(group / limit_name), _number(group / used_name)
            if limit is not None and used is not None:
                # Files that were read count as used, and are given up when something else needs the room.
                files = re.search(
                    r"^(?:total_)?inactive_file (\d+)$", _text(group / "memory.stat") or "", re.M
                )
                used -= int(files.group(1)) if files else 0
                free = min(free, max(0, limit - used))
    return free


def _cpuinfo(path: Path) -> tuple[str, frozenset[str] | None]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", None
    # x86 calls them flags, ARM features.
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    name = re.search(r"^(?:model name|Hardware)\s*:\s*(.+)$", text, re.MULTILINE)
    return name.group(1).strip() if name else "", frozenset(flags.group(1).split()) if flags else None


def _cores(system: Path) -> int:
    """Physical cores that this process may run on: threads of one core count once."""
    if sys.platform != "linux":
        return psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    cores = set()
    for cpu in allowed:
        siblings = system / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        try:
            cores.add(siblings.read_text().strip())
        except OSError:  # a container may hide it
            cores.add(str(cpu))
    return max(1, min(len(cores), len(allowed)))


def _cpu_quota(system: Path) -> float | None:
    """The least number of cores that the process's control groups, from its own up, allow it."""
    quotas = []
    for group in _groups(system, "cpu"):
        text = _text(group / "cpu.max")
        if text is not None:
            quota, _, period = text.partition(" ")
        else:
            quota, period = (_text(group / f"cpu.cfs_{part}_us") or "" for part in ("quota", "period"))
        # Without a limit version 2 says "max" and version 1 says -1.
        if quota.isdecimal() and period.isdecimal() and int(period):
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _groups(system: Path, controller: str) -> list[Path]:
    """The folders of the process's control groups for a controller, its own first (versions 1 and 2)."""
    folders: list[Path] = []
    for line in (_text(system / "proc/self/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            root = system / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            root = system / "sys/fs/cgroup" / controller
        else:
            continue
        # Inside a container the path may be the host's, and only the root is there.
        inner = PurePosixPath(path.lstrip("/"))
        folders += [root / part for part in (inner, *inner.parents)]
    return list(dict.fromkeys(folders))


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and text.isdecimal() else None
