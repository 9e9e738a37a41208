#!/usr/bin/env python3
"""Courier and today's clients for SFTP, FTP and FTPS side by side. `make bench` calls this; see bench/README.md."""

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
import programs
import report
import vsftpd
from clients import Row
from data import Data
from figures import Sample, figures
from network import FarNetwork, Loopback, Unavailable
from server import Server
from sshd import Sshd
from stage import Stage
from workloads import PROTOCOLS, Workload, all_workloads

# A client that needs longer than this is not asked again: more rounds would not change its place.
SLOW_SECONDS = 5

# By protocol, and whether the server is far away.
Stages = dict[tuple[str, bool], Stage]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courier", type=Path, help="the binary to measure; without it only the peers run")
    parser.add_argument("--delay-line", type=Path, help="the built program of bench/delay-line, for the far path")
    parser.add_argument("--only", help=f"workloads, of: {','.join(all_workloads(0))}; by default all but ftps-wan-…")
    parser.add_argument("--protocols", help=f"only the workloads of these, of: {','.join(PROTOCOLS)}")
    parser.add_argument("--clients", help="programs, of: sftp,rclone,lftp,curl,courier; by default all that are installed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the one big file on loopback")
    parser.add_argument("--cipher", default="aes128-gcm@openssh.com", help="of SFTP; that of FTPS is fixed")
    parser.add_argument("--limit", type=float, default=120, help="seconds until a run is stopped")
    parser.add_argument("--settle", type=float, default=5, help="seconds to wait for a quiet machine before a run")
    parser.add_argument("--data", type=Path, default=Path("/dev/shm"), help="where the files lie; best a tmpfs")
    parser.add_argument("--results", type=Path, help="by default bench/RESULTS.md for the whole benchmark, and no file for a part")
    args = parser.parse_args()

    if args.courier is not None and not args.courier.exists():
        parser.error(f"{args.courier} is not there: build it first")
    if args.results is None and not (args.only or args.protocols or args.clients):
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
    names = args.only.split(",") if args.only else [name for name in known if known[name].is_usual]
    if unknown := set(names) - set(known):
        sys.exit(f"no such workload: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if args.protocols:
        names = [name for name in names if known[name].protocol in args.protocols.split(",")]
    # A copy, so that every run has the same binary whatever is built meanwhile.
    courier = Path(shutil.copy2(args.courier, folder / "courier")) if args.courier else None
    chosen = args.clients.split(",") if args.clients else None
    rows = [row for row in clients.available(courier) if chosen is None or row.program in chosen]
    if not rows:
        sys.exit(f"none of these clients is there: {args.clients}")

    workloads = [known[name] for name in names]
    stages, far = prepare(args, folder, workloads, courier)
    tables, texts, failed = {}, {}, False
    for workload in workloads:
        stage = stages.get((workload.protocol, workload.far))
        if stage is None:
            continue
        samples = measured(stage, workload, rows, folder, args)
        failed |= any(sample.problem for its in samples.values() for sample in its)
        tables[workload.name] = {row: figures(its) for row, its in samples.items()}
        tries = {row: len(its) for row, its in samples.items()}
        texts[str(workload)] = report.markdown(report.rows(workload, tables[workload.name], tries))
        print(f"\n{workload}\n{texts[str(workload)]}", flush=True)

    judged = report.markdown(aims.judged(tables, names))
    print(f"\naims\n{judged}")
    if args.results:
        notes = notes_on(stages, rows, courier)
        args.results.write_text(report.document(texts, judged, far, notes, args.rounds))
        print(f"\nwritten to {args.results}")
    return 1 if failed else 0


def prepare(args: argparse.Namespace, folder: Path, workloads: list[Workload], courier: Path | None) -> tuple[Stages, str]:
    """Data, and the servers that the workloads need. Also a line on the far path."""
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
    workloads = [workload for workload in workloads if workload.far in networks]
    if not workloads:
        sys.exit(1)  # the reason is printed
    data = Data(folder / "data", {workload.item for workload in workloads})
    stages = {}
    for protocol, is_far in dict.fromkeys((workload.protocol, workload.far) for workload in workloads):
        network = networks[is_far]
        server = start_server(protocol, folder / f"{protocol}-{network.name}", network, args.cipher)
        stages[protocol, is_far] = Stage(server, data, courier)
    return stages, far


def start_server(protocol: str, folder: Path, network: Loopback | FarNetwork, cipher: str) -> Server:
    if protocol == "sftp":
        return Sshd(folder, network, cipher)
    return vsftpd.VsftpdTls(folder, network) if protocol == "ftps" else vsftpd.Vsftpd(folder, network)


def notes_on(stages: Stages, rows: list[Row], courier: Path | None) -> dict[str, str]:
    """The versions of clients and servers, and what the servers encrypt with."""
    notes = {}
    for (protocol, _), stage in stages.items():
        notes[f"{PROTOCOLS[protocol]} server"] = f"{stage.server.version()}, cipher {stage.server.cipher}"
    for program in dict.fromkeys(row.program for row in rows):
        notes[program] = programs.version(str(courier) if program == "courier" else program)
    return notes


def measured(stage: Stage, workload: Workload, rows: list[Row], folder: Path, args: argparse.Namespace) -> dict[Row, list[Sample]]:
    """Each client once, round by round."""
    samples = {row: [] for row in rows if row.has(workload)}
    for _ in range(args.rounds):
        for row, its in samples.items():
            if not its or its[-1].run.wall < SLOW_SECONDS:
                its.append(one_run(stage, workload, row, folder, args))
    return samples


def one_run(stage: Stage, workload: Workload, row: Row, folder: Path, args: argparse.Namespace) -> Sample:
    """Runs one client once, on clean targets, and looks at what arrived."""
    server, network = stage.server, stage.server.network
    stage.data.clean()
    command = [*network.client, *row.command(stage, workload), *row.flags]
    home = folder / "home"
    home.mkdir(exist_ok=True)
    # Nothing of the user's own configuration or agent takes part.
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "RCLONE_CONFIG": "/dev/null", "LC_ALL": "C.UTF-8"}
    env |= server.environment()
    measure.wait_for_quiet(args.settle)
    server_before, path_before = server.cpu(), network.cpu()
    run = measure.run(command, env, server.folder, args.limit)
    server.wait_until_idle()
    server_cpu, path_cpu = server.cpu() - server_before, network.cpu() - path_before
    problem = stage.data.problem(workload.item, workload.direction) if run.status == 0 else f"ended with status {run.status}"
    if problem:
        print(f"{row.name} {workload.name}: {problem}\n{run.output[-2000:]}", file=sys.stderr)
    return Sample(run, server_cpu, path_cpu, problem)


if __name__ == "__main__":
    sys.exit(main())
