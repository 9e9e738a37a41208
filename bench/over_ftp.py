"""The commands of each client over FTP and FTPS, with the flags that make it fastest for the workload."""

import subprocess

from stage import Stage
from workloads import Workload

# Files at a time over the far path; more than many servers let a client have connections.
FAR_AT_ONCE = "32"


def curl(stage: Stage, workload: Workload) -> list[str]:
    """curl with a list of the files, since it can neither list nor walk a folder."""
    source, target = stage.ends(workload)
    server = stage.server
    url = f"ftp://{server.host}:{server.port}/"
    files, flags = [""], []
    if not workload.is_big:
        top = stage.data.server / workload.item.name
        files = [f"/{path.relative_to(top)}" for path in sorted(top.glob("*/*"))]
        flags += ["--parallel", "--parallel-max", _at_once(workload)]
    if workload.protocol == "ftps":
        flags += ["--ssl-reqd", "--cacert", str(server.authority)]
    if workload.direction == "down":
        flags += ["--create-dirs", "--ftp-method", "nocwd"]
        lines = [f'url = "{url}{source}{file}"\noutput = "{target}{file}"\n' for file in files]
    else:
        # It can only make the folders that it changes to.
        flags += ["--ftp-create-dirs"]
        lines = [f'upload-file = "{source}{file}"\nurl = "{url}{target}{file}"\n' for file in files]
    config = server.folder / f"curl.{workload.name}"
    config.write_text("".join(lines))
    return ["curl", "-q", "--silent", "--show-error", *flags, "--config", str(config)]


def lftp(stage: Stage, workload: Workload) -> list[str]:
    """lftp with eight files at a time, or eight parts of a file that comes from far away; far more files far away.

    It does not wait for the reply to a command before it sends the next. It can't send a file in parts.
    """
    source, target = stage.ends(workload)
    server = stage.server
    settings = {
        "net:timeout": "60",
        "net:max-retries": "1",
        "ftp:sync-mode": "no",
        "ftp:use-mdtm": "no",
        "ftp:use-site-utime": "no",
        "ftp:use-site-utime2": "no",
    }
    if workload.protocol == "ftps":
        settings |= {
            "ssl:ca-file": str(server.authority),
            "ftp:ssl-allow-anonymous": "yes",
            "ftp:ssl-force": "yes",
            "ftp:ssl-protect-data": "yes",
        }
    else:
        settings["ftp:ssl-allow"] = "no"
    if workload.is_big:
        down = "pget -n 8" if workload.far else "get"
        transfer = f"{down if workload.direction == 'down' else 'put'} {source} -o {target}"
    else:
        if workload.protocol == "ftps":
            # With TLS 1.3 each small file that it gets costs it 40 ms of waiting for acknowledgements.
            settings["ssl:priority"] = "NORMAL:-VERS-TLS1.3"
        mirror = "mirror" if workload.direction == "down" else "mirror -R"
        transfer = f"{mirror} --no-perms -P {_at_once(workload)} {source} {target}"
    script = [f"set {name} {value}" for name, value in settings.items()]
    script += [f"open -u {server.user},{server.password} ftp://{server.host}:{server.port}", transfer]
    return ["lftp", "--norc", "-c", "; ".join(script)]


def rclone(stage: Stage, workload: Workload) -> list[str]:
    """rclone without times, eight files at a time, far more far away. It resumes sessions with TLS 1.2 only."""
    source, target = stage.ends(workload)
    server = stage.server
    hidden = subprocess.run(["rclone", "obscure", server.password], check=True, capture_output=True, text=True).stdout.strip()
    options = {"host": server.host, "port": server.port, "user": server.user, "pass": hidden}
    if workload.protocol == "ftps":
        options |= {"explicit_tls": "true", "disable_tls13": "true"}
    remote = ":ftp," + ",".join(f"{key}={value}" for key, value in options.items()) + ":"
    if workload.direction == "down":
        source = remote + source
    else:
        target = remote + target
    transfers = _at_once(workload)
    flags = ["--transfers", transfers, "--checkers", transfers]
    flags += ["--multi-thread-streams", "0", "--no-update-modtime", "--size-only"]
    return ["rclone", "-q", *flags, "copyto" if workload.is_big else "copy", source, target]


def _at_once(workload: Workload) -> str:
    """How many files a client moves at a time, each over a connection of its own."""
    return FAR_AT_ONCE if workload.far else "8"
