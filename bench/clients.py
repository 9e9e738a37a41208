"""The clients: one row of the tables each."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import courier
import over_ftp
import over_sftp
from programs import help_of
from stage import Stage
from workloads import PROTOCOLS, Workload


@dataclass(frozen=True)
class Row:
    """A line of the tables of these protocols. One with `only` is an extra line, in the tables of those workloads."""

    program: str
    command: Callable[[Stage, Workload], list[str]]
    protocols: tuple[str, ...] = tuple(PROTOCOLS)
    flags: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()  # workloads that it can't do

    @property
    def name(self) -> str:
        return " ".join([self.program, *self.flags])

    @property
    def is_peer(self) -> bool:
        return self.program != "courier"

    def has(self, workload: Workload) -> bool:
        named = not self.only or workload.name in self.only
        return named and workload.protocol in self.protocols and workload.name not in self.but


SFTP, FTP = ("sftp",), ("ftp", "ftps")
# Over TLS, curl takes up the newest session of any of its connections, and the server turns that down. Over FTP it
# changes to each folder from the root to make it: half a minute far away.
NOT_CURLS = ("ftps-small-down", "ftps-small-up", "ftps-wan-small-down", "ftps-wan-small-up", "ftp-wan-small-up")

FAR_FILES_FTP = ("ftp-wan-small-down", "ftp-wan-small-up", "ftps-wan-small-down", "ftps-wan-small-up")

# The first row of a table is the one that the others are measured against.
ROWS = [
    Row("sftp", over_sftp.sftp, SFTP),
    Row("rclone", over_sftp.rclone, SFTP),
    Row("lftp", over_sftp.lftp, SFTP),
    Row("lftp", over_ftp.lftp, FTP),
    Row("curl", over_ftp.curl, FTP, but=NOT_CURLS),
    Row("rclone", over_ftp.rclone, FTP),
    Row("courier", courier.command),
    Row("courier", courier.command, flags=("--atomic",), only=("sftp-small-up", "sftp-wan-small-up")),
    Row("courier", courier.command, flags=("--parallel", "1"), only=("sftp-wan-down", "sftp-wan-up")),
    Row("courier", courier.command, flags=("--parallel", over_ftp.FAR_AT_ONCE), only=FAR_FILES_FTP),
]


def available(courier_path: Path | None) -> list[Row]:
    """The rows that this machine can run: the program is there, and knows the row's flags."""
    known = help_of(str(courier_path), "get", "--help") if courier_path else ""
    return [
        row
        for row in ROWS
        if (shutil.which(row.program) if row.is_peer else known and all(flag in known for flag in row.flags[:1]))
    ]
