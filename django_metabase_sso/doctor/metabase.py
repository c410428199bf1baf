"""Steps that use Metabase's public endpoints: its version, clock, secrets and sign-in."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from django_metabase_sso import tokens
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import (
    CLIENT_HEADER,
    GUEST_DASHBOARD,
    PROPERTIES,
    SERVER_SIGN_IN,
    SIGN_IN,
    TOKEN_AGE,
)
from django_metabase_sso.conf.secrets import SHORTEST_SECRET, Secret
from django_metabase_sso.doctor.remote import Answer, Remote, quote, refuse
from django_metabase_sso.doctor.report import Report
from django_metabase_sso.tokens import LARGEST_ID, Token
from django_metabase_sso.troubleshooting import (
    CORRUPT,
    EXPIRED,
    GUEST_CORRUPT,
    GUEST_EXPIRED,
    HIDDEN,
    INVALID_REDIRECT,
    MISSING_EMAIL,
    NOT_YET_VALID,
    PAID,
    SSO_DISABLED,
    TOO_OLD,
    quoted,
)

NOTICED: Final = 5  # seconds between the clocks; more is a warning
TOO_MUCH: Final = 120  # seconds; more is a fault
SDK: Final = "embedding-sdk-react"
EMBEDS: Final = {SDK: "the SDK for React", "embedding-simple": "web components (embed.js)"}
OLD: Final = "Links and iframes work. For modular embedding, run Metabase 55 or newer."
SAME_KEY: Final = "Django and Metabase have the same embedding secret key."
PREFERRING: Final = f"{SIGN_IN}?preferred_method=jwt"
TIMES: Final = (TOO_OLD, EXPIRED, NOT_YET_VALID)


class Pages(NamedTuple):
    """The names of admin pages in one version of Metabase."""

    jwt: str
    origins: str
    frames: str
    guests: str


def pages_of(version: int | None) -> Pages:
    """Return the names of the admin pages, those of version 64 if the version is unknown."""
    if version is not None and version >= 65:
        jwt, security = "Embedding hub > Authentication", "Embedding hub > Security"
        return Pages(jwt, security, security, security)
    jwt, embedding = "Admin > Settings > Authentication > JWT", "Admin > Embedding"
    origins = f"{embedding} > Cross-Origin Resource Sharing (CORS)"
    return Pages(jwt, origins, f"{embedding} > Interactive > Authorized origins", embedding)


class Properties(NamedTuple):
    """Metabase's public properties, and a `Remote` with its version."""

    remote: Remote
    answer: Answer


class Provider(NamedTuple):
    """The JWT Identity Provider URI of a Metabase."""

    remote: Remote
    uri: str

    @property
    def field(self) -> str:
        """The place of the URI in Metabase's admin pages."""
        return f"{pages_of(self.remote.version).jwt} > JWT Identity Provider URI"


def reach(report: Report, remote: Remote) -> Properties | None:
    """Ask for the version. Return None if only a proxy in front of Metabase answers."""
    answer = remote.ask("GET", PROPERTIES)
    if answer.status >= 500:
        title = f"{remote.instance} answers with status {answer.status}."
        cause = "Metabase is not running or is still starting, and a proxy in front of it answers."
        cure = (
            "Check that Metabase is running, and read its log. It needs a minute or two to start."
        )
        report.fault("instance", title, cause=cause, cure=cure)
        return None
    version = answer.json().get("version")
    tag = version.get("tag") if isinstance(version, dict) else None
    if not isinstance(tag, str):
        title = f"{remote.instance} answers, but does not state its version."
        cause = f"{PROPERTIES} has status {answer.status} and no version. It may not be Metabase."
        cure = "Open METABASE_SSO['INSTANCE_URL'] in a browser. It must show Metabase."
        if not _signs_in_as_metabase(remote):
            report.fault("instance", title, cause=cause, cure=cure)
            return None
        report.warning("instance", title, cause=cause, cure=cure)
        return Properties(remote, answer)
    report.ok("instance", f"{remote.instance} is Metabase {quoted(tag)}.")
    if tag.startswith("v0."):
        title = f"Metabase {quoted(tag)} is the open-source edition."
        cause = "The open-source edition (v0.) does not have JWT sign-in."
        cure = "Run the edition whose versions begin with v1., with a Pro or Enterprise plan."
        report.warning("edition", title, cause=cause, cure=cure)
    return Properties(remote.of_version(tag), answer)


