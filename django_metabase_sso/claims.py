"""Builds the claims of a user's token, without the times."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.translation import gettext

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.readers import CLAIM_NAMES, REGISTERED_CLAIMS
from django_metabase_sso.conf.settings import Conf
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.identity.emails import canonical_email
from django_metabase_sso.signals import logger
from django_metabase_sso.values.attributes import attributes, clean_text, text_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

__all__ = ["INTERNAL", "django_groups"]

Claims = dict[str, Any]
CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # includes line ends
INTERNAL: Final = object()
"""Return value of a TENANT callable for staff, who deliberately have no tenant."""

# Metabase's groups with special permissions, in the form of `_plain`.
PRIVILEGED: Final = frozenset({"administrators", "dataanalysts"})
NOT_COMPARED: Final = frozenset("CMSZ")  # Unicode's control characters, marks, symbols, separators


def build(user: AbstractBaseUser, request: HttpRequest | None = None, conf: Conf = conf) -> Claims:
    """Return the claims of `user`. `request` is passed to the project's callables.

    Claims without a value are left out. Raises AccessRefused (`no-tenant`, or without a valid
    e-mail address), InvalidClaim, and all exceptions of the project's callables.
    """
    names = conf.CLAIM_NAMES
    claims: Claims = {names["email"]: canonical_email(user)}
    for claim, text in zip(("first_name", "last_name"), person_names(user), strict=True):
        if text:
            claims[names[claim]] = clean_text(claim, text)
    groups = metabase_groups(user, request, conf)
    if groups is not None:  # without the claim, memberships do not change; [] removes all of them
        claims[names["groups"]] = groups
    callback = conf.USER_ATTRIBUTES
    if callback is not None:
        reserved = {*CLAIM_NAMES.values(), *names.values(), *REGISTERED_CLAIMS}
        claims.update(attributes("USER_ATTRIBUTES", callback(user, request), reserved))
    claims.update(_tenant_claims(user, request, conf))
    return claims


def person_names(user: AbstractBaseUser) -> tuple[str, str]:
    """Return the first and the last name, or "" if unknown, for any user model."""
    first, last = getattr(user, "first_name", None), getattr(user, "last_name", None)
    if first is None and last is None and hasattr(user, "get_full_name"):
        first, _, last = _one_line(user.get_full_name()).partition(" ")
    return _one_line(first), _one_line(last)


def _one_line(name: object) -> str:
    text = str(name or "")
    return (text if text.isprintable() else CONTROLS.sub(" ", text)).strip()


def django_groups(user: AbstractBaseUser, request: HttpRequest | None = None) -> list[str]:
    """Return the names of the user's Django groups. For GROUP_MAPPING. Costs one query."""
    groups = getattr(user, "groups", None)
    if groups is None:
        raise ImproperlyConfigured(
            "METABASE_SSO['GROUP_MAPPING'] needs Django groups. The user model does not have any."
        )
    return sorted(groups.values_list("name", flat=True))


def metabase_groups(
    user: AbstractBaseUser, request: HttpRequest | None, conf: Conf = conf
) -> list[str] | None:
    """Return the groups of GROUP_MAPPING, without privileged groups that are not allowed.

    With Metabase's automatic group mapping, the list *replaces* all memberships.
    """
    found = mapped_groups(user, request, conf)
    if found is None or conf.ALLOW_ADMINISTRATORS:
        return found
    return [group for group in found if not _is_dropped(group, user)]


def mapped_groups(
    user: AbstractBaseUser, request: HttpRequest | None, conf: Conf = conf
) -> list[str] | None:
    """Return the distinct groups of GROUP_MAPPING in a stable order, or None for no claim."""
    mapping = conf.GROUP_MAPPING
    if mapping is None:
        return None
    if isinstance(mapping, Mapping):
        names = [mapping[name] for name in django_groups(user) if name in mapping]
        return _distinct(
            group
            for entry in names
            for group in _ordered([entry] if isinstance(entry, str) else entry)
        )
    result = mapping(user, request)
    if result is None:
        return None
    if isinstance(result, str | bytes | Mapping) or not isinstance(result, Iterable):
        raise InvalidClaim(
            "groups",
            f"GROUP_MAPPING returned {type(result).__name__}. It must return a list of str, or"
            " None.",
        )
    return _distinct(_ordered(result))


@lru_cache(maxsize=4096)  # a user may have hundreds of groups, and many users have the same ones
def is_privileged(group: str) -> bool:
    """Return whether Metabase could treat this name as that of a privileged group.

    Case, width, accents and white space are ignored. Metabase's database may have a collation in
    which ß or đ equals other letters, and other scripts and symbols equal nothing. Collations
    differ, so such a letter matches any letters here, and all others are ignored.
    """
    plain = _plain(group)
    if plain.isascii():
        return plain in PRIVILEGED
    pattern = re.sub(r"[^\x00-\x7f]+", lambda run: f".{{0,{2 * len(run[0])}}}", re.escape(plain))
    return any(re.fullmatch(pattern, name) for name in PRIVILEGED)


def _is_dropped(group: str, user: AbstractBaseUser) -> bool:
    if not is_privileged(group):
        return False
    logger.warning(
        "The group %r was not sent to Metabase for user %s, because ALLOW_ADMINISTRATORS is off.",
        group,
        user.pk,
        extra={"code": "privileged-group", "user_id": user.pk},
    )
    return True


def _plain(group: str) -> str:
    letters = unicodedata.normalize("NFKD", group)
    compared = (char for char in letters if unicodedata.category(char)[0] not in NOT_COMPARED)
    latin = (c for c in compared if c.isascii() or "LATIN" in unicodedata.name(c, ""))
    return "".join(latin).lower()


def _ordered(names: Iterable[Any]) -> Iterable[str]:
    texts = map(_group_name, names)
    return sorted(texts) if isinstance(names, AbstractSet) else texts


def _group_name(name: Any) -> str:
    if not isinstance(name, str | Promise):
        raise InvalidClaim(
            "groups", f"The name of a group must be a str, not {type(name).__name__}."
        )
    return clean_text("groups", text_of("groups", name))


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name.strip()))


def _tenant_claims(user: AbstractBaseUser, request: HttpRequest | None, conf: Conf) -> Claims:
    callback = conf.TENANT
    if callback is None:
        return {}
    tenant = callback(user, request)
    if tenant is INTERNAL:
        return {}
    if tenant is None or (isinstance(tenant, str) and not tenant.strip()):
        raise AccessRefused("no-tenant", gettext("Your account does not belong to a tenant."))
    names = conf.CLAIM_NAMES
    if isinstance(tenant, bool) or not isinstance(tenant, str | int):
        raise InvalidClaim(
            names["tenant"],
            f"TENANT returned {type(tenant).__name__}. It must return str, int or"
            " claims.INTERNAL.",
        )
    claims: Claims = {names["tenant"]: clean_text("tenant", text_of("tenant", tenant))}
    extra = conf.TENANT_ATTRIBUTES
    values = None if extra is None else extra(user, request)
    if values is not None:
        claims[names["tenant_attributes"]] = attributes("TENANT_ATTRIBUTES", values)
    return claims
