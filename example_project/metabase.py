"""`python -m example_project.metabase`: what `make metabase` starts.

The stand-in Metabase alone, on port 3030 of 127.0.0.1, for a site of yours to sign in to. It is as
Metabase is after its installation: nothing that it needs to know of your site is set.
"""

from __future__ import annotations

import os
import signal
import sys

from example_project.processes import Server, port_from, require_free, run
from example_project.standin import start as standin

OTHERS = "make metabase STANDIN_PORT=3031"


def main() -> None:
    """Run the stand-in until Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    port = port_from("STANDIN_PORT", 3030)
    url = f"http://localhost:{port}"
    require_free(port, OTHERS)
    variables = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("MB_") or name == "MAX_SESSION_AGE"
    }
    environment = standin.environment(standin.fresh(url), variables=variables)
    run([Server(port, environment)], welcome(url), "The stand-in has stopped.")


def welcome(url: str) -> str:
    """Return where it is, and what a site has to know of it."""
    return f"""
  This is a stand-in for Metabase, to try things out on this machine. It accepts tokens by
  Metabase's rules, shows made-up figures, and keeps its data in memory until it stops.

  Address                {url}
  Settings page          {url}/standin/settings
  JWT shared secret      {standin.JWT_SECRET}
  Embedding secret key   {standin.EMBEDDING_SECRET}
  API key                {standin.API_KEY}

  As in a new Metabase, JWT sign-in, group sync and all kinds of embedding are off.
  Press Ctrl-C to stop.
"""


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
