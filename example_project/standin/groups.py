"""Which groups an account is in after a sign-in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from example_project.standin.directory import ALL_USERS
from example_project.standin.refusals import Refused
from example_project.standin.reports import Dropped


@dataclass(frozen=True)
class Sync:
    """How groups are synchronized: by name, or only those that a mapping names."""

    is_on: bool = True
    mapping: Mapping[str, Collection[str]] = field(default_factory=dict)
    claim: str = "groups"


def synced(
    claim: object, sync: Sync, *, current: Collection[str], known: Collection[str]
) -> tuple[set[str], list[Dropped]]:
    """Return the memberships after the claim, and which of its parts had no effect.

    Sync happens only when it is on and the claim is there: an empty list takes everything, an
    absent (or null) one changes nothing. "All Users" can't be left.
    """
    if claim is None:
        return set(current), []
    if not sync.is_on:
        return set(current), [Dropped(sync.claim, "group sync is off in Metabase")]
    names = [claim] if isinstance(claim, str) else claim
    if not isinstance(names, list):
        return set(current), [Dropped(sync.claim, "not a list of group names")]
    if sync.mapping:
        return _manual(names, sync, current, known)
    return _automatic(names, sync, known)


def _automatic(
    names: list[object], sync: Sync, known: Collection[str]
) -> tuple[set[str], list[Dropped]]:
    """Names match Metabase's names exactly, and the list replaces all memberships.

    The one of Administrators too, in both directions. What is not a string is ignored.
    """
    wanted = {name for name in names if isinstance(name, str) and name in known}
    dropped = []
    for name in names:
        if not isinstance(name, str):
            dropped.append(Dropped(f"{sync.claim}: {name}", "a group name that is not a string"))
        elif name not in known:
            reason = "no Metabase group has exactly this name"
            dropped.append(Dropped(f"{sync.claim}: {name}", reason))
    return wanted | {ALL_USERS}, dropped


def _manual(
    names: list[object], sync: Sync, current: Collection[str], known: Collection[str]
) -> tuple[set[str], list[Dropped]]:
    """Only groups that the mapping names are touched. What is not a string is an error."""
    wanted: set[str] = set()
    dropped = []
    for name in names:
        if not isinstance(name, str):
            text = "java.lang.ClassCastException: a group name cannot be cast to class"
            raise Refused(f"{text} java.lang.String", 500)
        if name not in sync.mapping:
            reason = "the mapping in Metabase does not name it"
            dropped.append(Dropped(f"{sync.claim}: {name}", reason))
        wanted.update(sync.mapping.get(name, []))
    touched = {group for groups in sync.mapping.values() for group in groups} - {ALL_USERS}
    return (set(current) - touched) | (wanted & set(known)), dropped
