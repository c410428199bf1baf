"""`python -m release.addresses` fails while the project's URLs are placeholders.

The owner replaces the placeholder in `[project.urls]` of pyproject.toml. No other file has it.
"""

from __future__ import annotations

import sys
from importlib.metadata import metadata
from urllib.parse import urlsplit

PLACEHOLDER = ".invalid"  # a top-level domain that cannot be registered (RFC 2606)


def without_address(urls: list[str]) -> list[str]:
    """Return the entries of Project-URL, each `label, address`, that are placeholders."""
    hosts = {entry: urlsplit(entry.partition(", ")[2]).hostname or "" for entry in urls}
    return [entry for entry, host in hosts.items() if not host or host.endswith(PLACEHOLDER)]


def main() -> int:
    """Print the placeholders; return the exit status."""
    found = without_address(metadata("django-metabase-sso").get_all("Project-URL", []))
    for entry in found:
        print(f"release: [project.urls] has a placeholder: {entry}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
