"""vsftpd with its own configuration and certificate, for one run of the benchmark: FTP, or FTP over TLS and nothing else."""

import os
import pwd
import subprocess
import tempfile
from pathlib import Path

import programs
from network import FarNetwork, Loopback
from server import Server

# vsftpd's own switch for TLS 1.2; OpenSSL's configuration says the same for TLS 1.3, which vsftpd has no switch for.
CIPHERS = ("TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256")

# Everybody may log in, and becomes the user who runs the benchmark. Without `isolate` a connection costs two processes
# and no namespaces, as on a server that has many of them.
CONFIG = """\
listen=YES
listen_ipv6=NO
listen_address={host}
listen_port={port}
background=NO
run_as_launching_user=YES
ftp_username={user}
anonymous_enable=YES
local_enable=NO
anon_root={folder}
anon_umask=022
anon_world_readable_only=NO
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
secure_chroot_dir={folder}
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
xferlog_enable=NO
max_clients=0
max_per_ip=0
"""

TLS_CONFIG = """\
ssl_enable=YES
ssl_tlsv1=YES
ssl_ciphers={cipher}
rsa_cert_file={folder}/server.pem
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
"""

OPENSSL_CONFIG = """\
openssl_conf = all
[all]
ssl_conf = programs
[programs]
system_default = every
[every]
Ciphersuites = {cipher}
"""


class Vsftpd(Server):
    """Plain FTP. Lets everybody in as `user` with any password, and shows the paths of the machine."""

    program = "vsftpd"
    cipher = "none"
    user = "anonymous"
    password = "any"

    def __init__(self, folder: Path, network: Loopback | FarNetwork):
        super().__init__(folder, network)
        config = CONFIG.format(host=self.host, port=self.port, folder=folder, user=pwd.getpwuid(os.getuid()).pw_name)
        (folder / "vsftpd.conf").write_text(config + self._tls())
        self._start([_program(), folder / "vsftpd.conf"], env=self._own_environment())

    def version(self) -> str:
        # It prints where its connection would be, to its standard input.
        with tempfile.TemporaryFile("w+") as said:
            subprocess.run([_program(), "-v"], stdin=said, check=True)
            said.seek(0)
            return programs.first_line(said.read())

    def _tls(self) -> str:
        return ""

    def _own_environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"]}


class VsftpdTls(Vsftpd):
    """FTP over TLS (RFC 4217), where each data connection has to resume the session of its control connection."""

    cipher = CIPHERS[0]

    def __init__(self, folder: Path, network: Loopback | FarNetwork):
        self.authority = folder / "authority.pem"
        super().__init__(folder, network)

    def environment(self) -> dict[str, str]:
        return {"SSL_CERT_FILE": str(self.authority)}

    def _tls(self) -> str:
        self.fingerprint = _certificate(self.folder, self.host)
        (self.folder / "openssl.cnf").write_text(OPENSSL_CONFIG.format(cipher=CIPHERS[0]))
        return TLS_CONFIG.format(folder=self.folder, cipher=CIPHERS[1])

    def _own_environment(self) -> dict[str, str]:
        return {**super()._own_environment(), "OPENSSL_CONF": str(self.folder / "openssl.cnf")}


def _program() -> Path:
    """`scripts/setup` unpacks it: its package can't be installed beside those of other FTP servers."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    tools = Path(os.environ.get("COURIER_TOOLS") or cache / "courier/tools")
    places = [tools / "servers/vsftpd/usr/sbin/vsftpd", Path("/usr/sbin/vsftpd")]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise SystemExit(f"vsftpd is neither in {tools}/servers nor installed: call scripts/setup bench")
    return found


def _certificate(folder: Path, host: str) -> str:
    """Makes an authority (`authority.pem`) and a certificate of its own for the server (`server.pem`); the SHA-256 of it."""

    def openssl(*arguments: str) -> str:
        return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new_key, "-subj", "/CN=Benchmark", "-days", "2", "-keyout", "authority.key", "-out", "authority.pem")
    openssl("req", *new_key, "-subj", f"/CN={host}", "-keyout", "server.key", "-out", "server.csr")
    (folder / "server.ext").write_text(f"subjectAltName = IP:{host}\n")
    signed_by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"]
    certificate = openssl("x509", "-req", "-in", "server.csr", *signed_by, "-days", "2", "-extfile", "server.ext")
    (folder / "server.crt").write_text(certificate)
    (folder / "server.pem").write_text(certificate + (folder / "server.key").read_text())
    return openssl("x509", "-in", "server.crt", "-noout", "-fingerprint", "-sha256").strip().partition("=")[2]
