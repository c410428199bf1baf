"""Which Metabase this is: the versions that can be chosen, and what differs between them.

Where the sources give a date or "58/59" instead of a version, the choice is written beside it.
"""

from __future__ import annotations

from enum import IntEnum


class Version(IntEnum):
    """A version of Metabase, by its second number: 65 is `v1.65.1`."""

    V56 = 56
    V58 = 58
    V60 = 60
    V63 = 63
    V65 = 65

    @property
    def tag(self) -> str:
        """What `/api/session/properties` says."""
        return f"v1.{self.value}.{1 if self is Version.V65 else 3}"

    @property
    def has_tenants(self) -> bool:
        """57 and older drop the tenant claim, and have no `use-tenants`."""
        return self >= Version.V58

    @property
    def has_session_management(self) -> bool:
        return self >= Version.V65

    @property
    def has_modular_switch(self) -> bool:
        """One switch, `enable-embedding-modular`, for the SDK, `embed.js` and guests."""
        return self >= Version.V65

    @property
    def needs_provider_uri(self) -> bool:
        """Whether JWT counts as off while the Identity Provider URI is empty."""
        return self >= Version.V65

    @property
    def ends_sessions_of_the_deactivated(self) -> bool:
        """Since August 2026 (metabase/metabase#80556); before, reactivation revived them."""
        return self >= Version.V65


NEWEST = Version.V65
