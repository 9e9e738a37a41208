"""An OpenSSH server with its own keys and configuration, for one run of the benchmark."""

import os
import pwd
import subprocess
from pathlib import Path

import programs
from network import FarNetwork, Loopback
from server import Server

CONFIG = """\
Port {port}
ListenAddress {host}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
LogLevel ERROR
Ciphers {cipher}
Subsystem sftp internal-sftp
"""


class Sshd(Server):
    """Takes one key, for the user who runs the benchmark."""

    program = "sshd"

    def __init__(self, folder: Path, network: Loopback | FarNetwork, cipher: str):
        super().__init__(folder, network)
        self.cipher = cipher
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.identity = folder / "identity"
        self.known_hosts = folder / "known_hosts"
        for key in ("host_key", "identity"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        (folder / "authorized_keys").write_text((folder / "identity.pub").read_text())
        key_type, key = (folder / "host_key.pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {key_type} {key}\n")
        listed = subprocess.run(["ssh-keygen", "-lf", folder / "host_key.pub"], check=True, capture_output=True, text=True)
        self.fingerprint = listed.stdout.split()[1]
        config = CONFIG.format(port=self.port, host=self.host, folder=folder, cipher=cipher)
        (folder / "sshd_config").write_text(config)

        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        sshd = next(path for path in ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd") if os.path.exists(path))
        # sshd starts itself again for each connection, so it wants its absolute path.
        self._start([sshd, "-D", "-e", "-f", folder / "sshd_config"])

    def version(self) -> str:
        return programs.version("sftp")  # of the same sources; not every sshd tells
