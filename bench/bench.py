#!/usr/bin/env python3
"""Courier and today's SFTP clients side by side, on loopback. `make bench` calls this; see bench/README.md."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import clients
import measure
import report
from data import Data
from server import Sshd

WORKLOADS = ["down", "up", "small-down", "small-up"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courier", type=Path, help="the binary to measure; without it only the peers run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=768, help="MiB of the one big file")
    parser.add_argument("--files", type=int, default=5000, help="count of small files, 4 KiB each")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="of: %(default)s")
    parser.add_argument("--clients", help="default: every one that is installed")
    parser.add_argument("--cipher", default="aes128-gcm@openssh.com")
    parser.add_argument("--limit", type=float, default=120, help="seconds until a run is stopped")
    parser.add_argument("--settle", type=float, default=10, help="seconds to wait for a quiet machine before a run")
    parser.add_argument("--data", type=Path, default=Path("/dev/shm"), help="where the files lie; best a tmpfs")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "RESULTS.md")
    chosen = parser.parse_args()
    if chosen.courier is not None and not chosen.courier.exists():
        parser.error(f"{chosen.courier} is not there: build it first")
    return chosen


def one_run(bench: clients.Bench, name: str, workload: str, env: dict[str, str], args: argparse.Namespace) -> report.Sample:
    """Runs one client once, on clean targets, and looks at what arrived."""
    bench.data.clean()
    command = clients.CLIENTS[name](bench, workload)
    measure.wait_for_quiet(args.settle)
    server_before = bench.sshd.cpu()
    run = measure.run(command, env, bench.sshd.folder, args.limit, keep={bench.sshd.process.pid})
    bench.sshd.wait_until_idle()
    server_cpu = bench.sshd.cpu() - server_before
    problem = bench.data.problem(workload) if run.status == 0 else f"ended with status {run.status}"
    if problem:
        print(f"{name} {workload}: {problem}\n{run.output[-2000:]}", file=sys.stderr)
    return report.Sample(run, server_cpu, problem)


def main() -> int:
    args = arguments()
    courier = args.courier.resolve() if args.courier else None
    names = args.clients.split(",") if args.clients else clients.available(courier)
    workloads = args.workloads.split(",")
    measure.adopt_orphans()
    folder = Path(tempfile.mkdtemp(prefix="courier-bench-", dir=args.data))
    failed = False
    try:
        home = folder / "home"
        home.mkdir()
        # Nothing of the user's own configuration or agent takes part.
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "RCLONE_CONFIG": "/dev/null", "LC_ALL": "C.UTF-8"}
        data = Data(folder / "data", args.size * report.MIB, args.files)
        (folder / "ssh").mkdir()
        tables = {}
        with Sshd(folder / "ssh", args.cipher) as sshd:
            bench = clients.Bench(sshd, data, args.cipher, courier)
            for workload in workloads:
                results = {name: [] for name in names}
                for _ in range(args.rounds):
                    for name in names:
                        results[name].append(one_run(bench, name, workload, env, args))
                small = workload.startswith("small")
                what = f"{args.files:,} files of 4 KiB" if small else f"one file of {args.size} MiB"
                title = f"{workload}: {what}"
                lines = report.rows(results, args.files if small else data.size, files=small)
                tables[title] = report.markdown(lines)
                failed |= any(sample.problem for samples in results.values() for sample in samples)
                print(f"\n{title}\n{tables[title]}", flush=True)
        versions = {name: clients.version(name, courier) for name in names}
        args.results.write_text(report.document(tables, args.rounds, args.cipher, versions))
        print(f"\nwritten to {args.results}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
