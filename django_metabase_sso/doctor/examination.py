"""The steps of the doctor in their order, and which of them need what another one found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.conf import settings

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor import (
    cookies,
    cors,
    discovery,
    endpoint,
    exchange,
    instance,
    project,
    provider,
)
from django_metabase_sso.doctor.findings import Finding, Step, attempt, skipped
from django_metabase_sso.doctor.network import Remote
from django_metabase_sso.exceptions import BadSetting

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def known_origins() -> list[str]:
    """Return the origins in ALLOWED_ORIGINS that name one; none when the setting is bad."""
    try:
        return [entry.text for entry in conf.ALLOWED_ORIGINS if not entry.wildcard]
    except BadSetting:
        return []


def examine(
    origins: Sequence[str], user: AbstractBaseUser | None, timeout: float
) -> Iterator[Finding]:
    """Yield what is found.

    `origins` are pages that embed; `user` is signed in to Metabase, and without one no account
    there is made or changed; `timeout` is how many seconds each request may take.
    """
    url = yield from attempt("settings", project.settings())
    can_sign = yield from attempt("secret-length", project.secret())
    provider_uri = None
    if url is None:
        yield skipped("instance", "the Metabase instance", "INSTANCE_URL cannot be read.")
    else:
        remote = Remote(url, timeout)
        provider_uri = yield from _metabase(remote, origins, user, can_sign=bool(can_sign))
    if not isinstance(getattr(settings, "METABASE_SSO", None), dict):
        yield skipped("endpoint", "our own endpoint", "There is no METABASE_SSO.")
    else:
        yield from _ourselves(provider_uri, origins, timeout)


def _metabase(
    remote: Remote, origins: Sequence[str], user: AbstractBaseUser | None, *, can_sign: bool
) -> Step[str | None]:
    """Look at Metabase; learn the Identity Provider URI when it is ours."""
    properties = yield from attempt("instance", instance.reach(remote))
    if properties is None:
        what = "Metabase's settings, clock, CORS and secret, and any sign-in"
        yield skipped("sso", what, "It does not answer.")
        return None
    yield from attempt("clock", instance.compare_clocks(properties))
    yield from attempt("embedding-secret", exchange.compare_embedding_secrets(remote))
    yield from attempt("site-url", instance.compare_addresses(remote, properties))
    for origin in origins:
        yield from attempt("metabase-cors", cors.judge_metabase(remote, origin))
    uri = yield from attempt("sso", discovery.discover(remote, embeds=bool(origins)))
    if uri is None:
        why = "JWT sign-in does not answer."
        yield skipped("secret", "the Identity Provider URI, the secret and any sign-in", why)
        return None
    own_uri = yield from attempt("identity-provider", provider.judge(uri))
    if can_sign:
        is_same = yield from attempt("secret", exchange.compare_secrets(remote))
    else:
        is_same = False
        yield skipped("secret", "the secret", "JWT_SHARED_SECRET cannot sign.")
    if user is not None and is_same:
        yield from attempt("exchange", exchange.sign_in(remote, user))
    elif user is not None:
        yield skipped("exchange", "signing in", "Metabase would not take the token.")
    return own_uri


def _ourselves(
    provider_uri: str | None, origins: Sequence[str], timeout: float
) -> Iterator[Finding]:
    """Look at this project; without the Identity Provider URI its own address is guessed."""
    address = yield from attempt("endpoint", endpoint.locate(provider_uri))
    if address is not None:
        yield from attempt("endpoint", endpoint.judge(address))
        for origin in origins:
            yield from attempt("our-cors", cors.judge_ours(address, origin))
            yield from attempt("cookie", cookies.judge(address, origin))
    if not origins:
        why = "Give --origin, or name the origins in METABASE_SSO['ALLOWED_ORIGINS']."
        yield skipped("cors", "CORS and cookies of pages that embed", why)
    if provider_uri is None:
        why = "The Identity Provider URI is not known, or not ours."
        yield skipped("cache", "what is between browsers and our endpoint", why)
    else:
        yield from attempt("cache", endpoint.judge_caches(provider_uri, timeout))
