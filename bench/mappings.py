#!/usr/bin/env python3
"""What folder mappings cost that wait, and whether very many keep up that are due. See bench/README.md."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import children
import report
from jobs import at, share
from network import Loopback
from postgres import Postgres
from service import Service
from sshd import Sshd

# What is aimed at: the share of a core with all mappings idle; when due, each of them once in an interval.
IDLE = 0.02


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courier", type=Path, default=Path("target/release/courier"), help="the binary to measure")
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--protocols", default="local,sftp")
    parser.add_argument("--mappings", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=100, help="they are shared out among so many")
    parser.add_argument("--interval", type=int, default=300, help="seconds in which each is due once")
    parser.add_argument("--watch", type=float, default=60, help="seconds for which idle mappings are watched")
    parser.add_argument("--concurrency", type=int, default=8, help="executions at once")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()), help="where the databases lie: best a disk like yours")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(f"{sys.argv[0]}: stopped"))
    children.adopt_orphans()
    folder = Path(tempfile.mkdtemp(prefix="courier-bench-", dir=args.data))
    folder.chmod(0o711)  # PostgreSQL runs as somebody else, and lies in it
    try:
        return run(args, folder)
    except KeyboardInterrupt:
        return 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        children.end_all()
        shutil.rmtree(folder, ignore_errors=True)


def run(args: argparse.Namespace, folder: Path) -> int:
    courier = Path(shutil.copy2(args.courier, folder / "courier"))
    sshd = Sshd(folder / "sshd", Loopback(), "aes128-gcm@openssh.com")
    idle = [["database", "mappings", "seconds", "CPU % of a core", "database CPU %", "RSS MiB", "aim"]]
    due = [["database", "over", "mappings", "interval s", "pulls in it", "late p50 s", "p99 s", "max s", "pull p50 ms",
            "CPU ms each", "database CPU ms each", "RSS MiB", "aim"]]
    for database in args.databases.split(","):
        for protocol in args.protocols.split(","):
            home = folder / f"{database}-{protocol}"
            home.mkdir()
            home.chmod(0o711)
            postgres = Postgres(home / "postgres") if database == "postgres" else None
            service = Service(courier, home / "courier", postgres and postgres.url, args.concurrency)
            connections = connect(service, sshd, home, protocol, args.connections)
            idle.append(waited(database, service, postgres, 0, args.watch))
            mappings = make(service, connections, home, args.mappings)
            idle.append(waited(database, service, postgres, args.mappings, args.watch))
            due.append(kept_up(database, protocol, service, postgres, mappings, args.interval))
            service.process.terminate()
            service.process.wait()
    for table in (idle, due):
        print(f"\n{report.markdown(table)}", flush=True)
    print(f"\n{report.machine()}, databases on {args.data}, {args.concurrency} executions at once, "
          f"{args.connections} connections")
    return 1 if any("missed" in row[-1] for row in idle + due) else 0


def connect(service: Service, sshd: Sshd, home: Path, protocol: str, count: int) -> list[str]:
    """So many connections to the same server. Their ids."""
    common = {"protocol": protocol}
    if protocol == "sftp":
        key = service.call("POST", "/api/ssh-keys/import", {"name": "key", "private_key": sshd.identity.read_text()})
        common |= {"host": sshd.host, "port": sshd.port, "username": sshd.user, "auth_method": "ssh_key", "ssh_key_ids": [key["id"]]}
    else:
        common |= {"base_path": str(service.data / "files")}
    return [service.call("POST", "/api/connections", {"name": f"near-{n}", **common})["id"] for n in range(count)]


def make(service: Service, connections: list[str], home: Path, count: int) -> list[str]:
    """So many mappings of one empty folder, due in a week. Their ids."""
    folder = service.data / "files" / "in"
    folder.mkdir(parents=True, exist_ok=True)

    def mapping(number: int) -> str:
        connection = connections[number % len(connections)]
        path = "/in" if service.call("GET", f"/api/connections/{connection}")["protocol"] == "local" else str(folder)
        return service.call("POST", f"/api/connections/{connection}/folder-mappings", {
            "name": f"mapping-{number}", "remote_path": path, "interval_sec": 604_800})["id"]

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(mapping, range(count)))


def waited(database: str, service: Service, postgres: Postgres | None, mappings: int, seconds: float) -> list[str]:
    """What the server spends while nothing is to be done."""
    time.sleep(5)  # until what the preparation left behind is done
    before, spent, began = service.cpu(), postgres.cpu() if postgres else 0, time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    cpu = (service.cpu() - before) / passed
    database_cpu = (postgres.cpu() - spent) / passed if postgres else 0
    aim = f"< {100 * IDLE:.0f} %: {'reached' if cpu < IDLE else 'missed'}"
    return [database, f"{mappings:,}", f"{passed:.0f}", f"{100 * cpu:.2f}", f"{100 * database_cpu:.2f}",
            f"{service.memory() / 2**20:.0f}", aim]


def kept_up(database: str, protocol: str, service: Service, postgres: Postgres | None, mappings: list[str], interval: int) -> list[str]:
    """Sets them all to the interval, evenly over it, waits for their first ticks, and watches them for one interval more."""
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        def change(entry):
            number, id = entry
            time.sleep(max(0, began + number * interval / len(mappings) - time.monotonic()))
            service.call("PATCH", f"/api/folder-mappings/{id}", {"interval_sec": interval})
        list(pool.map(change, enumerate(mappings)))
    # The first are due now, one interval after they were changed.
    since = datetime.now(timezone.utc)
    before, spent, began = service.cpu(), postgres.cpu() if postgres else 0, time.monotonic()
    time.sleep(interval)
    passed = time.monotonic() - began
    cpu, database_cpu = service.cpu() - before, postgres.cpu() - spent if postgres else 0
    moment = since.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    pulls = [one for one in service.items(f"/api/executions?triggered_by=schedule&since={moment}") if one["ended_at"]]
    if bad := [one for one in pulls if one["state"] != "completed"]:
        raise SystemExit(f"{len(bad)} of {len(pulls)} pulls failed, the first: {bad[0]}")
    late = sorted(at(one, "started_at") - at(one, "scheduled_at") for one in pulls)
    took = sorted(at(one, "ended_at") - at(one, "started_at") for one in pulls)
    # Ticks come a little earlier and later than the interval, so that a few of the last fall behind the end.
    reached = len(pulls) >= 0.98 * len(mappings) and share(late, 0.99) < 5
    return [database, protocol, f"{len(mappings):,}", f"{passed:.0f}", f"{len(pulls):,}",
            *(f"{value:.2f}" for value in (share(late, 0.5), share(late, 0.99), late[-1])), f"{1000 * share(took, 0.5):.1f}",
            f"{1000 * cpu / len(pulls):.1f}", f"{1000 * database_cpu / len(pulls):.1f}", f"{service.memory() / 2**20:.0f}",
            f"all of them, p99 < 5 s late: {'reached' if reached else 'missed'}"]


if __name__ == "__main__":
    sys.exit(main())
