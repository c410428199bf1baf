"""See `tests.servers.command`."""

from __future__ import annotations

import sys

from tests.servers.command import main

sys.exit(main(sys.argv[1:]))
