"""Secrets and tokens that do not show themselves.

Django's debug page and many error trackers print the local variables of each frame, and DEBUG
switches `sensitive_variables` off, so the values themselves must have nothing to print.
"""

from __future__ import annotations


class Secret(bytes):
    """The bytes of a shared secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Secret>"

    __str__ = __repr__


class Token(str):
    """A signed token: a str in every respect but its `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Token>"
