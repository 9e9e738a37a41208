"""An OpenSSH server with its own keys and configuration, for one run of the benchmark."""

import os
import pwd
import subprocess
import time
from pathlib import Path

import children
from network import FarNetwork, Loopback

CONFIG = """\
Port {port}
ListenAddress {host}
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
LogLevel ERROR
Ciphers {ciphers}
Subsystem sftp internal-sftp
"""


class Sshd:
    """A server that listens on one path, and is there until `children.end_all`. All its files are in `folder`."""

    def __init__(self, folder: Path, network: Loopback | FarNetwork, cipher: str):
        folder.mkdir()
        self.folder, self.network, self.host = folder, network, network.host
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.identity = folder / "identity"
        self.known_hosts = folder / "known_hosts"
        self.port = network.free_port()
        for key in ("host_key", "identity"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        (folder / "authorized_keys").write_text((folder / "identity.pub").read_text())
        key_type, key = (folder / "host_key.pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {key_type} {key}\n")
        listed = subprocess.run(["ssh-keygen", "-lf", folder / "host_key.pub"], check=True, capture_output=True, text=True)
        self.fingerprint = listed.stdout.split()[1]
        (folder / "sshd_config").write_text(CONFIG.format(port=self.port, host=self.host, folder=folder, ciphers=cipher))

        self._start()

    def _start(self):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        sshd = next(path for path in ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd") if os.path.exists(path))
        # sshd starts itself again for each connection, so it wants its absolute path.
        command = [*self.network.server, sshd, "-D", "-e", "-f", self.folder / "sshd_config"]
        with open(self.folder / "sshd.log", "wb") as log:
            self.process = children.start(command, stderr=log)
        # It writes its id once it listens.
        deadline = time.monotonic() + 10
        while not (self.folder / "sshd.pid").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"sshd did not start:\n{(self.folder / 'sshd.log').read_text()}")
            time.sleep(0.02)

    def cpu(self) -> float:
        """CPU seconds of the server and of the connections it has seen end."""
        return children.cpu(self.process.pid)

    def wait_until_idle(self):
        """Waits until every connection's processes are gone, so that their CPU time is counted."""
        deadline = time.monotonic() + 5
        while children.of(self.process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
