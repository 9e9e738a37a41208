"""An OpenSSH server on loopback with its own keys and configuration, for one run of the benchmark."""

import os
import pwd
import socket
import subprocess
import time
from pathlib import Path

HOST = "127.0.0.1"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

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
MaxStartups 200
MaxSessions 100
Ciphers {ciphers}
Subsystem sftp internal-sftp
"""


class Sshd:
    """A context: the server runs inside it and is stopped, and only it, at the end."""

    def __init__(self, folder: Path, cipher: str):
        self.folder = folder
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.identity = folder / "identity"
        self.known_hosts = folder / "known_hosts"
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        for key in ("host_key", "identity"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        (folder / "authorized_keys").write_text((folder / "identity.pub").read_text())
        key_type, key = (folder / "host_key.pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[{HOST}]:{self.port} {key_type} {key}\n")
        listed = subprocess.run(["ssh-keygen", "-lf", folder / "host_key.pub"], check=True, capture_output=True, text=True)
        self.fingerprint = listed.stdout.split()[1]
        (folder / "sshd_config").write_text(CONFIG.format(port=self.port, host=HOST, folder=folder, ciphers=cipher))

    def __enter__(self):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.log = open(self.folder / "sshd.log", "wb")
        sshd = next(path for path in ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd") if os.path.exists(path))
        # sshd starts itself again for each connection, so it wants its absolute path.
        self.process = subprocess.Popen([sshd, "-D", "-e", "-f", self.folder / "sshd_config"], stderr=self.log)
        self._wait_for_banner()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def _wait_for_banner(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                with socket.create_connection((HOST, self.port), timeout=2) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"sshd did not start:\n{(self.folder / 'sshd.log').read_text()}")
            time.sleep(0.02)

    def cpu(self) -> float:
        """CPU seconds of the server and of the connections it has seen end."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / CLOCK_TICKS

    def wait_until_idle(self):
        """Waits until every connection's processes are gone, so that their CPU time is counted."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        deadline = time.monotonic() + 5
        while children.read_text().strip() and time.monotonic() < deadline:
            time.sleep(0.01)
