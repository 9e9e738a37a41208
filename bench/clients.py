"""The clients, each with the flags that make it fastest, and the command that each runs for a workload.

The server offers one cipher only, so a client that can't be told gets it all the same.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from data import Data
from server import HOST, Sshd


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


def sftp(bench: Bench, workload: str) -> list[str]:
    """OpenSSH's client with the largest buffer that its server takes, and enough requests in flight."""
    server, client = bench.data.server, bench.data.client
    batch = bench.sshd.folder / f"sftp.{workload}"
    batch.write_text(
        {
            "down": f"get {server}/big.bin {client}/in/big.bin\n",
            "up": f"put {client}/big.bin {server}/in/big.bin\n",
            "small-down": f"get -r {server}/small {client}/in\n",
            "small-up": f"put -r {client}/small {server}/in\n",
        }[workload]
    )
    tuned = ["-X", "buffer=261120", "-X", "nrequests=256"]
    where = ["-P", str(bench.sshd.port), f"{bench.sshd.user}@{HOST}"]
    return ["sftp", "-q", *tuned, *bench.ssh_options(), "-b", str(batch), *where]


def rclone(bench: Bench, workload: str) -> list[str]:
    """rclone in one stream for a big file, eight transfers for small ones; no hashes, no times."""
    server, client, sshd = bench.data.server, bench.data.client, bench.sshd
    options = {
        "host": HOST,
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
    flags = ["-q", "--multi-thread-streams", "0", "--transfers", "8", "--checkers", "8"]
    return ["rclone", *flags] + {
        "down": ["copyto", f"{remote}{server}/big.bin", f"{client}/in/big.bin"],
        "up": ["copyto", f"{client}/big.bin", f"{remote}{server}/in/big.bin"],
        "small-down": ["copy", f"{remote}{server}/small", f"{client}/in/small"],
        "small-up": ["copy", f"{client}/small", f"{remote}{server}/in/small"],
    }[workload]


def lftp(bench: Bench, workload: str) -> list[str]:
    """lftp as it comes (larger packets make it slower), eight files at a time for small ones."""
    server, client, sshd = bench.data.server, bench.data.client, bench.sshd
    ssh = " ".join(["ssh", "-a", "-x", *bench.ssh_options(), "-p", str(sshd.port)])
    transfer = {
        "down": f"get {server}/big.bin -o {client}/in/big.bin",
        "up": f"put {client}/big.bin -o {server}/in/big.bin",
        "small-down": f"mirror -P 8 {server}/small {client}/in/small",
        "small-up": f"mirror -R -P 8 {client}/small {server}/in/small",
    }[workload]
    settings = f'set sftp:auto-confirm yes; set net:timeout 60; set net:max-retries 1; set sftp:connect-program "{ssh}"'
    return ["lftp", "--norc", "-c", f"{settings}; open sftp://{sshd.user}:@{HOST}; {transfer}"]


def courier(bench: Bench, workload: str) -> list[str]:
    """Courier as a user would call it."""
    server, client, sshd = bench.data.server, bench.data.client, bench.sshd
    url = f"sftp://{sshd.user}@{HOST}:{sshd.port}"
    trust = ["--identity", str(sshd.identity), "--host-key", sshd.fingerprint]
    return [str(bench.courier)] + {
        "down": ["get", f"{url}{server}/big.bin", f"{client}/in/big.bin"],
        "up": ["put", f"{client}/big.bin", f"{url}{server}/in/big.bin"],
        "small-down": ["get", "-r", f"{url}{server}/small", f"{client}/in"],
        "small-up": ["put", "-r", f"{client}/small", f"{url}{server}/in"],
    }[workload] + [*trust, "--cipher", bench.cipher, "--quiet"]


CLIENTS = {"sftp": sftp, "courier": courier, "rclone": rclone, "lftp": lftp}
VERSIONS = {"sftp": ["ssh", "-V"], "rclone": ["rclone", "version"], "lftp": ["lftp", "--version"]}


def available(courier_path: Path | None) -> list[str]:
    """The clients that this machine has; `sftp`, the measure of the others, comes first."""
    there = {"courier": courier_path is not None}
    return [name for name in CLIENTS if there.get(name, shutil.which(name) is not None)]


def version(name: str, courier_path: Path | None) -> str:
    """One line that says which version was measured."""
    command = [str(courier_path), "--version"] if name == "courier" else VERSIONS[name]
    ran = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
    return lines[0].strip() if lines else name
