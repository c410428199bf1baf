"""The secrets. They are read when they are used, hidden in output, and refused if they are unsafe.

Django's debug page and many error trackers print the local variables of each frame, and with DEBUG
`sensitive_variables` has no effect. A secret must therefore hide itself. Some trackers shorten,
decode or copy str and bytes before they call `repr`, so a `Secret` is neither.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.encoding import force_bytes

from django_metabase_sso.conf.readers import REQUIRED, Written
from django_metabase_sso.exceptions import BadSetting


class Secret:
    """The bytes of a shared secret. Only `reveal` returns them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "<Secret>"

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def reveal(self) -> bytes:
        """Return the bytes. Do not keep them in a local variable, which error pages show."""
        return self._value

    def trimmed(self) -> Secret:
        """Return the secret without surrounding white space or quotation marks."""
        return Secret(_trimmed(self._value.decode()).encode())


SECRETS: Final = ("JWT_SHARED_SECRET", "EMBEDDING_SECRET_KEY")
SHORTEST_SECRET: Final = 32  # bytes, the length of the hash: RFC 7518, section 3.2
MISSING: Final = "is missing"
QUOTES: Final = ('""', "''", "\u201c\u201d", "\u2018\u2019")
NEW_SECRET: Final = (
    "Use the one that Metabase has, or make one for both: "  # noqa: S105
    "python -c 'import secrets; print(secrets.token_hex(32))'"
)

API_KEY_HINT: Final = (
    'Write "API_KEY": os.environ["METABASE_API_KEY"], a key of the group Administrators.'
)


def _trimmed(text: str) -> str:
    inner = text.strip().strip("\ufeff")
    return inner[1:-1] if inner[:1] + inner[-1:] in QUOTES else inner


def jwt_shared_secret(key: str, written: Written) -> Secret:
    """Return the secret for sign-ins. A callable is called each time, so that it can rotate."""
    secret = _checked(key, _read(key, written))
    # If this is a callable, it is compared when a guest token is signed, not at each sign-in.
    _refuse_equal(secret, _read("EMBEDDING_SECRET_KEY", written, ask=False))
    return secret


def embedding_secret_key(key: str, written: Written) -> Secret | None:
    """Return the secret for guest tokens, or None if it is not set."""
    found = _read(key, written)
    if found is None:
        return None
    secret = _checked(key, found)
    _refuse_equal(secret, _read("JWT_SHARED_SECRET", written))
    return secret


def development_api_key(key: str, written: Written) -> Secret | None:
    """Return the API key that pages show to all visitors, or None if it is not set.

    Raises BadSetting unless DEBUG is on: in production, all visitors could use that key.
    """
    hint = f'Write "{key}": os.environ.get("METABASE_DEVELOPMENT_API_KEY") if DEBUG else None.'
    secret = _read(key, written, ask=False)
    if secret is None:
        return None
    if isinstance(secret, str):
        problem = f"{secret}."
    elif not settings.DEBUG:
        problem = "is set, but DEBUG is off: every visitor would get the key."
    elif isinstance(written["API_KEY"], str) and secret == _read("API_KEY", written):
        problem = "is the same key as API_KEY: every visitor would be an administrator."
    else:
        return secret
    raise BadSetting("metabase_sso.E031", f"METABASE_SSO[{key!r}] {problem}", hint)


def api_key(key: str, written: Written) -> Secret | None:
    """Return the administrator's API key, or None if it is not set.

    A callable is called each time, so that it can rotate.
    """
    secret = _read(key, written)
    if secret is None:
        return None
    if isinstance(secret, str):
        raise BadSetting("metabase_sso.E032", f"METABASE_SSO[{key!r}] {secret}.", API_KEY_HINT)
    if not _is_for_a_header(secret):
        problem = "has characters that a header may not have, such as a space or a line end."
        raise BadSetting("metabase_sso.E032", f"METABASE_SSO[{key!r}] {problem}", API_KEY_HINT)
    return secret


def _is_for_a_header(secret: Secret) -> bool:
    """Return a bool, because an exception would show the local variables on error pages."""
    return all(0x21 <= byte <= 0x7E for byte in secret.reveal())


def _checked(key: str, secret: Secret | str | None) -> Secret:
    if secret is None:
        secret = MISSING
    if isinstance(secret, str):
        raise BadSetting("metabase_sso.E005", f"METABASE_SSO[{key!r}] {secret}.", NEW_SECRET)
    if len(secret) < SHORTEST_SECRET:
        problem = f"has {len(secret)} bytes; HS256 needs {SHORTEST_SECRET} or more."
        raise BadSetting("metabase_sso.E006", f"METABASE_SSO[{key!r}] {problem}", NEW_SECRET)
    if _is_djangos(secret):
        problem = "is the same as Django's SECRET_KEY: use a secret of its own."
        raise BadSetting("metabase_sso.E007", f"METABASE_SSO[{key!r}] {problem}", NEW_SECRET)
    return secret


def _is_djangos(secret: Secret) -> bool:
    """Return a bool, because an exception would show the local variables on error pages."""
    keys = settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS
    return secret.reveal() in [force_bytes(key) for key in keys]


def _refuse_equal(secret: Secret, other: Secret | str | None) -> None:
    if secret == other:
        raise BadSetting(
            "metabase_sso.E028",
            "METABASE_SSO: JWT_SHARED_SECRET and EMBEDDING_SECRET_KEY are the same secret.",
            "Metabase has two secrets: in Admin > Settings > Authentication > JWT, and in Admin >"
            " Embedding. Copy each one.",
        )


def _read(key: str, written: Written, *, ask: bool = True) -> Secret | str | None:
    """Return the secret, None if it is not set, or a str with the reason why it is invalid.

    With `ask`, a callable is called.
    """
    value = written[key]
    if value is None:
        return None
    if value in (REQUIRED, ""):
        return MISSING
    if callable(value):
        if not ask:
            return "is a callable, not a string"
        value, source = value(), "is a callable that returns"
    else:
        source = "has the type"
    if not isinstance(value, str):
        return f"{source} {type(value).__name__}, not a string"
    if not value.strip():
        return "is blank"
    try:
        return Secret(value.encode())
    except UnicodeEncodeError:
        return "has characters that UTF-8 cannot write"
