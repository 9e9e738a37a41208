"""Where a run takes place."""

from dataclasses import dataclass
from pathlib import Path

from data import Data
from server import Server
from workloads import Workload


@dataclass
class Stage:
    """What a client's command is made of: a server on a path, the data, and Courier's binary if there is one."""

    server: Server
    data: Data
    courier: Path | None

    def ends(self, workload: Workload) -> tuple[str, str]:
        """The path of what is there, and the path it is to get on the other side."""
        here, there = self.data.server, self.data.client
        if workload.direction == "up":
            here, there = there, here
        return f"{here}/{workload.item.name}", f"{there}/in/{workload.item.name}"
