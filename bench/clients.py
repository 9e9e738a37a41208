"""The clients: one row of the tables each, with the flags that make the client fastest for the workload.

The server offers one cipher only, so a client that can't be told gets it all the same.
"""

import functools
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data import Data
from server import Sshd
from workloads import Workload


@dataclass
class Bench:
    """What a command is made of."""

    sshd: Sshd
    data: Data
    cipher: str
    courier: Path | None

    def ssh_options(self) -> list[str]:
        """For `ssh` and what starts it: nothing of the user's own configuration."""
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": str(self.sshd.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
        }
        named = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
        return ["-F", "/dev/null", *named, "-i", str(self.sshd.identity), "-c", self.cipher]

    def ends(self, workload: Workload) -> tuple[str, str]:
        """The path of what is there, and the path it is to get on the other side."""
        here, there = self.data.server, self.data.client
        if workload.direction == "up":
            here, there = there, here
        return f"{here}/{workload.item.name}", f"{there}/in/{workload.item.name}"


def sftp(bench: Bench, workload: Workload) -> list[str]:
    """OpenSSH's client with the largest buffer that its server takes, and enough requests in flight."""
    source, target = bench.ends(workload)
    verb = "get" if workload.direction == "down" else "put"
    if not workload.is_big:
        verb, target = f"{verb} -r", str(Path(target).parent)
    batch = bench.sshd.folder / f"sftp.{workload.name}"
    batch.write_text(f"{verb} {source} {target}\n")
    tuned = ["-X", "buffer=261120", "-X", "nrequests=256"]
    where = ["-P", str(bench.sshd.port), f"{bench.sshd.user}@{bench.sshd.host}"]
    return ["sftp", "-q", *tuned, *bench.ssh_options(), "-b", str(batch), *where]


def rclone(bench: Bench, workload: Workload) -> list[str]:
    """rclone without hashes and times. Several streams for a big file, and many transfers, pay off far away only."""
    source, target = bench.ends(workload)
    sshd = bench.sshd
    options = {
        "host": sshd.host,
        "port": sshd.port,
        "user": sshd.user,
        "key_file": sshd.identity,
        "known_hosts_file": sshd.known_hosts,
        "disable_hashcheck": "true",
        "shell_type": "none",
        "set_modtime": "false",
        "chunk_size": "255Ki",
        "concurrency": 128,
    }
    remote = ":sftp," + ",".join(f"{key}={value}" for key, value in options.items()) + ":"
    if workload.direction == "down":
        source = remote + source
    else:
        target = remote + target
    streams, transfers = ("4", "32" if workload.direction == "down" else "64") if workload.far else ("0", "8")
    flags = ["--transfers", transfers, "--checkers", transfers, "--multi-thread-streams", streams, "--multi-thread-cutoff", "1M"]
    if "--inplace" in _help("rclone", "help", "flags"):
        flags.append("--inplace")  # no temporary name, no rename; where it is missing, no version renames
    return ["rclone", "-q", *flags, "copyto" if workload.is_big else "copy", source, target]


def lftp(bench: Bench, workload: Workload) -> list[str]:
    """lftp with eight files at a time, or eight parts of a file that comes from far away; more in flight far away only.

    It can't send a file in parts, and larger packets make it slower, or let it hang.
    """
    source, target = bench.ends(workload)
    sshd = bench.sshd
    settings = {"sftp:auto-confirm": "yes", "net:timeout": "60", "net:max-retries": "1"}
    connect = " ".join(["ssh", "-a", "-x", *bench.ssh_options(), "-p", str(sshd.port)])
    if workload.far:
        settings["sftp:max-packets-in-flight"] = "512"
    if workload.is_big:
        down = "pget -n 8" if workload.far else "get"
        transfer = f"{down if workload.direction == 'down' else 'put'} {source} -o {target}"
    else:
        transfer = f"mirror {'' if workload.direction == 'down' else '-R'} -P 8 {source} {target}"
    script = [f"set {name} {value}" for name, value in settings.items()]
    script += [f'set sftp:connect-program "{connect}"', f"open sftp://{sshd.user}:@{sshd.host}", transfer]
    return ["lftp", "--norc", "-c", "; ".join(script)]


def courier(bench: Bench, workload: Workload) -> list[str]:
    """Courier as a user would call it."""
    source, target = bench.ends(workload)
    sshd = bench.sshd
    url = f"sftp://{sshd.user}@{sshd.host}:{sshd.port}"
    verb = ["get"] if workload.direction == "down" else ["put"]
    if not workload.is_big:
        verb, target = [*verb, "-r"], str(Path(target).parent)
    if workload.direction == "down":
        source = url + source
    else:
        target = url + target
    trust = ["--identity", str(sshd.identity), "--host-key", sshd.fingerprint]
    return [str(bench.courier), *verb, source, target, *trust, "--cipher", bench.cipher, "--quiet"]


@dataclass(frozen=True)
class Row:
    """A line of the tables. One with `only` is an extra line, in the tables of those workloads."""

    program: str
    command: Callable[[Bench, Workload], list[str]]
    flags: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " ".join([self.program, *self.flags])

    @property
    def is_peer(self) -> bool:
        return self.program != "courier"

    def has(self, workload: Workload) -> bool:
        return not self.only or workload.name in self.only


# `sftp` comes first: the others are measured against it.
ROWS = [
    Row("sftp", sftp),
    Row("rclone", rclone),
    Row("lftp", lftp),
    Row("courier", courier),
    Row("courier", courier, ("--atomic",), only=("small-up", "wan-small-up")),
    Row("courier", courier, ("--parallel", "1"), only=("wan-down", "wan-up")),
]


def available(courier_path: Path | None) -> list[Row]:
    """The rows that this machine can run: the program is there, and knows the row's flags."""
    known = _help(str(courier_path), "get", "--help") if courier_path else ""
    return [
        row
        for row in ROWS
        if (shutil.which(row.program) if row.is_peer else known and all(flag in known for flag in row.flags[:1]))
    ]


def version(program: str, courier_path: Path | None) -> str:
    """One line that says which version was measured."""
    command = {
        "sftp": ["ssh", "-V"],
        "rclone": ["rclone", "version"],
        "lftp": ["lftp", "--version"],
        "courier": [str(courier_path), "--version"],
    }[program]
    lines = [line for line in _help(*command).splitlines() if line.strip()]
    return lines[0].strip() if lines else "unknown"


@functools.cache
def _help(*command: str) -> str:
    """What a program says about itself."""
    ran = subprocess.run(command, capture_output=True, text=True)
    return ran.stdout + ran.stderr
