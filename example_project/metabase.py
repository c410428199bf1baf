"""`python -m example_project.metabase`, which `make metabase` runs, starts only the stand-in.

Your own site can sign in to it at port 3030 of 127.0.0.1. It is like a new Metabase: nothing that
it has to know about your site is set.
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
    """Return the URL of the stand-in, and the secrets that a site needs."""
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
