"""Determines the groups of an account after a sign-in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from example_project.standin.directory import ALL_TENANT_USERS, ALL_USERS, TENANT_GROUPS
from example_project.standin.refusals import Refused
from example_project.standin.reports import Dropped

EVERYBODY = {ALL_USERS, ALL_TENANT_USERS}
OTHER_KIND = "Cannot add non-tenant user to tenant-group or vice versa"


@dataclass(frozen=True)
class Sync:
    """How groups are synchronized: by their names, or only those that are in `mapping`.

    `is_forgiving` and `refuses_other_kind` depend on the version, `is_tenant_user` on the account.
    """

    is_on: bool = True
    mapping: Mapping[str, Collection[str]] = field(default_factory=dict)
    claim: str = "groups"
    is_forgiving: bool = True
    refuses_other_kind: bool = True
    is_tenant_user: bool = False

    def dropped(self, name: object, reason: str) -> Dropped:
        return Dropped(f"{self.claim}: {name}", reason)


def synced(
    claim: object, sync: Sync, *, current: Collection[str], known: Collection[str]
) -> tuple[set[str], list[Dropped]]:
    """Return the memberships after the claim, and the parts of it that had no effect.

    Memberships change only if sync is on and the token has the claim; null does not count. Without
    a mapping, the list replaces all memberships, that of Administrators included: an empty list
    removes all. With a mapping, only its groups change. No account can leave "All Users".
    """
    if claim is None:
        return set(current), []
    if not sync.is_on:
        return set(current), [Dropped(sync.claim, "group sync is off in Metabase")]
    names, dropped = _names(claim, sync)
    if names is None:
        return set(current), dropped
    wanted: set[str] = set()
    for name in names:
        groups = sync.mapping.get(name, []) if sync.mapping else [name]
        if not set(groups) & set(known):
            by_mapping = "the mapping in Metabase does not name it"
            by_name = "no Metabase group has exactly this name"
            dropped.append(sync.dropped(name, by_mapping if sync.mapping else by_name))
        wanted |= set(groups) & set(known)
    dropped += _drop_other_kind(wanted, sync)
    if not sync.mapping:
        return wanted - EVERYBODY | (set(current) & EVERYBODY), dropped
    touched = {group for groups in sync.mapping.values() for group in groups} - EVERYBODY
    return (set(current) - touched) | (wanted - EVERYBODY), dropped


def _names(claim: object, sync: Sync) -> tuple[list[str] | None, list[Dropped]]:
    """Return the names in the claim, or None if memberships should not change.

    Older versions read a string letter by letter, and fail if a name is not a string.
    """
    if not sync.is_forgiving:
        entries = list(claim) if isinstance(claim, (str, list)) else [claim]
    elif isinstance(claim, (str, list)):
        entries = [claim] if isinstance(claim, str) else claim
    else:
        return None, [Dropped(sync.claim, "not a list of group names")]
    names = [entry for entry in entries if isinstance(entry, str)]
    others = [entry for entry in entries if not isinstance(entry, str)]
    if others and not sync.is_forgiving:
        raise Refused("class java.lang.Long cannot be cast to class java.lang.String", 500)
    return names, [sync.dropped(entry, "a group name that is not a string") for entry in others]


def _drop_other_kind(wanted: set[str], sync: Sync) -> list[Dropped]:
    """Remove the groups that this kind of account may not be in, or refuse the sign-in."""
    others = {group for group in wanted if (group in TENANT_GROUPS) != sync.is_tenant_user}
    if others and sync.refuses_other_kind:
        raise Refused(OTHER_KIND, 400)
    wanted -= others
    reason = "tenant users are in tenant groups only, others in other groups"
    return [sync.dropped(group, reason) for group in sorted(others)]