def _signs_in_as_metabase(remote: Remote) -> bool:
    """Return whether Metabase's sign-in responds, although its properties do not."""
    answer = ask_as(remote, PREFERRING, SDK)
    is_known = answer.known() is not None or "method" in answer.json()
    return is_known or 300 <= answer.status < 400


def compare_clocks(report: Report, answer: Answer) -> None:
    """Compare the `Date` of an answer with this machine's clock."""
    try:
        written = parsedate_to_datetime(answer.header("Date")).timestamp()
    except ValueError:
        title = "Metabase's answer has no Date header, so the clocks cannot be compared."
        cause = "A proxy in front of Metabase removes the header."
        cure = f"Compare the clocks yourself. They must not differ by more than {TOO_MUCH} s."
        report.warning("clock", title, cause=cause, cure=cure)
        return
    age = answer.header("Age")  # how long a cache kept the answer, whose Date is then old
    kept = int(age) if age.isdecimal() else 0
    # The header has whole seconds, so half a second is added as the best guess.
    ahead = written + 0.5 + kept - answer.at
    if abs(ahead) <= NOTICED:
        report.ok("clock", f"The clocks agree to within {NOTICED} s.")
        return
    side = "ahead of" if ahead > 0 else "behind"
    title = f"Metabase's clock is {abs(ahead):.0f} s {side} the clock of this machine."
    cause = "At least one of the two machines does not synchronize its clock."
    cure = "Synchronize both clocks by NTP (`timedatectl` shows whether NTP is on)."
    if -TOO_MUCH <= ahead <= min(TOO_MUCH, conf.TOKEN_LIFETIME - 1):
        report.warning("clock", title, cause=cause, cure=cure)
        return
    if ahead > 0:
        cause += (
            f" Metabase refuses tokens that are {TOKEN_AGE} s old or expired by its own clock."
        )
    else:
        cause += f" Metabase therefore accepts tokens for longer than {TOKEN_AGE} s."
    report.fault("clock", title, cause=cause, cure=cure)


def compare_addresses(report: Report, properties: Properties) -> None:
    """Compare Metabase's site URL with INSTANCE_URL.

    Metabase 57 and newer checks `return_to` even without a token, which shows its site URL's host.
    """
    remote, stated = properties.remote, properties.answer.json().get("site-url")
    url = f"{remote.instance}/"
    is_known = isinstance(stated, str)
    is_other = is_known and urlsplit(str(stated)).hostname != urlsplit(url).hostname
    if not is_other and (remote.version or 0) >= 57:
        start, there = (_navigate(remote, f"{SIGN_IN}?return_to={to}") for to in ("/", url))
        is_known = is_known or start.status != 400
        is_other = there.status == 400 != start.status
    if is_other:
        title = "Metabase refuses to send users to pages of METABASE_SSO['INSTANCE_URL']."
        where = f"The site URL is {quoted(stated)}, and INSTANCE_URL is {remote.instance}."
        cause = f"{INVALID_REDIRECT.cause} {where}"
        report.fault("site-url", title, cause=cause, cure=INVALID_REDIRECT.cure)
    elif is_known:
        report.ok("site-url", f"Metabase's site URL is on the host of {remote.instance}.")
    else:
        report.skipped("site-url", "Metabase does not state its site URL.")


