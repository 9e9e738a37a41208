"""`courier serve` on a free port, and its API."""

import http.client
import json
import os
import re
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import children

PASSWORD = "bench-of-one-evening"
# Seconds after which a line is not used again: the server closes those that say nothing.
IDLE = 5


class Service:
    """A server with a data folder of its own, there until `children.end_all`; each thread has its own line to it."""

    def __init__(self, courier: Path, folder: Path, database_url: str | None, concurrency: int):
        folder.mkdir()
        self.data = folder / "data"
        self.log = folder / "log"
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "COURIER_ADMIN_PASSWORD": PASSWORD,
               "COURIER_WORKER_CONCURRENCY": str(concurrency)}
        if database_url:
            env["COURIER_DATABASE_URL"] = database_url
        with open(self.log, "wb") as log:
            self.process = children.start(
                [courier, "serve", "--listen", "127.0.0.1:0", "--data-dir", self.data], env=env, stdout=log, stderr=log)
        self.address = self._address()
        self._lines = threading.local()
        self._token = None
        self._token = self.call("POST", "/api/auth/login", {"username": "admin", "password": PASSWORD})["token"]

    def _address(self) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r"http://(127\.0\.0\.1:\d+)", self.log.read_text()):
                return found[1]
            time.sleep(0.02)
        raise SystemExit(f"courier serve did not start:\n{self.log.read_text()}")

    def call(self, method: str, path: str, body=None):
        """The document that the API answers. Anything but success ends the benchmark."""
        line = getattr(self._lines, "line", None)
        if line is None or time.monotonic() - self._lines.used > IDLE:
            line = self._lines.line = http.client.HTTPConnection(self.address, timeout=60)
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        line.request(method, path, None if body is None else json.dumps(body), headers)
        answer = line.getresponse()
        text = answer.read()
        self._lines.used = time.monotonic()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode(errors='replace')}\n{self.log.read_text()[-2000:]}")
        return json.loads(text) if text else None

    def items(self, path: str) -> list:
        """All items of a list, page by page."""
        parts = urlsplit(path)
        items, cursor = [], ""
        while cursor is not None:
            query = "&".join(filter(None, [parts.query, "limit=1000", cursor and f"cursor={cursor}"]))
            page = self.call("GET", f"{parts.path}?{query}")
            items += page["items"]
            cursor = page["next_cursor"]
        return items

    def cpu(self) -> float:
        """CPU seconds of the server."""
        return children.cpu(self.process.pid)

    def memory(self) -> int:
        """The most memory that the server had, bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024
