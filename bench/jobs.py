#!/usr/bin/env python3
"""How soon jobs begin, how many fit into a minute, and what schedules cost that wait. See bench/README.md."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

import children
import report
from network import Loopback
from postgres import Postgres
from service import Service
from sshd import Sshd

# What is aimed at: seconds from queued to running at p99, short jobs a minute, share of a core with all schedules idle.
LATENCY, A_MINUTE, IDLE = 0.050, 1000, 0.02
PARTS = ("local", "sftp", "burst", "schedules")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courier", type=Path, default=Path("target/release/courier"), help="the binary to measure")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of: {','.join(PARTS)}")
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--jobs", type=int, default=1000, help="executions of each part")
    parser.add_argument("--a-minute", type=int, default=1000, help="how fast they are asked for; a burst is all at once")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--watch", type=float, default=60, help="seconds for which idle schedules are watched")
    parser.add_argument("--concurrency", type=int, default=4, help="executions at once")
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
    parts = args.only.split(",")
    sshd = Sshd(folder / "sshd", Loopback(), "aes128-gcm@openssh.com")
    (folder / "small").write_bytes(os.urandom(4096))
    runs = [["database", "jobs", "executions", "a minute", "to running p50 ms", "p99 ms", "max ms", "takes p50 ms",
             "CPU ms each", "database CPU ms each", "RSS MiB", "aim"]]
    idle = [["database", "schedules", "seconds", "CPU % of a core", "database CPU %", "RSS MiB", "aim"]]
    for database in args.databases.split(","):
        home = folder / database
        home.mkdir()
        postgres = Postgres(home / "postgres") if database == "postgres" else None
        service = Service(courier, home / "courier", postgres and postgres.url, args.concurrency)
        jobs = set_up(service, sshd, folder / "small")
        for part in parts:
            if part == "schedules":
                # The same server without any, first.
                idle.append(waited(database, service, postgres, 0, args.watch))
                make_schedules(service, args.schedules)
                idle.append(waited(database, service, postgres, args.schedules, args.watch))
            else:
                pause = 0 if part == "burst" else 60 / args.a_minute
                job = jobs["local" if part == "burst" else part]
                runs.append(measured(database, part, service, postgres, job, args.jobs, pause))
    for table in (runs, idle):
        if len(table) > 1:
            print(f"\n{report.markdown(table)}", flush=True)
    print(f"\n{report.machine()}, databases on {args.data}")
    return 1 if any("missed" in row[-1] for row in runs + idle) else 0


def set_up(service: Service, sshd: Sshd, small: Path) -> dict[str, str]:
    """Two short jobs: one copies a file, one fetches a file over SFTP in a session of its own. Their ids."""
    key = service.call("POST", "/api/ssh-keys/import", {"name": "key", "private_key": sshd.identity.read_text()})
    connection = service.call("POST", "/api/connections", {
        "name": "near", "protocol": "sftp", "host": sshd.host, "port": sshd.port, "username": sshd.user,
        "auth_method": "ssh_key", "ssh_key_ids": [key["id"]]})
    tested = service.call("POST", f"/api/connections/{connection['id']}/test")
    if not tested["success"]:
        raise SystemExit(f"the connection does not work: {tested}")
    file = shutil.copy2(small, service.data / "files" / "small")
    steps = {
        "local": {"step_type": "local.copy", "config": {"path": str(file), "new_path": "copy"}},
        "sftp": {"step_type": "sftp.download",
                 "config": {"connection_id": connection["id"], "remote_path": str(small), "local_path": "copy"}},
    }
    return {name: service.call("POST", "/api/jobs", {"name": name, "steps": [step]})["id"] for name, step in steps.items()}


def measured(database: str, part: str, service: Service, postgres: Postgres | None, job: str, count: int, pause: float) -> list[str]:
    """Runs a job so many times, one each `pause` seconds whether or not the last is done; or all at once, by four at a time."""
    before, spent, began = service.cpu(), postgres.cpu() if postgres else 0, time.monotonic()
    wanted = set(ask(service, job, count, pause))
    while len(done := finished(service, job, wanted)) < count:
        if time.monotonic() > began + 60 + count * max(pause, 0.5):
            raise SystemExit(f"{count - len(done)} of {count} executions did not end:\n{service.log.read_text()[-2000:]}")
        time.sleep(0.25)
    cpu = (service.cpu() - before) / count
    database_cpu = (postgres.cpu() - spent) / count if postgres else 0
    if bad := [execution for execution in done if execution["state"] != "completed"]:
        raise SystemExit(f"{len(bad)} of {count} executions failed, the first: {bad[0]}")
    begun = sorted(at(one, "started_at") - at(one, "queued_at") for one in done)
    took = sorted(at(one, "ended_at") - at(one, "started_at") for one in done)
    rate = 60 * count / (max(at(one, "ended_at") for one in done) - min(at(one, "queued_at") for one in done))
    # In a burst all wait for each other; there the number counts.
    p99 = share(begun, 0.99)
    reached = rate >= A_MINUTE if pause == 0 else p99 < LATENCY
    aim = f"≥ {A_MINUTE} a minute" if pause == 0 else f"p99 < {LATENCY * 1000:.0f} ms"
    return [database, part, str(count), f"{rate:,.0f}", *(f"{1000 * value:.1f}" for value in (share(begun, 0.5), p99, begun[-1])),
            f"{1000 * share(took, 0.5):.1f}", f"{1000 * cpu:.1f}", f"{1000 * database_cpu:.1f}",
            f"{service.memory() / 2**20:.0f}", f"{aim}: {'reached' if reached else 'missed'}"]


def ask(service: Service, job: str, count: int, pause: float) -> list[str]:
    """Asks for executions; their ids."""
    ids, lock, left = [], threading.Lock(), iter(range(count))
    began = time.monotonic()

    def work():
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            time.sleep(max(0, began + number * pause - time.monotonic()))
            id = service.call("POST", f"/api/jobs/{job}/run")["id"]
            with lock:
                ids.append(id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ids


def finished(service: Service, job: str, wanted: set[str]) -> list[dict]:
    """Those of the executions that are over; nothing while any is not, which costs the server one row."""
    for state in ("queued", "running"):
        if service.call("GET", f"/api/executions?job_id={job}&state={state}&limit=1")["items"]:
            return []
    return [one for one in service.items(f"/api/executions?job_id={job}") if one["id"] in wanted and one["ended_at"]]


def at(execution: dict, field: str) -> float:
    return datetime.fromisoformat(execution[field].replace("Z", "+00:00")).timestamp()


def share(sorted_values: list[float], part: float) -> float:
    """The value below which that part of them lies."""
    return sorted_values[min(len(sorted_values) - 1, int(part * len(sorted_values)))]


def make_schedules(service: Service, count: int):
    """As many jobs, each with one schedule that is not due while we watch."""
    file = str(service.data / "files" / "small")
    for number in range(count):
        service.call("POST", "/api/jobs", {
            "name": f"yearly-{number}",
            "steps": [{"step_type": "local.copy", "config": {"path": file, "new_path": "copy"}}],
            # The day before yesterday, so in a year.
            "schedules": [{"cron": f"{number % 60} {number // 60 % 24} {SOME_DAY.day} {SOME_DAY.month} *", "timezone": "Europe/Berlin"}],
        })


SOME_DAY = datetime.fromtimestamp(time.time() - 2 * 86400)


def waited(database: str, service: Service, postgres: Postgres | None, schedules: int, seconds: float) -> list[str]:
    """What the server spends while nothing is to be done."""
    time.sleep(5)  # until what the preparation left behind is done
    before, spent, began = service.cpu(), postgres.cpu() if postgres else 0, time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    cpu = (service.cpu() - before) / passed
    database_cpu = (postgres.cpu() - spent) / passed if postgres else 0
    aim = f"< {100 * IDLE:.0f} %: {'reached' if cpu < IDLE else 'missed'}"
    return [database, f"{schedules:,}", f"{passed:.0f}", f"{100 * cpu:.2f}", f"{100 * database_cpu:.2f}",
            f"{service.memory() / 2**20:.0f}", aim]


if __name__ == "__main__":
    sys.exit(main())
