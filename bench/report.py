"""The table: medians of the clean runs, and how each client stands to `sftp`."""

import os
import platform
import statistics
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from measure import Run

MIB = 1 << 20
# Other work on the machine, in cores, from which on a run is left out of the medians.
NOISE_CORES = 0.25


@dataclass
class Sample:
    """One run, with what the server spent on it and what was wrong with its result."""

    run: Run
    server_cpu: float
    problem: str | None

    def others(self) -> float:
        """Cores that neither client nor server used while the run lasted."""
        rest = self.run.machine_cpu - self.run.cpu - self.server_cpu
        return max(0.0, rest) / self.run.wall


def clean(samples: list[Sample]) -> list[Sample]:
    """The good runs, without the disturbed ones where two undisturbed remain."""
    good = [sample for sample in samples if sample.problem is None]
    quiet = [sample for sample in good if sample.others() < NOISE_CORES]
    return quiet if len(quiet) >= 2 else good


def rows(results: dict[str, list[Sample]], amount: int, files: bool) -> list[list[str]]:
    """The lines of one workload's table; `amount` is bytes, or a count of files."""
    kept = {name: clean(samples) for name, samples in results.items()}
    wall = {name: statistics.median(s.run.wall for s in k) for name, k in kept.items() if k}
    cpu = {name: statistics.median(s.run.cpu for s in k) for name, k in kept.items() if k}
    lines = [["client", "wall s", "× sftp", "files/s" if files else "MB/s", "CPU s", "× sftp", "RSS MiB", "server CPU s", "runs"]]
    for name, samples in results.items():
        if not kept[name]:
            lines.append([name, "failed"] + [""] * 6 + [f"0/{len(samples)}"])
            continue
        speed = amount / wall[name] if files else amount / wall[name] / 1e6
        memory = max(s.run.memory for s in kept[name]) / MIB
        server = statistics.median(s.server_cpu for s in kept[name])
        ratio = lambda values: f"{values[name] / values['sftp']:.2f}" if "sftp" in values else ""
        lines.append([name, f"{wall[name]:.3f}", ratio(wall), f"{speed:,.0f}", f"{cpu[name]:.3f}", ratio(cpu),
                      f"{memory:.1f}", f"{server:.2f}", f"{len(kept[name])}/{len(samples)}"])
    return lines


def markdown(lines: list[list[str]]) -> str:
    """A table that reads well as text too."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    pad = lambda line: [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [pad(lines[0]), rule, *map(pad, lines[1:])])


def machine() -> str:
    """The machine in one line."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}"


HEAD = """\
# Results

Written by `make bench` on {date}, {rounds} rounds, clients interleaved, {cipher}, loopback, files on tmpfs.

- machine: {machine}
{versions}

Medians. CPU is user and system time of the client's whole process tree (`ssh` under `sftp` and `lftp` included), RSS the
peak of the same tree. Every run's result was compared byte for byte. A run during which other work took more than
{noise} of a core is left out where two undisturbed ones remain (column runs). Absolute figures move with the machine;
the columns "× sftp" are what to compare.
"""


def document(tables: dict[str, str], rounds: int, cipher: str, versions: dict[str, str]) -> str:
    """The whole of RESULTS.md."""
    head = HEAD.format(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        rounds=rounds,
        cipher=cipher,
        machine=machine(),
        versions="\n".join(f"- {name}: {text}" for name, text in versions.items()),
        noise=NOISE_CORES,
    )
    return head + "".join(f"\n## {title}\n\n{table}\n" for title, table in tables.items())
