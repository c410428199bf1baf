"""Finds modules by their dotted path."""

from __future__ import annotations

from importlib.util import find_spec


def find_module(name: str) -> bool:
    """Return whether a dotted path is that of a module."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the parent is not a package
        return False
