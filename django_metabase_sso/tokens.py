"""From a user to a signed token, and from a dashboard or question to a guest token."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    """A signed token: a str that a `repr` does not show, nor a slice or a longer str made of it.

    Many error trackers cut the local variables of a frame before they call `repr`. `str(token)`
    and `f"{token}"` are an ordinary str.
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


HS256: Final = HMACAlgorithm(HMACAlgorithm.SHA256)  # Metabase takes no other algorithm
HEADER: Final = base64url_encode(b'{"alg":"HS256","typ":"JWT"}')
# Raw UTF-8, without \u escapes: names in other scripts take half the bytes.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Grant:
    """A user who may have a token, and its claims: `grant_for` makes one.

    Neither making a grant nor signing its token sends a signal: the code that hands the token out
    calls `announce`. `claims` are without the times; `impersonator` is the member of staff who
    acts as `user`, or None; `conf` are the settings to sign by. A `repr` shows no claims and no
    token.
    """

    user: AbstractBaseUser
    request: HttpRequest | None
    claims: Mapping[str, Any] = field(repr=False)
    impersonator: object
    conf: Conf = field(default=conf, repr=False, compare=False)

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The claims with the times: `iat` is when this was first asked for."""
        return with_times(self.claims, self.conf)

    @cached_property
    def token(self) -> Token:
        """The signed token, the same each time. Raises BadSetting.

        Ask for it when it is about to be sent: Metabase accepts it for 180 seconds.
        """
        return sign(self.payload, self.conf)

    def sign(self) -> None:
        """Sign the token now: what is wrong with the secret is raised here, and not later."""
        self.token  # noqa: B018

    def announce(self) -> None:
        """Send `token_issued`: once, when the answer with the token is ready to be sent.

        Whatever a receiver raises is raised here, so that an answer without an audit record can
        be stopped.
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
    """Return what `user` may have; `get_claims(user, request)` returns claims of its own.

    Raises AccessRefused, for which the caller sends `token_refused` if it answers somebody;
    InvalidClaim; ImproperlyConfigured; and whatever the project's callables raise.
    """
    impersonator = access.require_access(user, request, conf)
    if get_claims is None:
        own: Mapping[str, Any] = claims.build(user, request, conf)
    else:
        own = get_claims(user, request)
    return Grant(user, request, own, impersonator, conf)


def issue_token(user: AbstractBaseUser, request: HttpRequest | None = None) -> Token:
    """Return a signed token for `user`, by the same policy and with the same claims as the view.

    The result is a str that hides itself in a `repr`. Raises AccessRefused with a `code` and a
    `message`; InvalidClaim; ImproperlyConfigured; and whatever the project's callables raise.
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
    """Return the claims with `iat`, now in whole seconds, and `exp`.

    `iat` limits the use of one token to 180 s. `exp` is how long Metabase's SDK waits before it
    asks again, and the SDK fails without it (metabase/metabase#63599).
    """
    now = int(time.time())
    return {**claims, "iat": now, "exp": now + conf.TOKEN_LIFETIME}


def sign(payload: Mapping[str, Any], conf: Conf = conf) -> Token:
    """Return `payload` as a token, signed HS256 with JWT_SHARED_SECRET."""
    return signed(payload, conf.JWT_SHARED_SECRET, "JWT_SHARED_SECRET")


def signed(payload: Mapping[str, Any], secret: Secret, key: str) -> Token:
    """Return `payload` as a token, signed HS256 with `secret`, which is the setting `key`."""
    token = _encoded(_encode(payload).encode(), secret)
    if token is None:
        message = f"METABASE_SSO[{key!r}] looks like a public key, not like a secret."
        raise BadSetting("metabase_sso.E005", message, NEW_SECRET)
    return token


def _encoded(payload: bytes, secret: Secret) -> Token | None:
    """Return header, payload and signature (RFC 7515, section 7.1); None for a public key."""
    content = HEADER + b"." + base64url_encode(payload)
    try:
        signature = HS256.sign(content, HS256.prepare_key(secret.reveal()))
    except InvalidKeyError:
        return None
    return Token((content + b"." + base64url_encode(signature)).decode())


EntityType = Literal["dashboard", "question"]
EntityId = int | str
ENTITY_TYPES: Final[tuple[EntityType, ...]] = ("dashboard", "question")
ENTITY_ID = re.compile(r"(?!\d+\Z)[A-Za-z0-9_-]{21}")
LARGEST_ID = 2**31 - 1  # Metabase's ids are 32-bit integers


def guest_token(entity_type: EntityType, entity_id: EntityId, params: object) -> Token:
    """Return a token for one dashboard or question, signed with EMBEDDING_SECRET_KEY.

    `entity_id` is an int or Metabase's entity id of 21 characters, which is signed as it is;
    `params` is a mapping that names every locked parameter (`clean_parameters` says what its
    values may be). The token is good for GUEST_TOKEN_LIFETIME seconds, for everybody who has it.

    Raises InvalidEmbed for a wrong type or id, InvalidParameter for a wrong parameter, and
    BadSetting without EMBEDDING_SECRET_KEY.
    """
    return guest_token_for(entity_type, entity_id, params, conf)


def guest_token_for(
    entity_type: EntityType, entity_id: EntityId, params: object, conf: Conf
) -> Token:
    """Return `guest_token` by these settings."""
    if entity_type not in ENTITY_TYPES:
        raise InvalidEmbed(f"{entity_type!r}: a guest embed is a 'dashboard' or a 'question'.")
    payload = {
        "resource": {entity_type: clean_id(entity_id)},
        "params": parameters.clean_parameters(params),
        "exp": int(time.time()) + conf.GUEST_TOKEN_LIFETIME,
    }
    return signed(payload, guest_secret(conf), "EMBEDDING_SECRET_KEY")


def guest_secret(conf: Conf = conf) -> Secret:
    """Return EMBEDDING_SECRET_KEY; BadSetting when it is not set."""
    secret = conf.EMBEDDING_SECRET_KEY
    if secret is None:
        raise BadSetting(
            "metabase_sso.E029",
            "METABASE_SSO['EMBEDDING_SECRET_KEY'] is missing, and signs guest embeds.",
            "Copy it from Metabase's Admin > Embedding > Guest embeds, and write"
            ' "EMBEDDING_SECRET_KEY": os.environ["METABASE_EMBEDDING_SECRET_KEY"].',
        )
    return secret


def clean_id(entity_id: object) -> EntityId:
    """Return `entity_id`; InvalidEmbed unless it is a positive int or an entity id."""
    if isinstance(entity_id, int) and not isinstance(entity_id, bool):
        if 0 < entity_id <= LARGEST_ID:
            return entity_id
    elif isinstance(entity_id, str):
        if ENTITY_ID.fullmatch(entity_id):
            return str(entity_id)
        if entity_id.isdecimal():
            raise InvalidEmbed(f'"{entity_id}" is text, and ids are numbers: write {entity_id}.')
    raise InvalidEmbed(
        f"{entity_id!r} is not an id: write the number in the item's address in Metabase, or its"
        " entity id of 21 characters (in a template, a variable that is not there is '')."
    )
