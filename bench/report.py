"""The tables, and the document that holds them."""

import os
import platform
from datetime import datetime, timezone
from pathlib import Path

import aims
from clients import Row
from data import MIB
from figures import NOISE_CORES, Figures
from workloads import Workload


def rows(workload: Workload, table: dict[Row, Figures | None], tries: dict[Row, int]) -> list[list[str]]:
    """The lines of one workload's table."""
    unit = "MB/s" if workload.is_big else "files/s"
    peers = {row.name: figures for row, figures in table.items() if row.is_peer and figures}
    first = next(iter(peers), None)
    ratios = [f"× {first}", "× best peer"] if peers else []
    lines = [["client", "wall s", *ratios, unit, "CPU s", *ratios, "RSS MiB", "server CPU s", "runs"]]

    def against(own: float, value) -> list[str]:
        if not peers:
            return []
        return [f"{own / value(peers[first]):.2f}", f"{own / aims.least(peers, value)[1]:.2f}"]

    for row, its in table.items():
        if its is None:
            lines.append([row.name, "failed"] + [""] * (len(lines[0]) - 3) + [f"0/{tries[row]}"])
            continue
        lines.append([
            row.name,
            f"{its.wall:.3f}",
            *against(its.wall, lambda figures: figures.wall),
            f"{workload.speed(its.wall):,.0f}",
            f"{its.cpu:.3f}",
            *against(its.cpu, lambda figures: figures.cpu),
            f"{its.memory / MIB:.1f}",
            f"{its.server_cpu:.2f}",
            f"{its.kept}/{tries[row]}",
        ])
    return lines


def markdown(lines: list[list[str]]) -> str:
    """A table that reads well as text too: the first column to the left, the others to the right."""
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

Written by `make bench` on {date}: rounds {rounds}, clients interleaved, files on tmpfs.

- machine: {machine}
- far path: {far}
{notes}

Medians. CPU is user and system time of the client's whole process tree (`ssh` under `sftp` and `lftp` included), RSS the
peak of the same tree. Every run's result was compared byte for byte. A run during which other work took more than
{noise} of a core is left out where two undisturbed ones remain (column runs). Absolute figures move with the machine;
what to compare are the ratios. In the tables of the workloads they are times, so less is better: "× best peer" is against
the fastest of the other clients, and for CPU against the most frugal.

## Aims

{aims}
"""


def document(tables: dict[str, str], aims_table: str, far: str, notes: dict[str, str], rounds: int) -> str:
    """The whole of RESULTS.md; `tables` by their titles, `notes` by what they are about."""
    head = HEAD.format(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        rounds=rounds,
        machine=machine(),
        far=far,
        notes="\n".join(f"- {name}: {text}" for name, text in notes.items()),
        noise=NOISE_CORES,
        aims=aims_table,
    )
    return head + "".join(f"\n## {title}\n\n{table}\n" for title, table in tables.items())
