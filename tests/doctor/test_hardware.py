"""How a model is loaded is decided from what the machine says of itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tracker.hardware import (
    LoadOptions,
    Processor,
    build_features,
    decide,
    load_options,
    memory_available,
    processor,
)

PLAIN = frozenset({"AVX2", "FMA"})
WITH_AMX = PLAIN | {"AMX_INT8"}


def machine(flags: set[str] | None = None, cores: int = 8, quota: float | None = None) -> Processor:
    return Processor("A CPU", None if flags is None else frozenset(flags), cores, quota)


@pytest.mark.parametrize(
    ("flags", "features", "repack"),
    [
        ({"avx2"}, PLAIN, True),
        ({"avx2"}, WITH_AMX, True),
        ({"avx2", "amx_tile", "amx_int8"}, PLAIN, True),
        ({"avx2", "amx_tile", "amx_int8"}, WITH_AMX, False),
        ({"amx_tile"}, WITH_AMX, False),
        ({"amx_int8"}, WITH_AMX, False),
        (None, PLAIN, True),
        (None, WITH_AMX, False),
    ],
)
def test_a_build_with_amx_never_meets_a_cpu_with_amx(
    flags: set[str] | None, features: frozenset[str], repack: bool
) -> None:
    options = decide(machine(flags), features)
    assert options.use_extra_bufts is repack
    assert options.model_params().use_extra_bufts is repack
    assert options.model_params().n_gpu_layers == 0
    assert options.buffers_reason.startswith("on: " if repack else "off: ")


@pytest.mark.parametrize(
    ("cores", "quota", "threads"),
    [(8, None, 8), (8, 2.0, 2), (8, 2.5, 2), (8, 0.5, 1), (2, 16.0, 2), (1, None, 1)],
)
def test_threads_are_the_cores_that_can_be_used(cores: int, quota: float | None, threads: int) -> None:
    options = decide(machine(set(), cores, quota), PLAIN)
    assert options.threads == threads
    assert options.threads_reason


def test_threads_can_be_set() -> None:
    assert load_options(threads=3).threads == 3
    assert load_options(threads=3).use_extra_bufts == load_options().use_extra_bufts


def test_this_machine_can_be_described() -> None:
    here = processor()
    assert here.cores >= 1
    assert build_features()
    assert isinstance(load_options(), LoadOptions)
    assert memory_available() > 0


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_cpu_is_read_from_proc(tmp_path: Path) -> None:
    text = "processor\t: 0\nmodel name\t: Some CPU @ 2GHz\nflags\t\t: fpu avx2 amx_tile\nbugs\t\t: one\n"
    put(tmp_path, proc__cpuinfo=text)
    found = processor(tmp_path)
    assert (found.name, found.flags) == ("Some CPU @ 2GHz", {"fpu", "avx2", "amx_tile"})


def test_an_arm_cpu_has_features(tmp_path: Path) -> None:
    put(tmp_path, proc__cpuinfo="processor\t: 0\nFeatures\t: fp asimd\n")
    assert processor(tmp_path).flags == {"fp", "asimd"}


def test_a_system_without_proc_tells_nothing(tmp_path: Path) -> None:
    found = processor(tmp_path)
    assert (found.flags, found.quota) == (None, None)
    assert found.cores >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /sys")
def test_two_threads_of_a_core_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5})
    for cpu, siblings in {0: "0,4", 1: "1,5", 2: "2,6", 5: "1,5"}.items():
        put(tmp_path, **{f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list": siblings})
    assert processor(tmp_path).cores == 3


def test_the_tightest_control_group_counts(tmp_path: Path) -> None:
    groups = {
        "proc/self/cgroup": "0::/user/job\n",
        "sys/fs/cgroup/user/job/cpu.max": "max 100000\n",
        "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
        "sys/fs/cgroup/user/job/memory.max": "3000\n",
        "sys/fs/cgroup/user/job/memory.current": "2500\n",
        "sys/fs/cgroup/user/job/memory.stat": "anon 900\ninactive_file 1500\nactive_file 100\n",
        "sys/fs/cgroup/user/memory.max": "max\n",
        "sys/fs/cgroup/user/memory.current": "5000\n",
    }
    put(tmp_path, **groups)
    assert processor(tmp_path).quota == 1.5
    assert memory_available(tmp_path) == 2000


def test_control_groups_of_the_first_kind_count_too(tmp_path: Path) -> None:
    groups = {
        "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "700\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "900\n",
    }
    put(tmp_path, **groups)
    assert processor(tmp_path).quota == 0.5
    assert memory_available(tmp_path) == 0


@pytest.mark.parametrize("quota", ["-1", ""])
def test_no_quota_is_no_limit(tmp_path: Path, quota: str) -> None:
    put(
        tmp_path,
        **{
            "proc/self/cgroup": "3:cpu:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": quota,
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    )
    assert processor(tmp_path).quota is None
