"""What Courier aims at, and whether a run reached it.

Times are compared with the best peer of the same run and workload: the fastest for the wall time, the most frugal for the CPU
time, be they the same client or not.
"""

from collections.abc import Callable
from dataclasses import dataclass

from clients import Row
from data import MIB
from figures import Figures

Tables = dict[str, dict[Row, Figures | None]]


@dataclass(frozen=True)
class Aim:
    """For a workload: at least `speed` times as fast as the fastest peer, at most `cpu` times the CPU of the most frugal.

    `row` is the line of the table that is judged.
    """

    workload: str
    what: str
    speed: float
    cpu: float | None = None
    row: str = "courier"


AIMS = [
    Aim("sftp-down", "SFTP, one file of 1 GiB down", 1.2, 0.6),
    Aim("sftp-up", "SFTP, one file of 1 GiB up", 1.0, 0.5),
    Aim("sftp-small-down", "SFTP, 5,000 small files down", 3.5, 0.2),
    Aim("sftp-small-up", "SFTP, 5,000 small files up, with a safe rename", 3.5, 0.2, row="courier --atomic"),
    Aim("sftp-wan-down", "SFTP, one file down, 50 ms", 1.9),
    Aim("sftp-wan-up", "SFTP, one file up, 50 ms", 4.0),
    Aim("sftp-wan-small-down", "SFTP, 200 small files down, 50 ms", 4.0),
    Aim("sftp-wan-small-up", "SFTP, 200 small files up, 50 ms", 4.0),
    Aim("ftp-down", "FTP, one file of 1 GiB down", 1.15, 0.85),
    Aim("ftp-up", "FTP, one file of 1 GiB up", 1.0, 0.85),
    Aim("ftps-down", "FTPS, one file of 1 GiB down", 1.0, 0.75),
    Aim("ftps-up", "FTPS, one file of 1 GiB up", 1.1, 0.75),
]
MEMORY_MIB = 24


def judged(tables: Tables, workloads: list[str]) -> list[list[str]]:
    """The table of the aims for these workloads; those that could not be measured say so."""
    lines = [["aim", "measure", "wanted", "reached", "best peer", "result"]]
    for aim in AIMS:
        if aim.workload in workloads:
            lines += _lines(aim, tables.get(aim.workload, {}))
    own = [figures for rows in tables.values() for row, figures in rows.items() if figures and not row.is_peer]
    if own:
        memory = round(max(figures.memory for figures in own) / MIB, 1)
        lines.append(["all of these", "memory", f"≤ {MEMORY_MIB} MiB", f"{memory} MiB", "", _verdict(memory <= MEMORY_MIB)])
    return lines


def _lines(aim: Aim, rows: dict[Row, Figures | None]) -> list[list[str]]:
    wanted = f"≥ {aim.speed:.2f} ×"
    courier = next((figures for row, figures in rows.items() if row.name == aim.row), None)
    peers = {row.name: figures for row, figures in rows.items() if row.is_peer and figures}
    if courier is None or not peers:
        return [[aim.what, "speed", wanted, "", "", "not measured"]]

    name, best = least(peers, lambda figures: figures.wall)
    speed = round(best / courier.wall, 2)
    lines = [[aim.what, "speed", wanted, f"{speed:.2f} ×", name, _verdict(speed >= aim.speed)]]
    if aim.cpu is not None:
        name, best = least(peers, lambda figures: figures.cpu)
        cpu = round(courier.cpu / best, 2)
        lines.append([aim.what, "CPU", f"≤ {aim.cpu:.2f} ×", f"{cpu:.2f} ×", name, _verdict(cpu <= aim.cpu)])
    return lines


def least(figures: dict[str, Figures], value: Callable[[Figures], float]) -> tuple[str, float]:
    """The name and the value of the row that spent least."""
    name = min(figures, key=lambda name: value(figures[name]))
    return name, value(figures[name])


def _verdict(met: bool) -> str:
    return "met" if met else "**not met**"
