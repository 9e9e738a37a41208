"""What is measured: something big or many small things, each way, near and far, over each protocol."""

from dataclasses import dataclass

from data import MIB, BigFile, Item, SmallFiles
from network import ROUND_TRIP_MS

# What a protocol is called in the tables.
PROTOCOLS = {"sftp": "SFTP", "ftp": "FTP", "ftps": "FTPS"}


@dataclass(frozen=True)
class Workload:
    """One item moved in one direction: `down` from the server, or `up` to it."""

    protocol: str
    shape: str  # the name without the protocol
    item: Item
    direction: str
    far: bool

    def __str__(self):
        path = f", {ROUND_TRIP_MS} ms round trip" if self.far else ""
        return f"{self.name}: {self.item} over {PROTOCOLS[self.protocol]}{path}"

    @property
    def name(self) -> str:
        return f"{self.protocol}-{self.shape}"

    def speed(self, seconds: float) -> float:
        """In files or 10^6 bytes a second."""
        amount = self.item.size / 1e6 if self.is_big else self.item.files
        return amount / seconds

    @property
    def is_usual(self) -> bool:
        """Whether it runs when none is named. Far away, TLS adds a round trip to each connection of FTP, and minutes to a run."""
        return not (self.far and self.protocol == "ftps")

    @property
    def is_big(self) -> bool:
        return isinstance(self.item, BigFile)


def all_workloads(big_mib: int) -> dict[str, Workload]:
    """Every workload by its name; `big_mib` is the size of the big file on loopback."""

    def items(protocol: str) -> dict[str, Item]:
        return {
            "": BigFile("big.bin", big_mib * MIB),
            # FTP needs a connection for each, and some peers half a millisecond.
            "small-": SmallFiles("small", 5000) if protocol == "sftp" else SmallFiles("fewer-small", 2000),
            "wan-": BigFile("wan-big.bin", 256 * MIB),
            "wan-small-": SmallFiles("wan-small", 200),
        }

    workloads = [
        Workload(protocol, prefix + direction, item, direction, far=prefix.startswith("wan-"))
        for protocol in PROTOCOLS
        for prefix, item in items(protocol).items()
        for direction in ("down", "up")
    ]
    return {workload.name: workload for workload in workloads}
