"""The processes that this one starts, and how none of them is left behind."""

import ctypes
import os
import signal
import subprocess
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def adopt_orphans():
    """Makes this process the parent of whatever a descendant leaves behind.

    So the CPU time of a client's helper is counted, and `end_all` finds everything.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(command: list, **options) -> subprocess.Popen:
    """Starts a process that lives longer than one run. Ctrl-C does not reach it: its end is for us to choose."""
    return subprocess.Popen(command, start_new_session=True, **options)


def of(pid: int) -> set[int]:
    """The children of a process, whichever of its threads started them."""
    found = set()
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found |= set(map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split()))
    except (FileNotFoundError, ProcessLookupError):
        pass  # a process or thread that ended while we looked
    return found


def name(pid: int) -> str:
    """The name of a process's program; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def cpu(pid: int) -> float:
    """CPU seconds of a process and of those children that it has seen end."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / CLOCK_TICKS


def end_all():
    """Kills every descendant: a child's children become ours when it ends."""
    while left := of(os.getpid()):
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
