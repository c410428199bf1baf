"""The users of the demo."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "demo"


@dataclass(frozen=True)
class Role:
    """A user of the demo. `about` says what they are an example of."""

    username: str
    about: str
    email: str
    name: tuple[str, str] = ("", "")
    groups: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()  # codenames
    region: str = ""
    tenant: str = ""
    is_customer: bool = False
    is_staff: bool = False
    is_active: bool = True


CAST = (
    Role(
        "ada",
        "an analyst, with groups and a region",
        "ada@example.com",
        ("Ada", "Lovelace"),
        groups=("Analysts", "Sales"),
        region="north",
    ),
    Role("li", "has a name in another script", "li@example.com", ("娜", "李"), groups=("Sales",)),
    Role(
        "tove",
        "a customer of the tenant acme",
        "tove@acme.example",
        ("Tove", "Dahl"),
        region="west",
        tenant="acme",
        is_customer=True,
    ),
    Role(
        "gus",
        "a customer of the tenant globex",
        "gus@globex.example",
        ("Gus", "Globe"),
        region="south",
        tenant="globex",
        is_customer=True,
    ),
    Role(
        "sam",
        "staff: edits users, reads the audit trail, and can act as others, but not in Metabase",
        "sam@example.com",
        ("Sam", "Support"),
        groups=("Support",),
        permissions=("view_metabaseevent", "view_person", "change_person"),
        is_staff=True,
    ),
    Role("nora", "has no e-mail address", "", ("Nora", "Mail")),
    Role("zoe", "has an address that is not plain ASCII", "zoë@example.com", ("Zoë", "Umlaut")),
    Role("tim", "has the same address as tom", "twins@example.com", ("Tim", "Twin")),
    Role("tom", "has the same address as tim", "Twins@example.com", ("Tom", "Twin")),
    Role("ian", "has been deactivated", "ian@example.com", ("Ian", "Active"), is_active=False),
    Role(
        "mallory",
        "entered the address of Metabase's administrator",
        "admin@metabase.example",
        ("Mallory", "Malice"),
    ),
    Role(
        "lost",
        "a customer without a tenant",
        "lost@acme.example",
        ("Lost", "Customer"),
        is_customer=True,
    ),
    Role("crowd", "is in 200 groups", "crowd@example.com", ("Crowd", "Member")),
)
