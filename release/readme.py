"""A hook of hatchling that makes the links in the README absolute.

Links and pictures in README.md are paths in this repository. The package index does not have these
files, so the links need the address of the source, which is in `[project.urls]`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)(\[[^]]*\])\((?![a-z]+:|#)([^)]+)\)")


def with_addresses(text: str, source: str) -> str:
    """Return the Markdown with absolute links to the files of the repository."""
    return LINK.sub(
        lambda found: (
            f"{found[1]}{found[2]}({source}/{'raw' if found[1] else 'blob'}/main/{found[3]})"
        ),
        text,
    )


class ReadmeHook(MetadataHookInterface):
    """Sets `readme`, which is dynamic in pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `readme` in `metadata`, which is the table `[project]`."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_addresses(text, metadata["urls"]["Source"]),
        }
