"""A PostgreSQL of the benchmark's own, with its usual settings: every commit is on the disk before it counts."""

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import children


def programs() -> Path | None:
    """Where the newest PostgreSQL's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


class Postgres:
    """One server with one empty database, reached by a socket in its folder; others must be able to go through those above."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.bin = programs()
        if self.bin is None:
            raise SystemExit("PostgreSQL is missing: initdb, postgres and psql in /usr/lib/postgresql/*/bin or on PATH")
        folder.mkdir(mode=0o700)
        # It refuses to run as root.
        self.account = {}
        if os.getuid() == 0:
            account = next(pwd.getpwnam(name) for name in ("postgres", "nobody") if self._is_user(name))
            self.account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
        self.log = folder.parent / "postgres.log"
        self._run("initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
        with open(self.log, "ab") as log:
            self.process = children.start(
                [self.bin / "postgres", "-D", folder / "data", "-c", "listen_addresses=",
                 "-c", f"unix_socket_directories={folder}"], stdout=log, stderr=log, cwd="/", **self.account)
        deadline = time.monotonic() + 30
        while self._call("pg_isready", "-q", "-h", folder) != 0:
            if time.monotonic() > deadline:
                raise SystemExit(f"PostgreSQL did not start:\n{self.log.read_text()}")
            time.sleep(0.05)
        self._run("psql", "-h", folder, "-U", "postgres", "-qc", "CREATE DATABASE courier", "postgres")
        self.url = f"postgres://postgres@localhost/courier?host={folder}"

    def version(self) -> str:
        """One line that says which version it is."""
        return subprocess.run([self.bin / "postgres", "--version"], capture_output=True, text=True).stdout.strip()

    def cpu(self) -> float:
        """CPU seconds of all its processes."""
        return sum(map(children.cpu, [self.process.pid, *children.of(self.process.pid)]))

    @staticmethod
    def _is_user(name: str) -> bool:
        return any(entry.pw_name == name for entry in pwd.getpwall())

    def _call(self, program: str, *arguments) -> int:
        with open(self.log, "ab") as log:
            command = [self.bin / program, *arguments]
            return subprocess.run(command, stdout=log, stderr=log, cwd="/", **self.account).returncode

    def _run(self, program: str, *arguments):
        if self._call(program, *arguments) != 0:
            raise SystemExit(f"{program} failed:\n{self.log.read_text()}")
