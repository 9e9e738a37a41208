"""The programs that are measured: what they say about themselves."""

import functools
import subprocess


def version(program: str) -> str:
    """One line that says which version of a client was measured; `program` is its name or path."""
    # `sftp` does not tell, but is of the same sources as `ssh`.
    return first_line(help_of(*{"sftp": ["ssh", "-V"], "rclone": ["rclone", "version"]}.get(program, [program, "--version"])))


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "unknown")


@functools.cache
def help_of(*command: str) -> str:
    """What a program says about itself."""
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return ran.stdout + ran.stderr