def discover(report: Report, remote: Remote, *, embeds: bool) -> str | None:
    """Ask for the sign-in method as embeds do, and return the Identity Provider URI.

    `embeds` is whether this project has pages that embed. Returns None if JWT sign-in does not
    work.
    """
    answers = {kind: ask_as(remote, PREFERRING, kind) for kind in EMBEDS}
    navigation = _navigate(remote, SIGN_IN)
    is_paid = navigation.status != 402
    off = [kind for kind, answer in answers.items() if is_paid and is_off(answer)]
    on = [kind for kind in answers if kind not in off]
    if off:
        report_off(report, remote, off, is_warning=bool(on) or not embeds)
    if not on:  # links and full-app frames still work
        return _provider_of(report, navigation)
    answer = answers[on[0]]
    if 300 <= answer.status < 400:
        title = "Metabase answers front ends with a redirect instead of JSON."
        cause = f"It is older than version 55, or a proxy removes the header {CLIENT_HEADER}."
        report.warning("method", title, cause=cause, cure=OLD)
        return answer.header("Location")
    method, url = answer.json().get("method"), answer.json().get("url")
    if answer.status == 200 and method == "saml":
        title = "Metabase answers `saml` even to a front end that prefers JWT."
        cause = "In Metabase, SAML is on and JWT is off."
        cure = f"Switch JWT on as well: {pages_of(remote.version).jwt}."
        report.fault("method", title, cause=cause, cure=cure)
        return None
    if answer.status != 200 or method != "jwt":
        _refuse_discovery(report, answer)
        return None
    if ask_as(remote, SIGN_IN, on[0]).json().get("method") == "saml":
        title = "JWT sign-in is on, but Metabase tells front ends to use SAML by default."
        cause = "SAML is also on in Metabase, and takes precedence."
        cure = 'Set `preferredAuthMethod: "jwt"` in the front end; {% metabase_config %} does.'
        report.warning("method", title, cause=cause, cure=cure)
    else:
        report.ok("method", "JWT sign-in is on, and Metabase tells front ends to use it.")
    return url if isinstance(url, str) else ""


def is_off(answer: Answer) -> bool:
    """Return whether the answer to an embed means that its kind is switched off."""
    return answer.status == 402 and answer.known() != PAID


def report_off(report: Report, remote: Remote, off: Sequence[str], *, is_warning: bool) -> None:
    """Report the kinds of embedding (keys of EMBEDS) that are switched off in Metabase."""
    kinds = " and ".join(EMBEDS[kind] for kind in off)
    title = f"Modular embedding with {kinds} is switched off in Metabase."
    cause = "Such pages cannot sign in. Links and full-app frames can."
    cure = f"Switch it on under {pages_of(remote.version).guests}."
    tell = report.warning if is_warning else report.fault
    tell("embedding", title, cause=cause, cure=cure)


def _provider_of(report: Report, navigation: Answer) -> str | None:
    if 300 <= navigation.status < 400:
        return navigation.header("Location")
    _refuse_discovery(report, navigation)
    return None


def _refuse_discovery(report: Report, answer: Answer) -> None:
    """Report why JWT sign-in is off. Without a token, 400 and 402 have only one meaning."""
    meaning = {400: SSO_DISABLED, 402: PAID}.get(answer.status)
    known = answer.known()
    if meaning and (known is None or known.status is None):
        quote(report, "sso", meaning)
    else:
        refuse(report, "sso", answer)


def _navigate(remote: Remote, path: str) -> Answer:
    return remote.ask("GET", path, {"Accept": "text/html"}, may_redirect=True)


def ask_as(remote: Remote, path: str, kind: str) -> Answer:
    return remote.ask("GET", path, {CLIENT_HEADER: kind}, may_redirect=True)


def compare_secrets(report: Report, remote: Remote) -> bool:
    """Send a token that contains only times, and return whether its signature is correct.

    Metabase cannot sign a user in with it. It checks the signature first, so any other refusal
    proves that the secrets are the same. Only the messages of the verification library are the
    same in all languages. If the refusal is unknown, it is therefore compared with the refusal of
    a token with another secret.
    """
    claims = tokens.with_times({})
    answer = _try(remote, tokens.sign(claims))
    known = answer.known()
    if known in TIMES:
        if not report.has("clock"):
            quote(report, "clock", known)
    elif known != MISSING_EMAIL:
        key = "JWT_SHARED_SECRET"
        other = tokens.signed(claims, Secret(secrets.token_bytes(32)), key)
        if known == CORRUPT or _try(remote, other).known() != CORRUPT:
            if known == HIDDEN:
                title = "The secrets could not be compared."
                cure = (
                    "Sign a user in with --user. If that works, both sides have the same secret."
                )
                report.warning("secret", title, cause=known.cause, cure=cure)
                return True
            trimmed = _trimmed(conf.JWT_SHARED_SECRET, key, claims)
            if trimmed and _try(remote, trimmed).known() != CORRUPT:
                _refuse_padding(report, "secret", key)
            else:
                refuse(report, "secret", answer)
            return False
    report.ok("secret", "Django and Metabase have the same secret.")
    return True


