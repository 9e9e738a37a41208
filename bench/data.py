"""Test data on tmpfs, what is left behind by a run, and whether it arrived byte for byte."""

import filecmp
import os
import shutil
from pathlib import Path

FOLDERS = 10
SMALL_SIZE = 4096
CHUNK = 1 << 20


class Data:
    """`server/` and `client/`, each with `big.bin` and the folder `small`; runs write to `server/in` and `client/in`."""

    def __init__(self, folder: Path, size: int, files: int):
        self.size, self.files = size, files
        self.server, self.client = folder / "server", folder / "client"
        for side in (self.server, self.client):
            (side / "small").mkdir(parents=True)
        free = shutil.disk_usage(folder).free
        if free < 2 * size + 2 * files * SMALL_SIZE + (64 << 20):
            raise SystemExit(f"{folder} has {free >> 20} MiB free: too little for two copies of {size >> 20} MiB")
        with open(self.server / "big.bin", "wb") as big:
            for start in range(0, size, CHUNK):
                big.write(os.urandom(min(CHUNK, size - start)))
        for number in range(files):
            inner = self.server / "small" / f"folder-{number % FOLDERS}"
            inner.mkdir(exist_ok=True)
            (inner / f"file-{number:05}.dat").write_bytes(os.urandom(SMALL_SIZE))
        # Both sides read the same pages; nobody changes them.
        os.link(self.server / "big.bin", self.client / "big.bin")
        shutil.copytree(self.server / "small", self.client / "small", copy_function=os.link, dirs_exist_ok=True)
        self.clean()

    def clean(self):
        """Empties the folders that runs write to."""
        for side in (self.server, self.client):
            shutil.rmtree(side / "in", ignore_errors=True)
            (side / "in").mkdir()

    def problem(self, workload: str) -> str | None:
        """What is wrong with what a run left behind, if anything."""
        target = (self.client if workload.endswith("down") else self.server) / "in"
        if workload in ("down", "up"):
            arrived = target / "big.bin"
            if not arrived.exists():
                return f"{arrived} is not there"
            if not filecmp.cmp(self.server / "big.bin", arrived, shallow=False):
                return f"{arrived} differs from its source"
            return None
        return _differs(self.server / "small", target / "small")


def _differs(expected: Path, arrived: Path) -> str | None:
    if not arrived.is_dir():
        return f"{arrived} is not there"
    if sorted(os.listdir(expected)) != sorted(os.listdir(arrived)):
        return f"{arrived} does not hold the same names as its source"
    for entry in os.scandir(expected):
        other = arrived / entry.name
        if entry.is_dir():
            if problem := _differs(Path(entry.path), other):
                return problem
        elif Path(entry.path).read_bytes() != other.read_bytes():
            return f"{other} differs from its source"
    return None
