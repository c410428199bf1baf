"""`python -m example_project.demo`: what `make demo` starts.

This site on port 8000 and the stand-in Metabase on port 3000, both on 127.0.0.1 alone. With
METABASE_INSTANCE_URL and METABASE_JWT_SHARED_SECRET set, that Metabase is used instead; for guest
embeds set METABASE_EMBEDDING_SECRET_KEY as well.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

PATIENCE = 30  # seconds until a server has to answer
REAL = ("METABASE_INSTANCE_URL", "METABASE_JWT_SHARED_SECRET")
OTHER_SECRETS = (
    "METABASE_EMBEDDING_SECRET_KEY",
    "STANDIN_JWT_SHARED_SECRET",
    "STANDIN_EMBEDDING_SECRET_KEY",
)
SITE, STANDIN = "example_project.settings", "example_project.standin.settings"


def main() -> None:
    """Set the demo up, run it until Ctrl-C, and leave nothing running."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    given = [name for name in REAL if os.environ.get(name)]
    if len(given) == 1:
        sys.exit(f"Only {given[0]} is set. For a Metabase of yours set {' and '.join(REAL)}.")
    if not given:  # set but empty, or the secret of another stand-in: neither is for this demo
        for name in (*REAL, *OTHER_SECRETS):
            os.environ.pop(name, None)
    site_port = port_from("DEMO_PORT", 8000)
    site = f"http://localhost:{site_port}"
    servers = [(SITE, site_port)]
    if not given:
        standin_port = port_from("DEMO_METABASE_PORT", 3000)
        if standin_port == site_port:
            sys.exit(f"DEMO_PORT and DEMO_METABASE_PORT are both {site_port}: choose two.")
        servers.append((STANDIN, standin_port))
        os.environ["METABASE_INSTANCE_URL"] = f"http://localhost:{standin_port}"
        os.environ["STANDIN_SITE_URL"] = f"http://localhost:{standin_port}"
        os.environ["STANDIN_JWT_IDENTITY_PROVIDER_URI"] = f"{site}/sso/metabase"
        os.environ["STANDIN_EMBEDDING_ORIGINS"] = site
    for _, port in servers:
        require_free(port)
    print("Making the database and the people of the demo:", flush=True)
    manage(SITE, "migrate", "--verbosity=0")
    manage(SITE, "create_demo_users")
    run(servers, site, standin=not given)


def run(servers: list[tuple[str, int]], site: str, *, standin: bool) -> None:
    """Run the servers until one ends or somebody presses Ctrl-C."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for settings, port in servers:
            processes.append(start(settings, port))
        for _, port in servers:
            wait_for(port, processes)
        print(welcome(site, standin=standin), flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
        sys.exit("One of the servers ended; its last lines say why.")
    except KeyboardInterrupt:
        print("\nThe demo is over.")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def port_from(name: str, default: int) -> int:
    """Return the port that the environment names, or the default."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        sys.exit(f"{name} is no port: {text!r}")
    return int(text)


def require_free(port: int) -> None:
    """End with a sentence when somebody already listens on the port."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(
                f"Port {port} is taken. Stop what uses it, or choose others:"
                " make demo DEMO_PORT=8001 DEMO_METABASE_PORT=3001"
            )


def manage(settings: str, *arguments: str) -> None:
    """Run a management command to its end."""
    command = [sys.executable, "-m", "django", *arguments, "--settings", settings]
    if subprocess.run(command, check=False).returncode:
        sys.exit("The demo could not be set up; the lines above say why.")


def start(settings: str, port: int) -> subprocess.Popen[bytes]:
    """Start one server, which writes its log to this terminal."""
    arguments = ["runserver", "--noreload", f"127.0.0.1:{port}", "--settings", settings]
    return subprocess.Popen(
        [sys.executable, "-m", "django", *arguments], stdout=subprocess.DEVNULL
    )


def wait_for(port: int, processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait until a server listens."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in processes):
            sys.exit("A server did not start; the lines above say why.")
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"Nothing answers on port {port}.")


def welcome(site: str, *, standin: bool) -> str:
    """Return what to open, and for a real Metabase what to set there."""
    lines = ["", f"  Open  {site}/", ""]
    if not standin:
        lines += [
            f"  The Metabase is {os.environ['METABASE_INSTANCE_URL']}. In its JWT settings:",
            f"    JWT Identity Provider URI: {site}/sso/metabase",
            "    String used by the JWT signing key: your METABASE_JWT_SHARED_SECRET",
            "",
        ]
    return "\n".join([*lines, "  Ctrl-C ends it.", ""])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
