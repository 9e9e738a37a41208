#!/usr/bin/env python3
"""What a long history of pulled files costs: a listing looked up in it, files recorded in it, questions to it."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import children
import report
from postgres import Postgres

# What is aimed at: seconds for a listing of 100,000 names.
LISTING = 2.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=Path("target/release/examples/history"))
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--names", type=int, default=100_000, help="in the listing; at most a hundredth of the rows")
    parser.add_argument("--files", type=int, default=5000, help="recorded in groups of a hundred")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()),
                        help="where the databases lie, 12 GB of them: best a disk like yours")
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
    finally:
        children.end_all()
        shutil.rmtree(folder, ignore_errors=True)


def run(args: argparse.Namespace, folder: Path) -> int:
    table = [["database", "what", "seconds", "CPU s of the program", "RSS MiB", "aim"]]
    missed = False
    for database in args.databases.split(","):
        home = folder / database
        home.mkdir(mode=0o711)
        postgres = Postgres(home / "postgres") if database == "postgres" else None
        url = postgres.url if postgres else f"sqlite://{home}/courier.db"
        answer = call(args.program, "fill", url, str(args.rows))[0]
        print(f"{database}: {args.rows:,} rows in {answer['seconds']:.0f} s, {size(home) / 1e9:.1f} GB on the disk", flush=True)
        for which in ("known", "half", "new"):
            for state in ("cold", "warm"):
                if state == "cold":
                    forget(home)
                answer = call(args.program, "look-up", url, str(args.names), which)[0]
                aim = "reached" if answer["seconds"] < LISTING else "missed"
                # How fast a cold disk is, is the disk's.
                missed |= aim == "missed" and state == "warm"
                table.append([database, f"a listing, {which}, {state}", f"{answer['seconds']:.2f}", f"{answer['cpu']:.2f}",
                              f"{answer['rss_kib'] / 1024:.0f}", aim])
        answer = call(args.program, "commit", url, str(args.files))[0]
        table.append([database, f"{args.files} files recorded", f"{answer['seconds']:.2f}", f"{answer['cpu']:.2f}",
                      f"{answer['rss_kib'] / 1024:.0f}", ""])
        for answer in call(args.program, "list", url):
            table.append([database, f"asked for {answer['list']}", f"{answer['seconds']:.3f}", f"{answer['cpu']:.2f}", "", ""])
        if postgres:
            children.end_all()
        shutil.rmtree(home, ignore_errors=True)
    print(f"\n{report.markdown(table)}\n\n{report.machine()}, load {os.getloadavg()[0]:.1f}, databases on {args.data}")
    return 1 if missed else 0


def call(program: Path, *arguments: str) -> list[dict]:
    """What the program says, a JSON document on each line."""
    times = os.times()
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - times.children_user - times.children_system
    return [{"cpu": cpu} | json.loads(line) for line in done.stdout.splitlines()]


def forget(folder: Path):
    """What the kernel keeps of these files in memory is dropped. A database server keeps some of them by itself."""
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def size(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
