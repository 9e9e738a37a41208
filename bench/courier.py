"""Courier's command, as a user would call it, over each protocol."""

from pathlib import Path

from sshd import Sshd
from stage import Stage
from vsftpd import VsftpdTls
from workloads import Workload

SCHEMES = {"sftp": "sftp", "ftp": "ftp", "ftps": "ftpes"}


def command(stage: Stage, workload: Workload) -> list[str]:
    source, target = stage.ends(workload)
    server = stage.server
    url = f"{SCHEMES[workload.protocol]}://{server.user}@{server.host}:{server.port}"
    verb = ["get"] if workload.direction == "down" else ["put"]
    if not workload.is_big:
        verb, target = [*verb, "-r"], str(Path(target).parent)
    if workload.direction == "down":
        source = url + source
    else:
        target = url + target
    return [str(stage.courier), *verb, source, target, *_trust(server), "--quiet"]


def _trust(server) -> list[str]:
    """How the server is known, and for SFTP also who logs in and how the connection is encrypted."""
    if isinstance(server, Sshd):
        return ["--identity", str(server.identity), "--host-key", server.fingerprint, "--cipher", server.cipher]
    if isinstance(server, VsftpdTls):
        return ["--tls-pin", server.fingerprint]
    return []
