"""The checks of a release, for `make release-check` and `make audit`."""

from __future__ import annotations
