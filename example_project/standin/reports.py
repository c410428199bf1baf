"""Reports of what a token changed, for the pages and the tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

How = Literal["GET", "POST", "to_session", "navigation"]


@dataclass(frozen=True)
class Dropped:
    """A claim, or a part of one, that Metabase ignores."""

    claim: str
    reason: str


@dataclass
class SignIn:
    """What a token changed."""

    email: str
    how: How
    events: list[str] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
