"""The versions of Metabase that the stand-in can imitate, and their differences.

If only a date or "58/59" is known for a change, the docstring gives the version chosen here.
"""

from __future__ import annotations

from enum import IntEnum


class Version(IntEnum):
    """A version of Metabase by its second number: 65 is `v1.65.1`."""

    V56 = 56
    V58 = 58
    V60 = 60
    V63 = 63
    V65 = 65

    @property
    def tag(self) -> str:
        """The version in `/api/session/properties`."""
        return f"v1.{self.value}.{1 if self is Version.V65 else 3}"

    # Sign-in

    @property
    def wants_hash(self) -> bool:
        """Versions 55 and 56 send a `hash`, and accept a token only together with it."""
        return self <= Version.V56

    @property
    def takes_post(self) -> bool:
        """Whether embeds send their token in a POST: since spring 2026, here from 60 on."""
        return self >= Version.V60

    @property
    def checks_return_to_without_token(self) -> bool:
        """Version 57 and newer do this."""
        return self >= Version.V58

    @property
    def lets_header_win(self) -> bool:
        """Whether X-Metabase-Session has priority over the cookie.

        Since August 2026, here in 65; a backport added it to 58 and 63
        (metabase/metabase#81165).
        """
        return self in {Version.V58, Version.V63, Version.V65}

    @property
    def refuses_in_plain_text(self) -> bool:
        """Whether "Invalid redirect URL" and refusals about tenants are plain text."""
        return self >= Version.V65

    # Claims

    @property
    def has_tenants(self) -> bool:
        """Version 57 and older drop the tenant claim, and do not have `use-tenants`."""
        return self >= Version.V58

    @property
    def has_tenant_attributes(self) -> bool:
        """Version 59 and newer have them."""
        return self >= Version.V60

    @property
    def revives_tenants(self) -> bool:
        """Whether a token reactivates its tenant: "58/59 and newer", here from 58 on."""
        return self.has_tenants

    @property
    def refuses_groups_of_the_other_kind(self) -> bool:
        """Since July 2026, here from 63 on. Older versions ignore such groups."""
        return self >= Version.V63

    @property
    def forgives_groups(self) -> bool:
        """Whether a string is a list of one, and other values are ignored: since August 2026."""
        return self >= Version.V65

    # Guest embeds

    @property
    def finds_guest_items_first(self) -> bool:
        """Whether an unknown dashboard is a 404 even while guest embeds are off."""
        return self >= Version.V65

    # How sessions end

    @property
    def has_session_management(self) -> bool:
        return self >= Version.V65

    @property
    def ends_sessions_of_the_deactivated(self) -> bool:
        """Since August 2026 (metabase/metabase#80556); before, reactivation revives them."""
        return self >= Version.V65

    # Settings

    @property
    def has_modular_switch(self) -> bool:
        """Whether `enable-embedding-modular` switches the SDK, `embed.js` and guests on."""
        return self >= Version.V65

    @property
    def needs_provider_uri(self) -> bool:
        """Whether JWT is off while the Identity Provider URI is empty."""
        return self >= Version.V65


NEWEST = Version.V65
