"""One run of a client: wall time, CPU time and peak memory of its whole process tree.

Two things are easy to get wrong here. `sftp` and `lftp` start `ssh` as a child, and the child does the encryption: without
it a client looks ten times cheaper than it is. And the kernel's `ru_maxrss` of a child starts at the memory of the process
that forked it, this one: peak memory is therefore read from `/proc/<pid>/status`, which starts anew at exec.
"""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import children

SAMPLE_SECONDS = 0.02
SERVERS = ("sshd", "vsftpd")


@dataclass
class Run:
    """What one run cost. Times in seconds, memory in bytes."""

    status: int
    wall: float
    cpu: float
    memory: int
    machine_cpu: float  # of everything on the machine, in the same time
    output: str


def machine_cpu() -> float:
    """CPU seconds that the whole machine has spent so far, idle time left out."""
    values = list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]))
    return (sum(values) - values[3] - values[4]) / children.CLOCK_TICKS


def wait_for_quiet(limit: float):
    """Waits until the machine does next to nothing, for at most `limit` seconds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        before = machine_cpu()
        time.sleep(0.2)
        if machine_cpu() - before <= 0.03:
            return


def run(command: list[str], env: dict[str, str], cwd: Path, limit: float) -> Run:
    """Runs `command` to its end; kills its process group after `limit` seconds."""
    others = children.of(os.getpid())
    machine = machine_cpu()
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    memory = _Memory(process.pid)
    memory.start()
    killer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
    killer.daemon = True  # Ctrl-C does not wait for it
    killer.start()
    output = _Drain(process.stdout)
    output.start()

    # The resource usage of a process includes that of the children it has waited for.
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    memory.finish()
    output.join()
    cpu = usage.ru_utime + usage.ru_stime + _orphans(others)
    killer.cancel()
    return Run(process.returncode, wall, cpu, memory.peak(), machine_cpu() - machine, output.text())


def _orphans(others: set[int]) -> float:
    """CPU seconds of the descendants that the client did not wait for; waits for them. `others` were there before it.

    A server's process that outlives its session by a moment comes here too, and is not the client's.
    """
    cpu = 0.0
    for pid in children.of(os.getpid()) - others:
        of_server = children.name(pid).startswith(SERVERS)
        _, _, usage = os.wait4(pid, 0)
        cpu += 0 if of_server else usage.ru_utime + usage.ru_stime
    return cpu


class _Drain(threading.Thread):
    """Reads what a client prints, so that it never waits for us."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.parts = stream, []

    def run(self):
        self.parts.append(self.stream.read())
        self.stream.close()

    def text(self) -> str:
        return b"".join(self.parts).decode(errors="replace")


class _Memory(threading.Thread):
    """Samples the high-water marks of a process tree."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.marks, self.over = pid, {}, threading.Event()

    def run(self):
        while not self.over.wait(SAMPLE_SECONDS):
            self._look(self.pid)

    def finish(self):
        self.over.set()
        self.join()

    def peak(self) -> int:
        return sum(self.marks.values()) * 1024

    def _look(self, pid: int):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.marks[pid] = int(line.split()[1])
        for child in children.of(pid):
            self._look(child)
