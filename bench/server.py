"""A file server of the benchmark's own: what they have in common."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import children
from network import FarNetwork, Loopback

TCP_LISTEN = "0A"  # net/tcp_states.h, as /proc/net/tcp writes it


class Server:
    """A server that listens on one path, and is there until `children.end_all`. All its files are in `folder`."""

    program: str  # its name in the list of processes
    cipher: str  # what it encrypts with, the only one that it offers

    def __init__(self, folder: Path, network: Loopback | FarNetwork):
        folder.mkdir()
        self.folder, self.network, self.host = folder, network, network.host
        self.port = network.free_port()

    def version(self) -> str:
        """One line that says which version it is."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What clients find in their environment beside the usual."""
        return {}

    def _start(self, command: list, **options):
        """Starts it, and waits until it takes connections."""
        log = self.folder / "log"
        with open(log, "wb") as out:
            self.process = children.start([*self.network.server, *command], stdout=out, stderr=subprocess.STDOUT, **options)
        deadline = time.monotonic() + 10
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.program} did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        """As the kernel tells it; to ask by connecting would be a connection for the server to serve."""
        address = f"{int.from_bytes(socket.inet_aton(self.host), sys.byteorder):08X}:{self.port:04X}"
        try:
            sockets = [line.split() for line in Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()]
        except FileNotFoundError:
            return False
        return any(fields[1] == address and fields[3] == TCP_LISTEN for fields in sockets)

    def cpu(self) -> float:
        """CPU seconds of the server and of the connections it has seen end."""
        return children.cpu(self.process.pid)

    def wait_until_idle(self):
        """Waits until every connection's processes are gone, so that their CPU time is counted."""
        deadline = time.monotonic() + 5
        while children.of(self.process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
