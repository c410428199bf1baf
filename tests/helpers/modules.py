"""Modules by their dotted path."""

from __future__ import annotations

from importlib.util import find_spec


def find_module(name: str) -> bool:
    """Whether a dotted path is that of a module."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is a module without submodules
        return False
