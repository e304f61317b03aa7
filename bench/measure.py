"""Read CPU time and memory of a process and its descendants from Linux, and choose their CPUs."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of CPU time."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """Both."""
        return self.user + self.system

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.user - other.user, self.system - other.system)


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for parent in found:
        for children in _PROC.glob(f"{parent}/task/*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found


def cpu(pid: int) -> Cpu:
    """Return what a process and its descendants have used, those that ended included."""
    user = system = 0
    for one in tree(pid):
        fields = (_PROC / str(one) / "stat").read_text().rpartition(")")[2].split()
        # proc(5): utime, stime, cutime and cstime are fields 14 to 17; the text before starts with field 3.
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return Cpu(user * _TICK_SECONDS, system * _TICK_SECONDS)


def pss_mib(pid: int) -> float:
    """Return the memory of a process and its descendants, what they share counted once."""
    kibibytes = 0
    for one in tree(pid):
        lines = (_PROC / str(one) / "smaps_rollup").read_text().splitlines()
        kibibytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kibibytes / 1024


@contextlib.contextmanager
def on_cpus(cpus: set[int]) -> Iterator[None]:
    """Let processes that start in the block inherit these CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Machine:
    """The busy CPU seconds of the whole machine and of our processes; the difference is other processes' load."""

    busy: float
    stolen: float
    ours: float

    @classmethod
    def now(cls) -> Machine:
        """Read both; what we have started counts as ours once it has ended."""
        numbers = [int(number) for number in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
        user, nice, system, _idle, _iowait, irq, softirq, steal = numbers
        times = os.times()
        ours = times.user + times.system + times.children_user + times.children_system
        return cls((user + nice + system + irq + softirq) * _TICK_SECONDS, steal * _TICK_SECONDS, ours)


def cpu_model() -> str:
    """Return the processor's name as Linux has it."""
    for line in (_PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
