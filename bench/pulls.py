#!/usr/bin/env python3
"""What it costs to pull files with a folder mapping, beside `courier get`. See bench/README.md."""

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import children
import measure
import report
from data import MIB, BigFile, Item, SmallFiles, difference
from jobs import at
from network import Loopback
from service import Service
from sshd import Sshd

# What is aimed at: the rate of a pull of small files, as a share of that of `courier get`.
SHARE = 0.5
# Seconds after which nothing is waited for any more.
LIMIT = 600


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courier", type=Path, default=Path("target/release/courier"), help="the binary to measure")
    parser.add_argument("--files", type=int, default=5000, help="of 4 KiB each, in ten folders")
    parser.add_argument("--size", type=int, default=1024, help="of the big file, MiB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folders", default=f"/dev/shm,{tempfile.gettempdir()}", help="where all lies: tmpfs, a disk like yours")
    return parser.parse_args()


@dataclass
class Cost:
    """What one run cost: seconds, CPU seconds of Courier, its memory in bytes."""

    wall: float
    cpu: float
    memory: int


def main() -> int:
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(f"{sys.argv[0]}: stopped"))
    children.adopt_orphans()
    table = [["files", "on", "with", "wall s", "files/s", "MB/s", "CPU s", "RSS MiB", "rate × get", "aim"]]
    for base in args.folders.split(","):
        folder = Path(tempfile.mkdtemp(prefix="courier-bench-", dir=base))
        try:
            for item in (SmallFiles("small", args.files), BigFile("big", args.size * MIB)):
                table += compared(args, base, folder / item.name, item)
        except KeyboardInterrupt:
            return 130
        finally:
            children.end_all()
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{report.markdown(table)}\n\n{report.machine()}, medians of {args.rounds} rounds")
    return 1 if any("missed" in row[-1] for row in table) else 0


def compared(args: argparse.Namespace, base: str, folder: Path, item: Item) -> list[list[str]]:
    """The lines of one kind of files in one place: both ways in turns, the first round of each thrown away."""
    folder.mkdir()
    source = folder / "source"
    source.mkdir()
    item.make(source / item.name)
    sshd = Sshd(folder / "sshd", Loopback(), "aes128-gcm@openssh.com")
    service = Service(args.courier, folder / "courier", None, 4)
    key = service.call("POST", "/api/ssh-keys/import", {"name": "key", "private_key": sshd.identity.read_text()})
    gets, pulls = [], []
    for number in range(args.rounds + 1):
        gets.append(get(args.courier, sshd, source / item.name, folder / "got"))
        pulls.append(pull(service, sshd, key["id"], source, item, f"round-{number}"))
        print(f"{item} on {base}, round {number}: get {gets[-1].wall:.3f} s, pull {pulls[-1].wall:.3f} s", flush=True)
    service.process.terminate()
    service.process.wait()
    get_wall = statistics.median(cost.wall for cost in gets[1:])
    return [line(base, item, "get", gets[1:], get_wall), line(base, item, "pull", pulls[1:], get_wall)]


def line(base: str, item: Item, name: str, costs: list[Cost], get_wall: float) -> list[str]:
    wall = statistics.median(cost.wall for cost in costs)
    cpu = statistics.median(cost.cpu for cost in costs)
    count = getattr(item, "files", 1)
    share = get_wall / wall
    aim = "" if name == "get" or count == 1 else f"≥ {SHARE}: {'reached' if share >= SHARE else 'missed'}"
    return [str(item), base, name, f"{wall:.3f}", f"{count / wall:,.0f}", f"{item.size / wall / 1e6:,.0f}", f"{cpu:.2f}",
            f"{max(cost.memory for cost in costs) / MIB:.0f}", f"{share:.2f}", aim]


def get(courier: Path, sshd: Sshd, source: Path, to: Path) -> Cost:
    """`courier get`, of a folder with -r."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    what = ["-r"] if source.is_dir() else []
    command = [courier, "get", *what, f"sftp://{sshd.user}@{sshd.host}:{sshd.port}{source}", to,
               "--identity", sshd.identity, "--host-key", sshd.fingerprint, "--cipher", sshd.cipher, "--quiet"]
    os.sync()  # neither pays for what the other has left to be written
    run = measure.run([str(word) for word in command], {"PATH": os.environ["PATH"], "HOME": str(to.parent)}, to, LIMIT)
    if run.status != 0:
        raise SystemExit(f"courier get failed: {run.output}")
    if problem := difference(source, to / source.name):
        raise SystemExit(problem)
    return Cost(run.wall, run.cpu, run.memory)


def pull(service: Service, sshd: Sshd, key: str, source: Path, item: Item, name: str) -> Cost:
    """A mapping's first run, from the request to the end of the execution, as the server's clock tells it."""
    connection = service.call("POST", "/api/connections", {
        "name": name, "protocol": "sftp", "host": sshd.host, "port": sshd.port, "username": sshd.user,
        "auth_method": "ssh_key", "ssh_key_ids": [key], "base_path": str(source)})
    mapping = service.call("POST", f"/api/connections/{connection['id']}/folder-mappings", {
        "name": name, "remote_path": "/", "pattern": "**", "recursive": True, "prefix": name, "min_age_sec": 0,
        "interval_sec": 604_800})
    os.sync()
    cpu = service.cpu()
    id = service.call("POST", f"/api/folder-mappings/{mapping['id']}/run")["id"]
    deadline = time.monotonic() + LIMIT
    while not (execution := service.call("GET", f"/api/executions/{id}"))["ended_at"] and time.monotonic() < deadline:
        time.sleep(0.1)
    cpu = service.cpu() - cpu
    if execution["state"] != "completed":
        raise SystemExit(f"the pull did not complete: {execution}")
    arrived = service.data / "storage" / name
    if problem := difference(source / item.name, arrived / item.name):
        raise SystemExit(problem)
    count = sum(1 for _ in service.items(f"/api/connections/{connection['id']}/history"))
    if count != getattr(item, "files", 1):
        raise SystemExit(f"the history has {count} files")
    shutil.rmtree(arrived)
    return Cost(at(execution, "ended_at") - at(execution, "queued_at"), cpu, service.memory())


if __name__ == "__main__":
    sys.exit(main())
