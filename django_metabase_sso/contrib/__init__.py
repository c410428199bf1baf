"""What works with other packages; each module is an extra, and nothing in the core imports it."""

from __future__ import annotations
