"""The two paths between client and server: loopback, and one with a round trip of 50 ms.

The far path consists of two network namespaces, each with a TUN device, and of the program in `delay-line/` that carries
packets from one device to the other. The kernel's own delay (`tc … netem`) takes its place where the kernel has it. The
namespaces have no names and no files: they last as long as the processes in them, so nothing can be left behind.
"""

import fcntl
import itertools
import os
import re
import socket
import struct
import subprocess
from pathlib import Path

import children

ROUND_TRIP_MS = 50
# What the path holds at 1 GB/s and more: no client is held back by a limit of the kernel.
TCP_BUFFER = 64 << 20
QUEUE_PACKETS = 20_000

# linux/if_tun.h
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4 = 0x01, 0x02


class Unavailable(Exception):
    """Why this machine can't have the far path."""


class Loopback:
    """Client and server side by side."""

    name = "loopback"
    host = "127.0.0.1"
    client: list[str] = []  # what a command of each side begins with
    server: list[str] = []

    def free_port(self) -> int:
        with socket.socket() as probe:
            probe.bind((self.host, 0))
            return probe.getsockname()[1]

    def cpu(self) -> float:
        """CPU seconds that the path itself has cost so far."""
        return 0.0


class FarNetwork:
    """Client and server 50 ms apart. `delay_line` is the built program."""

    name = "far"
    # RFC 5737: addresses for examples, so none of a real network.
    client_host, host = "192.0.2.1", "192.0.2.2"

    def __init__(self, delay_line: Path | None):
        if os.getuid() != 0:
            raise Unavailable("network namespaces need root")
        self.line = None
        self.ports = itertools.count(2222)  # nobody else is there
        self.holders = [_namespace(), _namespace()]
        client, server = (holder.pid for holder in self.holders)
        self.client, self.server = _inside(client), _inside(server)
        if self._join_with_netem(server):
            self.how = "tc netem"
        else:
            self._join_with_line(delay_line, client, server)
            self.how = "bench/delay-line"
        self.measured_ms = self._ping()
        if not ROUND_TRIP_MS <= self.measured_ms < ROUND_TRIP_MS * 1.2:
            raise Unavailable(f"{self.how} gives a round trip of {self.measured_ms:.1f} ms instead of {ROUND_TRIP_MS}")

    def free_port(self) -> int:
        return next(self.ports)

    def cpu(self) -> float:
        """CPU seconds that the path itself has cost so far."""
        return children.cpu(self.line.pid) if self.line else 0.0

    def _join_with_netem(self, server: int) -> bool:
        """A pair of Ethernet devices that the kernel delays; false where it can't."""
        _ask(self.client + ["ip", "link", "add", "far0", "type", "veth", "peer", "far0", "netns", str(server)])
        delay = ["tc", "qdisc", "add", "dev", "far0", "root", "netem", "delay", f"{ROUND_TRIP_MS / 2}ms", "limit", "100000"]
        for side in (self.client, self.server):
            if subprocess.run(side + delay, capture_output=True).returncode != 0:
                _ask(self.client + ["ip", "link", "del", "far0"])
                return False
        self._address("far0", "far0")
        return True

    def _join_with_line(self, program: Path | None, client: int, server: int):
        if program is None or not program.exists():
            raise Unavailable("neither `tc … netem` nor the program of bench/delay-line is there")
        (client_device, client_end), (server_device, server_end) = _tun(client), _tun(server)
        self.line = children.start([program, str(ROUND_TRIP_MS // 2)], stdin=client_end, stdout=server_end)
        os.close(client_end)
        os.close(server_end)
        self._address(client_device, server_device)

    def _address(self, client_device: str, server_device: str):
        ends = [(self.client, client_device, self.client_host, self.host),
                (self.server, server_device, self.host, self.client_host)]
        for side, device, own, other in ends:
            _ask(side + ["ip", "link", "set", device, "mtu", "1500", "txqueuelen", str(QUEUE_PACKETS), "up"])
            _ask(side + ["ip", "address", "add", own, "peer", other, "dev", device])

    def _ping(self) -> float:
        """The round trip in milliseconds, the least of five."""
        answer = _ask(self.client + ["ping", "-n", "-q", "-c", "5", "-i", "0.1", "-w", "5", self.host])
        return float(re.search(r"= ([0-9.]+)/", answer)[1])


def _namespace() -> subprocess.Popen:
    """A process with a network of its own, which lasts until its input ends or `children.end_all`."""
    holder = children.start(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    try:
        holder.stdin.write(b"there\n")
        holder.stdin.flush()
    except BrokenPipeError:
        pass  # it has said why
    # `cat` answers only once its network is separate.
    answer = holder.stdout.readline().decode().strip()
    if answer != "there":
        raise Unavailable(f"no network namespace: {answer}")
    _ask(_inside(holder.pid) + ["sysctl", "-qw", f"net.ipv4.tcp_rmem=4096 131072 {TCP_BUFFER}",
         f"net.ipv4.tcp_wmem=4096 16384 {TCP_BUFFER}", "net.ipv4.tcp_no_metrics_save=1"])
    return holder


def _inside(pid: int) -> list[str]:
    return ["nsenter", f"--net=/proc/{pid}/ns/net"]


def _tun(namespace: int) -> tuple[str, int]:
    """A TUN device in the namespace of a process: its name, and the descriptor that its packets come from and go to.

    Packets of up to 64 KiB pass in one piece and without checksums, as on a network card that does the rest itself.
    """
    request = struct.pack("16sH22x", b"far%d", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR)
    try:
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        device = fcntl.ioctl(end, TUNSETIFF, request)[:16].rstrip(b"\0").decode()
        fcntl.ioctl(end, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
    except OSError as error:
        raise Unavailable(f"/dev/net/tun: {error.strerror}") from error
    _ask(["ip", "link", "set", device, "netns", str(namespace)])
    return device, end


def _ask(command: list[str]) -> str:
    """What a command prints; the far path can't be had when it fails."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    if ran.returncode != 0:
        said = (ran.stderr or ran.stdout).strip()
        raise Unavailable(f"`{' '.join(command)}` ended with status {ran.returncode}: {said}")
    return ran.stdout
