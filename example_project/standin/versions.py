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

    # The sign-in flows

    @property
    def wants_hash(self) -> bool:
        """55 and 56: discovery has a `hash`, and a token counts only beside it."""
        return self <= Version.V56

    @property
    def takes_post(self) -> bool:
        """Whether an embed brings its token in a POST: since spring 2026, so from 60 on."""
        return self >= Version.V60

    @property
    def checks_return_to_without_token(self) -> bool:
        """57 and newer."""
        return self >= Version.V58

    @property
    def lets_header_win(self) -> bool:
        """Whether X-Metabase-Session wins over the cookie.

        Since August 2026, so in 65; in 58 and 63 by a backport (metabase/metabase#81165).
        """
        return self in {Version.V58, Version.V63, Version.V65}

    @property
    def refuses_in_plain_text(self) -> bool:
        """The newest: "Invalid redirect URL" and the refusals of tenants are no JSON."""
        return self >= Version.V65

    # What the claims do

    @property
    def has_tenants(self) -> bool:
        """57 and older drop the tenant claim, and have no `use-tenants`."""
        return self >= Version.V58

    @property
    def has_tenant_attributes(self) -> bool:
        """59 and newer."""
        return self >= Version.V60

    @property
    def revives_tenants(self) -> bool:
        """Whether a token reactivates its tenant: "58/59 and newer", so where there are any."""
        return self.has_tenants

    @property
    def refuses_groups_of_the_other_kind(self) -> bool:
        """Since July 2026, so from 63 on; before, they were swallowed."""
        return self >= Version.V63

    @property
    def forgives_groups(self) -> bool:
        """Since August 2026: what is not a string is ignored, and one string is a list of one."""
        return self >= Version.V65

    # Guests and components

    @property
    def finds_guest_items_first(self) -> bool:
        """The newest: an unknown dashboard is 404 before the switch is looked at."""
        return self >= Version.V65

    # How a session ends, and what may act from outside

    @property
    def has_session_management(self) -> bool:
        return self >= Version.V65

    @property
    def ends_sessions_of_the_deactivated(self) -> bool:
        """Since August 2026 (metabase/metabase#80556); before, reactivation revived them."""
        return self >= Version.V65

    # What has to be set

    @property
    def has_modular_switch(self) -> bool:
        """One switch, `enable-embedding-modular`, for the SDK, `embed.js` and guests."""
        return self >= Version.V65

    @property
    def needs_provider_uri(self) -> bool:
        """Whether JWT counts as off while the Identity Provider URI is empty."""
        return self >= Version.V65


NEWEST = Version.V65
