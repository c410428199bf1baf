"""The steps of the doctor in their order, and which of them need what another one found."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings as django_settings

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor import (
    caches,
    clock,
    cookies,
    cors,
    discovery,
    endpoint,
    exchange,
    handler,
    instance,
    project,
    provider,
    secret,
)
from django_metabase_sso.doctor.findings import Finding, Step, attempt, skipped
from django_metabase_sso.doctor.remote import Remote
from django_metabase_sso.exceptions import BadSetting

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


@dataclass(frozen=True)
class Question:
    """What to examine: `origins` are pages that embed, `user` is signed in, None for nobody.

    `timeout` is how many seconds each request may take.
    """

    origins: tuple[str, ...] = ()
    user: AbstractBaseUser | None = None
    timeout: float = 5


def known_origins() -> tuple[str, ...]:
    """Return the origins in ALLOWED_ORIGINS that name one; none when the setting is bad."""
    try:
        return tuple(entry.text for entry in conf.ALLOWED_ORIGINS if not entry.wildcard)
    except BadSetting:
        return ()


def examine(question: Question) -> Iterator[Finding]:
    """Yield what is found. Without a `user` no account in Metabase is made or changed."""
    settings = project.settings()
    yield from settings.findings
    signing = attempt("secret-length", project.secret)
    yield from signing.findings
    own_uri: str | None = None
    if settings.learned is None:
        yield skipped("instance", "the Metabase instance", "INSTANCE_URL cannot be read.")
    else:
        remote = Remote(settings.learned, question.timeout)
        own_uri = yield from _metabase(remote, question, can_sign=bool(signing.learned))
    if not isinstance(getattr(django_settings, "METABASE_SSO", None), dict):
        yield skipped("endpoint", "our own endpoint", "There is no METABASE_SSO.")
    else:
        yield from _ourselves(question, own_uri)


def _metabase(
    remote: Remote, question: Question, *, can_sign: bool
) -> Generator[Finding, None, str | None]:
    """Yield what Metabase answers; return the Identity Provider URI when it is ours."""
    reached = attempt("instance", partial(instance.reach, remote))
    yield from reached.findings
    if reached.learned is None:
        what = "Metabase's settings, clock, CORS and secret, and any sign-in"
        yield skipped("sso", what, "It does not answer.")
        return None
    yield from attempt("clock", partial(clock.compare, reached.learned)).findings
    compare_embedding = partial(secret.compare_embedding, remote)
    yield from attempt("embedding-secret", compare_embedding).findings
    yield from attempt("site-url", partial(instance.site_url, remote, reached.learned)).findings
    for origin in question.origins:
        yield from attempt("metabase-cors", partial(cors.judge, remote, origin)).findings
    ask = partial(discovery.discover, remote, embeds=bool(question.origins))
    discovered = attempt("sso", ask)
    yield from discovered.findings
    if discovered.learned is None:
        why = "JWT sign-in does not answer."
        yield skipped("secret", "the Identity Provider URI, the secret and any sign-in", why)
        return None
    judged = attempt("identity-provider", partial(provider.judge, discovered.learned))
    yield from judged.findings
    yield from _tokens(remote, question, can_sign=can_sign)
    return judged.learned


def _tokens(remote: Remote, question: Question, *, can_sign: bool) -> Iterator[Finding]:
    compared = Step[bool]([skipped("secret", "the secret", "JWT_SHARED_SECRET cannot sign.")])
    if can_sign:
        compared = attempt("secret", partial(secret.compare, remote))
    yield from compared.findings
    if question.user is None:
        return
    if compared.learned:
        yield from attempt("exchange", partial(exchange.sign_in, remote, question.user)).findings
    else:
        yield skipped("exchange", "signing in", "Metabase would not take the token.")


def _ourselves(question: Question, own_uri: str | None) -> Iterator[Finding]:
    """Yield how this project answers; without the Identity Provider URI its host is guessed."""
    located = attempt("endpoint", lambda: Step([], handler.address_of(own_uri)))
    yield from located.findings
    address = located.learned
    if address is None:
        yield skipped("endpoint", "our own endpoint", "Its URL is not known.")
    else:
        yield from attempt("endpoint", partial(endpoint.answers, address)).findings
        for origin in question.origins:
            yield from attempt("our-cors", partial(endpoint.judge_cors, address, origin)).findings
            yield from attempt("cookie", partial(cookies.judge, address, origin)).findings
    if not question.origins:
        why = "Give --origin, or name the origins in METABASE_SSO['ALLOWED_ORIGINS']."
        yield skipped("cors", "CORS and cookies of pages that embed", why)
    if own_uri is None:
        why = "The Identity Provider URI is not known, or not ours."
        yield skipped("cache", "what is between browsers and our endpoint", why)
    else:
        yield from attempt("cache", partial(caches.judge, own_uri, question.timeout)).findings
