"""The commands of each client over SFTP, with the flags that make it fastest for the workload.

The server offers one cipher only, so a client that can't be told gets it all the same.
"""

from pathlib import Path

from programs import help_of
from sshd import Sshd
from stage import Stage
from workloads import Workload


def sftp(stage: Stage, workload: Workload) -> list[str]:
    """OpenSSH's client with the largest buffer that its server takes, and enough requests in flight."""
    source, target = stage.ends(workload)
    verb = "get" if workload.direction == "down" else "put"
    if not workload.is_big:
        verb, target = f"{verb} -r", str(Path(target).parent)
    sshd = stage.server
    batch = sshd.folder / f"sftp.{workload.name}"
    batch.write_text(f"{verb} {source} {target}\n")
    tuned = ["-X", "buffer=261120", "-X", "nrequests=256"]
    where = ["-P", str(sshd.port), f"{sshd.user}@{sshd.host}"]
    return ["sftp", "-q", *tuned, *_ssh_options(sshd), "-b", str(batch), *where]


def rclone(stage: Stage, workload: Workload) -> list[str]:
    """rclone without hashes and times. Several streams for a big file, and many transfers, pay off far away only."""
    source, target = stage.ends(workload)
    sshd = stage.server
    options = {
        "host": sshd.host,
        "port": sshd.port,
        "user": sshd.user,
        "key_file": sshd.identity,
        "known_hosts_file": sshd.known_hosts,
        "disable_hashcheck": "true",
        "shell_type": "none",
        "set_modtime": "false",
        "chunk_size": "255Ki",
        "concurrency": 128,
    }
    remote = ":sftp," + ",".join(f"{key}={value}" for key, value in options.items()) + ":"
    if workload.direction == "down":
        source = remote + source
    else:
        target = remote + target
    streams, transfers = ("4", "32" if workload.direction == "down" else "64") if workload.far else ("0", "8")
    flags = ["--transfers", transfers, "--checkers", transfers, "--multi-thread-streams", streams, "--multi-thread-cutoff", "1M"]
    if "--inplace" in help_of("rclone", "help", "flags"):
        flags.append("--inplace")  # no temporary name, no rename; where it is missing, no version renames
    return ["rclone", "-q", *flags, "copyto" if workload.is_big else "copy", source, target]


def lftp(stage: Stage, workload: Workload) -> list[str]:
    """lftp with eight files at a time, or eight parts of a file that comes from far away; more in flight far away only.

    It can't send a file in parts, and larger packets make it slower, or let it hang.
    """
    source, target = stage.ends(workload)
    sshd = stage.server
    settings = {"sftp:auto-confirm": "yes", "net:timeout": "60", "net:max-retries": "1"}
    connect = " ".join(["ssh", "-a", "-x", *_ssh_options(sshd), "-p", str(sshd.port)])
    if workload.far:
        settings["sftp:max-packets-in-flight"] = "512"
    if workload.is_big:
        down = "pget -n 8" if workload.far else "get"
        transfer = f"{down if workload.direction == 'down' else 'put'} {source} -o {target}"
    else:
        transfer = f"mirror {'' if workload.direction == 'down' else '-R'} -P 8 {source} {target}"
    script = [f"set {name} {value}" for name, value in settings.items()]
    script += [f'set sftp:connect-program "{connect}"', f"open sftp://{sshd.user}:@{sshd.host}", transfer]
    return ["lftp", "--norc", "-c", "; ".join(script)]


def _ssh_options(sshd: Sshd) -> list[str]:
    """For `ssh` and what starts it: nothing of the user's own configuration."""
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": str(sshd.known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
    }
    named = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    return ["-F", "/dev/null", *named, "-i", str(sshd.identity), "-c", sshd.cipher]
