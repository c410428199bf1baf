"""The two secrets: read when used, hidden when shown, refused when they are weak or the same.

Django's debug page and many error trackers print the local variables of each frame, and DEBUG
switches `sensitive_variables` off, so a secret itself must have nothing to print.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.encoding import force_bytes

from django_metabase_sso.conf.readers import value_of
from django_metabase_sso.exceptions import BadSetting


class Secret(bytes):
    """The bytes of a shared secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Secret>"

    __str__ = __repr__


SECRETS: Final = ("JWT_SHARED_SECRET", "EMBEDDING_SECRET_KEY")
SHORTEST_SECRET: Final = 32  # bytes, as many as the hash has: RFC 7518, section 3.2
NEW_SECRET: Final = "Make one: python -c 'import secrets; print(secrets.token_hex(32))'"  # noqa: S105


def jwt_shared_secret() -> Secret:
    """Return the bytes to sign people in with. A callable is asked each time, so it can rotate."""
    secret = _checked("JWT_SHARED_SECRET")
    # A callable is compared when a guest token is made. Every sign-in comes here: no value_of().
    if isinstance(settings.METABASE_SSO.get("EMBEDDING_SECRET_KEY"), str):
        _refuse_equal(secret, _read("EMBEDDING_SECRET_KEY"))
    return secret


def embedding_secret_key() -> Secret | None:
    """Return the bytes to sign guest tokens with; None when EMBEDDING_SECRET_KEY is not set."""
    if value_of("EMBEDDING_SECRET_KEY") is None:
        return None
    secret = _checked("EMBEDDING_SECRET_KEY")
    _refuse_equal(secret, _read("JWT_SHARED_SECRET"))
    return secret


def _checked(key: str) -> Secret:
    secret = _read(key)
    if secret is None or not secret.strip():
        message = f"METABASE_SSO[{key!r}] is missing, blank or not text."
        raise BadSetting("E005", message, NEW_SECRET)
    if len(secret) < SHORTEST_SECRET:
        problem = f"has {len(secret)} bytes; HS256 needs {SHORTEST_SECRET} or more."
        raise BadSetting("E006", f"METABASE_SSO[{key!r}] {problem}", NEW_SECRET)
    if _is_djangos(secret):
        problem = "is Django's SECRET_KEY: who knows one of them has the other."
        raise BadSetting("E007", f"METABASE_SSO[{key!r}] {problem}", NEW_SECRET)
    return secret


def _is_djangos(secret: Secret) -> bool:
    """Return instead of raising: error pages show local variables."""
    django_keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return secret in map(force_bytes, django_keys)


def _refuse_equal(secret: Secret, other: Secret | None) -> None:
    if secret == other:
        raise BadSetting(
            "E028",
            "METABASE_SSO: JWT_SHARED_SECRET and EMBEDDING_SECRET_KEY are the same secret.",
            "Metabase has two: Admin > Settings > Authentication > JWT, and Admin > Embedding.",
        )


def _read(key: str) -> Secret | None:
    """Return the secret in a form that error pages do not show; None for what is no text."""
    value = value_of(key)
    value = value() if callable(value) else value
    try:
        return Secret(value.encode()) if isinstance(value, str) else None
    except UnicodeEncodeError:
        return None