def _trimmed(secret: Secret, key: str, claims: Mapping[str, Any]) -> Token | None:
    """Return a token with the secret without padding, or None if it has no padding."""
    trimmed = secret.trimmed()
    if trimmed == secret or len(trimmed) < SHORTEST_SECRET:
        return None
    return tokens.signed(claims, trimmed, key)


def _refuse_padding(report: Report, code: str, key: str) -> None:
    title = f"{key} is Metabase's secret with white space or quotation marks around it."
    cause = "All characters of a secret count, and Metabase's secret does not have these."
    cure = f"Remove them from METABASE_SSO['{key}'], or from the place where it is read."
    report.fault(code, title, cause=cause, cure=cure)


def _try(remote: Remote, token: Token) -> Answer:
    """Return Metabase's answer to a token without a user."""
    answer = post(remote, token)
    if answer.status in {404, 405}:
        # Metabase before July 2025 does not have this path, and accepts tokens only in the query.
        answer = remote.ask("GET", f"{SIGN_IN}?jwt={token}")
    return answer


def compare_embedding_secrets(report: Report, remote: Remote) -> None:
    """Compare the keys with guest tokens for a dashboard that does not exist.

    Newer versions answer that the dashboard does not exist. Older ones first check whether guest
    embeds are on. In both cases, a token of another key is refused for its signature.
    """
    key = conf.EMBEDDING_SECRET_KEY
    if key is None:
        return
    claims = {"resource": {"dashboard": LARGEST_ID}, "params": {}, "exp": int(time.time()) + 60}
    name = "EMBEDDING_SECRET_KEY"
    answer, other = (
        remote.ask("GET", f"{GUEST_DASHBOARD}/{tokens.signed(claims, secret, name)}")
        for secret in (key, Secret(secrets.token_bytes(32)))
    )
    known = answer.known("guest embed")
    if known == GUEST_CORRUPT:
        trimmed = _trimmed(key, name, claims)
        again = remote.ask("GET", f"{GUEST_DASHBOARD}/{trimmed}") if trimmed else answer
        if again.known("guest embed") == GUEST_CORRUPT:
            quote(report, "embedding-secret", known, "Guest embeds: ")
        else:
            _refuse_padding(report, "embedding-secret", name)
    elif other.known("guest embed") == GUEST_CORRUPT:
        report.ok("embedding-secret", SAME_KEY)
        if known == GUEST_EXPIRED:
            if not report.has("clock"):
                quote(report, "clock", known, "Guest embeds: ")
        elif answer.status == 400:
            title = "Guest embeds are switched off in Metabase."
            cause = "Metabase accepts the embedding secret key, but does not show dashboards."
            _report_guests_off(report, remote, title, cause)
    elif answer.status == 400:
        title = "The embedding secret key could not be compared."
        cause = known.cause if known else "Guest embeds are probably switched off in Metabase."
        _report_guests_off(report, remote, title, cause)
    else:
        refuse(report, "embedding-secret", answer, "guest embed")


def _report_guests_off(report: Report, remote: Remote, title: str, cause: str) -> None:
    guests = pages_of(remote.version).guests
    cure = f"Switch guest embeds on under {guests}, or remove EMBEDDING_SECRET_KEY."
    report.warning("embedding-secret", title, cause=cause, cure=cure)


def post(remote: Remote, token: Token) -> Answer:
    return remote.ask("POST", SERVER_SIGN_IN, token=token)
