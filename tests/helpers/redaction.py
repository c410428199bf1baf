"""Asserts that a string does not contain tokens or secrets."""

from __future__ import annotations

import re

from tests.settings import SECRET

JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
PEM = f"-----BEGIN PUBLIC KEY-----\n{SECRET}\n-----END PUBLIC KEY-----\n"


def assert_clean(text: str, *secrets: str) -> None:
    assert not JWT.search(text)
    for secret in (SECRET, *secrets):
        assert secret not in text
