"""`METABASE_SSO`, one property for each key: read when used, checked when read, never cached.

System checks do not run under gunicorn or uvicorn, so each property raises `BadSetting` by itself;
the checks report the same exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.conf import settings

from django_metabase_sso.conf import addresses, secrets
from django_metabase_sso.conf.readers import callable_or_none, seconds, switch, value_of
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import BadSetting

CLAIM_NAMES: Final = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "groups": "groups",
    "tenant": "@tenant",
    "tenant_attributes": "@tenant.attributes",
}
REGISTERED_CLAIMS: Final = frozenset({"iss", "iat", "sub", "aud", "exp", "nbf", "jti"})
GroupMapping = Callable[..., Any] | Mapping[str, str | Iterable[str]] | None


class Conf:
    """The settings. Each property raises `BadSetting` when its value cannot work or is unsafe."""

    @property
    def INSTANCE_URL(self) -> addresses.InstanceURL:
        url = value_of("INSTANCE_URL")
        hint = 'Write "INSTANCE_URL": "https://metabase.example.com".'
        if not isinstance(url, str) or not url.strip():
            raise BadSetting("E003", "METABASE_SSO['INSTANCE_URL'] is missing.", hint)
        try:
            return addresses.parse_instance_url(url)
        except ValueError as error:
            message = f"METABASE_SSO['INSTANCE_URL'] {error}."
            raise BadSetting("E004", message, hint) from None

    @property
    def JWT_SHARED_SECRET(self) -> Secret:
        return secrets.jwt_shared_secret()

    @property
    def TOKEN_LIFETIME(self) -> int:
        """Whole seconds between `iat` and `exp`."""
        return seconds("TOKEN_LIFETIME")

    @property
    def GROUP_MAPPING(self) -> GroupMapping:
        mapping = value_of("GROUP_MAPPING")
        if not isinstance(mapping, dict):
            return callable_or_none("GROUP_MAPPING")
        if not all(isinstance(key, str) and _names(value) for key, value in mapping.items()):
            message = "METABASE_SSO['GROUP_MAPPING'] does not map str to str or a list of str."
            hint = 'Write "GROUP_MAPPING": {"django group": ["Metabase group"]}.'
            raise BadSetting("E009", message, hint)
        return mapping

    @property
    def ALLOW_ADMINISTRATORS(self) -> bool:
        return switch("ALLOW_ADMINISTRATORS")

    @property
    def USER_ATTRIBUTES(self) -> Callable[..., Any] | None:
        return callable_or_none("USER_ATTRIBUTES")

    @property
    def TENANT(self) -> Callable[..., Any] | None:
        return callable_or_none("TENANT")

    @property
    def TENANT_ATTRIBUTES(self) -> Callable[..., Any] | None:
        return callable_or_none("TENANT_ATTRIBUTES")

    @property
    def CLAIM_NAMES(self) -> dict[str, str]:
        """The name in use of each claim."""
        renames = value_of("CLAIM_NAMES")
        if not renames and isinstance(renames, dict):
            return CLAIM_NAMES
        if isinstance(renames, dict) and renames.keys() <= CLAIM_NAMES.keys():
            names = {**CLAIM_NAMES, **renames}
            if _distinct_texts(names.values()) and not REGISTERED_CLAIMS & set(names.values()):
                return names
        message = "METABASE_SSO['CLAIM_NAMES'] does not map claims to distinct names of their own."
        hint = f"Its keys are any of {', '.join(CLAIM_NAMES)}; no value is a registered claim."
        raise BadSetting("E010", message, hint)

    @property
    def AUTHENTICATE(self) -> Callable[..., Any] | None:
        return callable_or_none("AUTHENTICATE")

    @property
    def ACCESS_POLICY(self) -> Callable[..., Any] | None:
        return callable_or_none("ACCESS_POLICY")

    @property
    def REQUIRE_UNIQUE_EMAIL(self) -> bool:
        return switch("REQUIRE_UNIQUE_EMAIL")

    @property
    def ALLOW_IMPERSONATION(self) -> bool:
        return switch("ALLOW_IMPERSONATION")

    @property
    def ALLOWED_ORIGINS(self) -> tuple[addresses.AllowedOrigin, ...]:
        entries = value_of("ALLOWED_ORIGINS")
        hint = 'Write "ALLOWED_ORIGINS": ["https://app.example.com"].'
        if not isinstance(entries, list | tuple):
            message = "METABASE_SSO['ALLOWED_ORIGINS'] is not a list."
            raise BadSetting("E011", message, hint)
        allowed = []
        for entry in entries:
            try:
                allowed.append(addresses.parse_origin(str(entry)))
            except ValueError as error:
                message = f"METABASE_SSO['ALLOWED_ORIGINS']: {entry!r} {error}."
                raise BadSetting("E012", message, hint) from None
        return tuple(allowed)

    @property
    def LOGIN_URL(self) -> str:
        """A URL, a path or the name of a URL pattern, as in Django's own `LOGIN_URL`."""
        url = value_of("LOGIN_URL")
        return str(settings.LOGIN_URL if url is None else url)

    @property
    def REDIRECT_PARAMS(self) -> dict[str, str]:
        params = value_of("REDIRECT_PARAMS")
        if (
            isinstance(params, dict)
            and all(isinstance(text, str) for pair in params.items() for text in pair)
            and not {"jwt", "return_to"} & params.keys()
        ):
            return params
        message = "METABASE_SSO['REDIRECT_PARAMS'] is no dict of str without jwt and return_to."
        raise BadSetting("E013", message, 'Write "REDIRECT_PARAMS": {"token": "true"}.')

    @property
    def EMBEDDING_SECRET_KEY(self) -> Secret | None:
        return secrets.embedding_secret_key()

    @property
    def GUEST_TOKEN_LIFETIME(self) -> int:
        """Whole seconds until a guest token's `exp`."""
        return seconds("GUEST_TOKEN_LIFETIME")

    @property
    def GUEST_PARAMS(self) -> Callable[..., Any] | None:
        return callable_or_none("GUEST_PARAMS")

    @property
    def GUEST_ENTITY_IDS(self) -> bool:
        return switch("GUEST_ENTITY_IDS")


conf = Conf()


def _names(value: object) -> bool:
    texts = [value] if isinstance(value, str) else value
    return isinstance(texts, list | tuple | set | frozenset) and all(
        isinstance(text, str) for text in texts
    )


def _distinct_texts(values: Iterable[object]) -> bool:
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    return len(set(texts)) == len(CLAIM_NAMES)
