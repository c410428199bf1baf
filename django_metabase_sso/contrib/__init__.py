"""Support for other packages. Each module needs an extra, and the core does not import it."""

from __future__ import annotations
