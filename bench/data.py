"""Test data on tmpfs, what is left behind by a run, and whether it arrived byte for byte."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
SMALL_SIZE = 4096
FOLDERS = 10


@dataclass(frozen=True)
class BigFile:
    """One file of random bytes."""

    name: str
    size: int

    def __str__(self):
        return f"one file of {self.size >> 20:,} MiB"

    def make(self, at: Path):
        with open(at, "wb") as big:
            for start in range(0, self.size, MIB):
                big.write(os.urandom(min(MIB, self.size - start)))


@dataclass(frozen=True)
class SmallFiles:
    """A folder with ten folders of files of 4 KiB."""

    name: str
    files: int

    @property
    def size(self) -> int:
        return self.files * SMALL_SIZE

    def __str__(self):
        return f"{self.files:,} files of 4 KiB"

    def make(self, at: Path):
        for number in range(self.files):
            inner = at / f"folder-{number % FOLDERS}"
            inner.mkdir(parents=True, exist_ok=True)
            (inner / f"file-{number:05}.dat").write_bytes(os.urandom(SMALL_SIZE))


Item = BigFile | SmallFiles


class Data:
    """`server/` and `client/`, each with every item; runs write to `server/in` and `client/in`."""

    def __init__(self, folder: Path, items: set[Item]):
        self.server, self.client = folder / "server", folder / "client"
        for side in (self.server, self.client):
            side.mkdir(parents=True)
        needed = sum(item.size for item in items) + max(item.size for item in items) + 64 * MIB
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise SystemExit(f"{folder} has {free >> 20:,} MiB free, and {needed >> 20:,} MiB are needed")
        for item in items:
            item.make(self.server / item.name)
            # Both sides read the same pages; nobody changes them.
            _link(self.server / item.name, self.client / item.name)
        self.clean()

    def clean(self):
        """Empties the folders that runs write to."""
        for side in (self.server, self.client):
            shutil.rmtree(side / "in", ignore_errors=True)
            (side / "in").mkdir()

    def problem(self, item: Item, direction: str) -> str | None:
        """What is wrong with what a run left behind, if anything."""
        target = self.client if direction == "down" else self.server
        return difference(self.server / item.name, target / "in" / item.name)


def _link(source: Path, target: Path):
    if source.is_dir():
        shutil.copytree(source, target, copy_function=os.link)
    else:
        os.link(source, target)


def difference(expected: Path, arrived: Path) -> str | None:
    if not arrived.exists():
        return f"{arrived} is not there"
    if expected.is_dir():
        names = sorted(os.listdir(expected))
        if names != sorted(os.listdir(arrived)):
            return f"{arrived} does not hold the same names as its source"
        return next(filter(None, (difference(expected / name, arrived / name) for name in names)), None)
    return None if _same_bytes(expected, arrived) else f"{arrived} differs from its source"


def _same_bytes(one: Path, other: Path) -> bool:
    with open(one, "rb", buffering=0) as a, open(other, "rb", buffering=0) as b:
        while (part := a.read(MIB)) == b.read(MIB):
            if not part:
                return True
    return False
