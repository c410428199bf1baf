from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.identity.emails import canonical_email

LONG = "a" * 64 + "@" + ".".join(["b" * 60] * 3)


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace+Sales@EXAMPLE.com", "ada.lovelace+sales@example.com"),
        ("o'neil.{x}/y@example.co.uk", "o'neil.{x}/y@example.co.uk"),
        (f"{LONG}.{'c' * 6}", f"{LONG}.{'c' * 6}"),
    ],
)
def test_canonical(address: str, canonical: str) -> None:
    assert len(canonical) <= 254
    assert canonical_email(User(email=address)) == canonical


@pytest.mark.parametrize("address", ["", " ", "\t", None])
def test_blank(address: str) -> None:
    with pytest.raises(AccessRefused) as caught:
        canonical_email(User(email=address))
    assert caught.value.code == "no-email"
    assert caught.value.message == "Your account has no e-mail address."


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@localhost",  # Metabase wants a dot in the domain
        "ada@LOCALHOST",
        "ada@[192.0.2.1]",
        "ada@[2001:db8::1]",
        '"ada@home"@example.com',  # a quoted local part, which patterns may take for a domain
        '"ada"@example.com',
        '"a b"@example.com',
        "ada@@example.com",
        " ada@example.com",
        "ada@example.com ",
        "ada@example.com\n",
        "ada@example.com\x00",
        '"a\x01b"@example.com',
        "ada@exam ple.com",
        "ad\u00e1@example.com",
        "ada@ex\u00e4mple.com",
        "\u212aate@example.com",
        "ada@example.com\u200b",
        "\uff41da@example.com",
        "ada@example.com, eve@example.com",
        f"{LONG}.{'c' * 20}",
        7,
        b"ada@example.com",
    ],
)
def test_invalid(address: str) -> None:
    with pytest.raises(AccessRefused) as caught:
        canonical_email(User(email=address))
    assert caught.value.code == "invalid-email"
    assert caught.value.message == ("Metabase cannot use the e-mail address of your account.")
