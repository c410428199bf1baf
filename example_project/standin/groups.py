"""Which groups an account is in after a sign-in."""

from __future__ import annotations

from collections.abc import Collection

from example_project.standin.configuration import Configuration
from example_project.standin.refusals import Refused
from example_project.standin.state import ALL_USERS, Dropped


def synced(
    claim: object,
    configuration: Configuration,
    *,
    current: Collection[str],
    known: Collection[str],
) -> tuple[set[str], list[Dropped]]:
    """Return the memberships after the claim, and which of its parts had no effect.

    Sync happens only when it is on and the claim is there: an empty list takes everything, an
    absent (or null) one changes nothing. "All Users" can't be left.
    """
    if claim is None:
        return set(current), []
    name = configuration.claim_names["groups"]
    if configuration.group_sync == "off":
        return set(current), [Dropped(name, "group sync is off in Metabase")]
    names = [claim] if isinstance(claim, str) else claim
    if not isinstance(names, list):
        return set(current), [Dropped(name, "not a list of group names")]
    if configuration.group_sync == "automatic":
        return _automatic(names, name, known)
    return _manual(names, configuration, current, known)


def _automatic(
    names: list[object], claim_name: str, known: Collection[str]
) -> tuple[set[str], list[Dropped]]:
    """Names match Metabase's names exactly, and the list replaces all memberships.

    The one of Administrators too, in both directions. What is not a string is ignored.
    """
    wanted = {name for name in names if isinstance(name, str) and name in known}
    dropped = []
    for name in names:
        if not isinstance(name, str):
            dropped.append(Dropped(f"{claim_name}: {name}", "a group name that is not a string"))
        elif name not in known:
            reason = "no Metabase group has exactly this name"
            dropped.append(Dropped(f"{claim_name}: {name}", reason))
    return wanted | {ALL_USERS}, dropped


def _manual(
    names: list[object],
    configuration: Configuration,
    current: Collection[str],
    known: Collection[str],
) -> tuple[set[str], list[Dropped]]:
    """Only groups that the mapping names are touched. What is not a string is an error."""
    mapping = configuration.group_mapping
    wanted: set[str] = set()
    dropped = []
    for name in names:
        if not isinstance(name, str):
            text = "java.lang.ClassCastException: a group name cannot be cast to class"
            raise Refused(f"{text} java.lang.String", 500)
        if name not in mapping:
            claim = f"{configuration.claim_names['groups']}: {name}"
            dropped.append(Dropped(claim, "the mapping in Metabase does not name it"))
        wanted.update(mapping.get(name, []))
    touched = {group for groups in mapping.values() for group in groups} - {ALL_USERS}
    return (set(current) - touched) | (wanted & set(known)), dropped
