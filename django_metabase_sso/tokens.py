"""Signs tokens for users, and guest tokens for dashboards and questions."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, SupportsIndex

from django.utils.functional import cached_property
from jwt import InvalidKeyError
from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_encode

from django_metabase_sso import access, claims
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.secrets import NEW_SECRET, Secret
from django_metabase_sso.conf.settings import Conf, Snapshot
from django_metabase_sso.exceptions import AccessRefused, BadSetting, InvalidEmbed
from django_metabase_sso.signals import send_refused, token_issued
from django_metabase_sso.values import parameters
from django_metabase_sso.values.parameters import ALL_ROWS

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

__all__ = ["ALL_ROWS", "guest_token", "issue_token"]


class Token(str):
    """A signed token: a str whose `repr` does not show it.

    Slices and concatenations are hidden as well, because many error trackers shorten local
    variables before they call `repr`. `str(token)` and `f"{token}"` are ordinary strings.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Token>"

    def __getitem__(self, index: SupportsIndex | slice) -> Token:
        return Token(super().__getitem__(index))

    def __add__(self, other: str) -> Token:
        return Token(super().__add__(other))

    def __radd__(self, other: str) -> Token:
        return Token(other + str(self))


HS256: Final = HMACAlgorithm(HMACAlgorithm.SHA256)  # Metabase accepts only this algorithm
HEADER: Final = base64url_encode(b'{"alg":"HS256","typ":"JWT"}')
# Raw UTF-8 instead of \u escapes: names in other scripts need half the bytes.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Grant:
    """A user who may have a token, and its claims. Created by `grant_for`.

    Creating a grant and signing its token do not send a signal: the code that sends the token
    calls `announce`. `claims` do not contain the times. `impersonator` is the member of staff who
    acts as `user`, or None. `conf` contains the settings for signing. A `repr` does not show the
    claims or the token.
    """

    user: AbstractBaseUser
    request: HttpRequest | None
    claims: Mapping[str, Any] = field(repr=False)
    impersonator: object
    conf: Conf = field(default=conf, repr=False, compare=False)

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The claims with the times. `iat` is the time of the first access."""
        return with_times(self.claims, self.conf)

    @cached_property
    def token(self) -> Token:
        """The signed token, which is signed once. Raises BadSetting.

        Metabase accepts it for 180 seconds, so access it just before you send it.
        """
        return sign(self.payload, self.conf)

    def sign(self) -> None:
        """Sign the token now, so that a wrong secret raises BadSetting here and not later."""
        self.token  # noqa: B018

    def announce(self) -> None:
        """Send `token_issued`. Call it once, when the response with the token is ready.

        Exceptions of receivers are raised, so a receiver can prevent a response without an audit
        record.
        """
        token_issued.send(
            sender=self.user.__class__,
            user=self.user,
            request=self.request,
            claims=self.payload,
            impersonator=self.impersonator,
        )


GetClaims = Callable[[Any, Any], Mapping[str, Any]]


def grant_for(
    user: AbstractBaseUser,
    request: HttpRequest | None = None,
    get_claims: GetClaims | None = None,
    conf: Conf = conf,
) -> Grant:
    """Return the grant of `user`. `get_claims(user, request)` replaces the package's claims.

    Raises AccessRefused, for which the caller has to send `token_refused`, InvalidClaim,
    ImproperlyConfigured, and all exceptions of the project's callables.
    """
    impersonator = access.require_access(user, request, conf)
    if get_claims is None:
        own: Mapping[str, Any] = claims.build(user, request, conf)
    else:
        own = get_claims(user, request)
    return Grant(user, request, own, impersonator, conf)


def issue_token(user: AbstractBaseUser, request: HttpRequest | None = None) -> Token:
    """Return a signed token for `user`, with the same policy and the same claims as the view.

    The result is a str that is hidden in a `repr`. Raises AccessRefused with a `code` and a
    `message`, InvalidClaim, ImproperlyConfigured, and all exceptions of the project's callables.
    """
    try:
        grant = grant_for(user, request, conf=Snapshot())
    except AccessRefused as refusal:
        send_refused(user, request, refusal)
        raise
    grant.sign()
    grant.announce()
    return grant.token


def with_times(claims: Mapping[str, Any], conf: Conf = conf) -> dict[str, Any]:
    """Return the claims with `iat`, the present time in whole seconds, and `exp`.

    Metabase accepts a token until 180 s after `iat`. Metabase's SDK requests a new token at `exp`,
    and fails without it (metabase/metabase#63599).
    """
    now = int(time.time())
    return {**claims, "iat": now, "exp": now + conf.TOKEN_LIFETIME}


def sign(payload: Mapping[str, Any], conf: Conf = conf) -> Token:
    """Return `payload` as a token, signed with HS256 and JWT_SHARED_SECRET."""
    return signed(payload, conf.JWT_SHARED_SECRET, "JWT_SHARED_SECRET")


def signed(payload: Mapping[str, Any], secret: Secret, key: str) -> Token:
    """Return `payload` as a token, signed with HS256 and `secret`, the value of setting `key`."""
    if _is_public_key(secret):
        message = f"METABASE_SSO[{key!r}] looks like a public key instead of a secret."
        raise BadSetting("metabase_sso.E005", message, NEW_SECRET)
    content = HEADER + b"." + base64url_encode(_encode(payload).encode())  # RFC 7515, section 7.1
    signature = HS256.sign(content, secret.reveal())
    return Token((content + b"." + base64url_encode(signature)).decode())


@lru_cache(maxsize=4)  # this takes as long as half of `issue_token`
def _is_public_key(secret: Secret) -> bool:
    """Return whether PyJWT refuses the secret: an HMAC with a public key can be forged.

    Returns a bool, because an exception would show PyJWT's local variables on error pages.
    """
    try:
        HS256.prepare_key(secret.reveal())
    except InvalidKeyError:
        return True
    return False


EntityType = Literal["dashboard", "question"]
EntityId = int | str
ENTITY_TYPES: Final[tuple[EntityType, ...]] = ("dashboard", "question")
ENTITY_ID = re.compile(r"(?!\d+\Z)[A-Za-z0-9_-]{21}")
LARGEST_ID = 2**31 - 1  # Metabase's ids are 32-bit integers


def guest_token(entity_type: EntityType, entity_id: EntityId, params: object) -> Token:
    """Return a guest token for one dashboard or question, signed with EMBEDDING_SECRET_KEY.

    `entity_id` is an int, or Metabase's entity id of 21 characters. `params` is a mapping that
    contains all locked parameters; `clean_parameters` describes the values. The token is valid for
    GUEST_TOKEN_LIFETIME seconds, for anybody who has it.

    Raises InvalidEmbed for an invalid type or id, InvalidParameter for an invalid parameter, and
    BadSetting if EMBEDDING_SECRET_KEY is not set.
    """
    return guest_token_for(entity_type, entity_id, params, conf)


def guest_token_for(
    entity_type: EntityType, entity_id: EntityId, params: object, conf: Conf
) -> Token:
    """Return `guest_token` with these settings."""
    if entity_type not in ENTITY_TYPES:
        raise InvalidEmbed(f"{entity_type!r} must be 'dashboard' or 'question'.")
    payload = {
        "resource": {entity_type: clean_id(entity_id)},
        "params": parameters.clean_parameters(params),
        "exp": int(time.time()) + conf.GUEST_TOKEN_LIFETIME,
    }
    return signed(payload, guest_secret(conf), "EMBEDDING_SECRET_KEY")


def guest_secret(conf: Conf = conf) -> Secret:
    """Return EMBEDDING_SECRET_KEY. Raises BadSetting if it is not set."""
    secret = conf.EMBEDDING_SECRET_KEY
    if secret is None:
        raise BadSetting(
            "metabase_sso.E029",
            "METABASE_SSO['EMBEDDING_SECRET_KEY'] is missing. It is needed for guest embeds.",
            "Copy it from Metabase's Admin > Embedding > Guest embeds, and write"
            ' "EMBEDDING_SECRET_KEY": os.environ["METABASE_EMBEDDING_SECRET_KEY"].',
        )
    return secret


def clean_id(entity_id: object) -> EntityId:
    """Return `entity_id`. Raises InvalidEmbed unless it is a positive int or an entity id."""
    if isinstance(entity_id, int) and not isinstance(entity_id, bool):
        if 0 < entity_id <= LARGEST_ID:
            return entity_id
    elif isinstance(entity_id, str):
        if ENTITY_ID.fullmatch(entity_id):
            return str(entity_id)
        if entity_id.isdecimal():
            raise InvalidEmbed(
                f'"{entity_id}" is a string, but ids are numbers. Write {entity_id}.'
            )
    raise InvalidEmbed(
        f"{entity_id!r} is not an id. Write the number in the item's address in Metabase, or its"
        " entity id of 21 characters. (In a template, an undefined variable is ''.)"
    )
