"""`python -m tests.servers start|stop|status` starts, stops or lists the servers for the tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from tests.servers import SERVERS, STARTED, read_started, stop


def start() -> None:
    """Start the servers that do not answer, with their data in temporary folders."""
    started = read_started()
    for server in SERVERS:
        url = server.find()
        if url is None:
            folder = Path(mkdtemp(prefix=f"{server.name.lower()}-"))
            url, pid = server.start(folder)
            started[server.name] = {"url": url, "pid": pid, "folder": str(folder)}
            STARTED.write_text(json.dumps(started))
        print(f"{server.name}: {url}")


def end() -> None:
    """Stop the servers that `start` started, and delete their data."""
    for where in read_started().values():
        # The folder tells a server from a later process with its id; Redis changes its command.
        current = Path(f"/proc/{where['pid']}/cwd")
        if current.exists() and current.resolve().is_relative_to(where["folder"]):
            stop(where["pid"])
        shutil.rmtree(where["folder"], ignore_errors=True)
    STARTED.unlink(missing_ok=True)


def status() -> int:
    """Print which servers do not answer; return how many these are."""
    missing = [server.missing for server in SERVERS if server.find() is None]
    print(*missing, sep="\n", end="\n" if missing else "")
    return len(missing)


def main(arguments: Sequence[str]) -> int:
    """Run the command in the only argument; return the exit status."""
    match arguments:
        case ["start"]:
            start()
        case ["stop"]:
            end()
        case ["status"]:
            return min(status(), 1)
        case _:
            print(__doc__)
            return 2
    return 0
