"""`python -m example_project.demo`, which `make demo` runs, starts the demo.

The site runs on port 8000 and the stand-in for Metabase on port 3000, both on 127.0.0.1 only. Set
METABASE_INSTANCE_URL and METABASE_JWT_SHARED_SECRET to use your own Metabase instead; also set
METABASE_EMBEDDING_SECRET_KEY for guest embeds, and METABASE_API_KEY to end access there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from example_project import settings
from example_project.processes import Server, port_from, require_free, run
from example_project.standin import start as standin

REAL = ("METABASE_INSTANCE_URL", "METABASE_JWT_SHARED_SECRET")
EMBEDDING_SECRET = "METABASE_EMBEDDING_SECRET_KEY"
OTHERS = "make demo DEMO_PORT=8001 DEMO_METABASE_PORT=3001"


def main() -> None:
    """Set up the demo, run it until Ctrl-C, and stop both servers."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    given = [name for name in REAL if os.environ.get(name)]
    if given == [REAL[0]]:
        sys.exit(f"Only {given[0]} is set. For your own Metabase set {' and '.join(REAL)}.")
    is_real = len(given) == len(REAL)
    site_port = port_from("DEMO_PORT", 8000)
    site = f"http://localhost:{site_port}"
    own = {**os.environ, "DJANGO_SETTINGS_MODULE": "example_project.settings"}
    servers = [Server(site_port, own)]
    if not is_real:
        for name in (*REAL, EMBEDDING_SECRET):  # they are empty, or for another Metabase
            own.pop(name, None)
        own["METABASE_API_KEY"] = standin.API_KEY
        port = port_from("DEMO_METABASE_PORT", 3000)
        if port == site_port:
            sys.exit(f"DEMO_PORT and DEMO_METABASE_PORT are both {site_port}: choose two.")
        url = own["METABASE_INSTANCE_URL"] = f"http://localhost:{port}"
        own["DEMO_STANDIN_SETTINGS"] = f"{url}/standin/settings"
        servers.append(Server(port, standin.environment(as_set_up(url, site))))
    for server in servers:
        require_free(server.port, OTHERS)
    print("Creating the database and the users of the demo:", flush=True)
    manage(own, "migrate", "--verbosity=0", "--skip-checks")
    manage(own, "create_demo_users")
    run(servers, welcome(site, is_real=is_real), "The demo has stopped.")


def as_set_up(url: str, site: str) -> dict[str, object]:
    """Return the settings of the demo's Metabase."""
    secrets = {
        "jwt-shared-secret": settings.DEMO_SECRET,
        "embedding-secret-key": settings.DEMO_EMBEDDING_SECRET,
    }
    return standin.configured(url, f"{site}/sso/metabase", [site], use_tenants=True, **secrets)


def manage(environment: dict[str, str], *arguments: str) -> None:
    """Run a management command; exit if it fails."""
    command = [sys.executable, "-m", "django", *arguments]
    if subprocess.run(command, env=environment, check=False).returncode:
        sys.exit("The demo could not be set up. The lines above say why.")


def welcome(site: str, *, is_real: bool) -> str:
    """Return the URL to open and, for a real Metabase, the settings to change there."""
    lines = ["", f"  Open  {site}/", ""]
    if is_real:
        lines += [
            f"  This uses {os.environ['METABASE_INSTANCE_URL']}. In its JWT settings, set:",
            f"    JWT Identity Provider URI: {site}/sso/metabase",
            "    String used by the JWT signing key: your METABASE_JWT_SHARED_SECRET",
            "",
        ]
    return "\n".join([*lines, "  Press Ctrl-C to stop.", ""])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
