"""What is checked of a release, by `make release-check` and `make audit`."""

from __future__ import annotations
