#!/usr/bin/env python3
"""Courier and today's SFTP clients side by side. `make bench` calls this; see bench/README.md."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import aims
import children
import clients
import measure
import report
from clients import Bench, Row
from data import Data
from figures import Sample, figures
from network import FarNetwork, Loopback, Unavailable
from server import Sshd
from workloads import Workload, all_workloads

# A client that needs longer than this is not asked again: more rounds would not change its place.
SLOW_SECONDS = 10


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courier", type=Path, help="the binary to measure; without it only the peers run")
    parser.add_argument("--delay-line", type=Path, help="the built program of bench/delay-line, for the far path")
    parser.add_argument("--only", help=f"workloads, of: {','.join(all_workloads(0))}; by default all")
    parser.add_argument("--clients", help="programs, of: sftp,rclone,lftp,courier; by default all that are installed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the one big file on loopback")
    parser.add_argument("--cipher", default="aes128-gcm@openssh.com")
    parser.add_argument("--limit", type=float, default=120, help="seconds until a run is stopped")
    parser.add_argument("--settle", type=float, default=5, help="seconds to wait for a quiet machine before a run")
    parser.add_argument("--data", type=Path, default=Path("/dev/shm"), help="where the files lie; best a tmpfs")
    parser.add_argument("--results", type=Path, help="by default bench/RESULTS.md for the whole benchmark, and no file for a part")
    args = parser.parse_args()

    if args.courier is not None and not args.courier.exists():
        parser.error(f"{args.courier} is not there: build it first")
    if args.results is None and not (args.only or args.clients):
        args.results = Path(__file__).parent / "RESULTS.md"
    return args


def main() -> int:
    args = arguments()
    # To end at a signal is to clean up; Ctrl-C does so by itself.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(f"{sys.argv[0]}: stopped"))
    children.adopt_orphans()
    folder = Path(tempfile.mkdtemp(prefix="courier-bench-", dir=args.data))
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
    known = all_workloads(args.size)
    names = args.only.split(",") if args.only else list(known)
    if unknown := set(names) - set(known):
        sys.exit(f"no such workload: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    # A copy, so that every run has the same binary whatever is built meanwhile.
    courier = Path(shutil.copy2(args.courier, folder / "courier")) if args.courier else None
    chosen = args.clients.split(",") if args.clients else None
    rows = [row for row in clients.available(courier) if chosen is None or row.program in chosen]
    if not rows:
        sys.exit(f"none of these clients is there: {args.clients}")

    workloads = [known[name] for name in names]
    benches, far = prepare(args, folder, workloads, courier)
    tables, texts, failed = {}, {}, False
    for workload in workloads:
        if workload.far not in benches:
            continue
        samples = measured(benches[workload.far], workload, rows, folder, args)
        failed |= any(sample.problem for its in samples.values() for sample in its)
        tables[workload.name] = {row: figures(its) for row, its in samples.items()}
        tries = {row: len(its) for row, its in samples.items()}
        texts[str(workload)] = report.markdown(report.rows(workload, tables[workload.name], tries))
        print(f"\n{workload}\n{texts[str(workload)]}", flush=True)

    judged = report.markdown(aims.judged(tables, names))
    print(f"\naims\n{judged}")
    if args.results:
        programs = dict.fromkeys(row.program for row in rows)
        versions = {program: clients.version(program, courier) for program in programs}
        args.results.write_text(report.document(texts, judged, far, versions, args.rounds, args.cipher))
        print(f"\nwritten to {args.results}")
    return 1 if failed else 0


def prepare(args: argparse.Namespace, folder: Path, workloads: list[Workload], courier: Path | None) -> tuple[dict[bool, Bench], str]:
    """Data, and a server on each path that the workloads need: near (False) and far (True). Also a line on the far path."""
    networks, far = {}, "not asked for"
    if not all(workload.far for workload in workloads):
        networks[False] = Loopback()
    if any(workload.far for workload in workloads):
        try:
            networks[True] = FarNetwork(args.delay_line)
            far = f"{networks[True].how}, round trip {networks[True].measured_ms:.1f} ms"
        except Unavailable as reason:
            far = f"left out: {reason}"
        print(f"far path: {far}", flush=True)
    items = {workload.item for workload in workloads if workload.far in networks}
    if not items:
        sys.exit(1)  # the reason is printed
    data = Data(folder / "data", items)
    benches = {
        is_far: Bench(Sshd(folder / f"ssh-{network.name}", network, args.cipher), data, args.cipher, courier)
        for is_far, network in networks.items()
    }
    return benches, far


def measured(bench: Bench, workload: Workload, rows: list[Row], folder: Path, args: argparse.Namespace) -> dict[Row, list[Sample]]:
    """Each client once, round by round."""
    samples = {row: [] for row in rows if row.has(workload)}
    for _ in range(args.rounds):
        for row, its in samples.items():
            if not its or its[-1].run.wall < SLOW_SECONDS:
                its.append(one_run(bench, workload, row, folder, args))
    return samples


def one_run(bench: Bench, workload: Workload, row: Row, folder: Path, args: argparse.Namespace) -> Sample:
    """Runs one client once, on clean targets, and looks at what arrived."""
    sshd, network = bench.sshd, bench.sshd.network
    bench.data.clean()
    command = [*network.client, *row.command(bench, workload), *row.flags]
    home = folder / "home"
    home.mkdir(exist_ok=True)
    # Nothing of the user's own configuration or agent takes part.
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "RCLONE_CONFIG": "/dev/null", "LC_ALL": "C.UTF-8"}
    measure.wait_for_quiet(args.settle)
    server_before, path_before = sshd.cpu(), network.cpu()
    run = measure.run(command, env, sshd.folder, args.limit)
    sshd.wait_until_idle()
    server_cpu, path_cpu = sshd.cpu() - server_before, network.cpu() - path_before
    problem = bench.data.problem(workload.item, workload.direction) if run.status == 0 else f"ended with status {run.status}"
    if problem:
        print(f"{row.name} {workload.name}: {problem}\n{run.output[-2000:]}", file=sys.stderr)
    return Sample(run, server_cpu, path_cpu, problem)


if __name__ == "__main__":
    sys.exit(main())
