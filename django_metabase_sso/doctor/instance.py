"""Is the instance there, which version is it, and what are its clock and its own address?"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

from django_metabase_sso.doctor.answers import Answer
from django_metabase_sso.doctor.findings import Finding, Step
from django_metabase_sso.doctor.network import Remote
from django_metabase_sso.troubleshooting import INVALID_REDIRECT, quoted

PROPERTIES = "/api/session/properties"  # for anybody
NOTICED = 5  # seconds: above, there is a warning
TOO_MUCH = 120  # seconds: above, a fault. Metabase takes a token for 180 s


def reach(remote: Remote) -> Step[Answer | None]:
    """Ask for the version; learn the answer: None when only a proxy gave one."""
    answer = remote.ask("GET", PROPERTIES)
    if answer.status >= 500:
        title = f"{remote.instance} answers with status {answer.status}."
        cause = "The proxy in front of Metabase works and Metabase does not, or it is starting."
        cure = "Look whether Metabase runs, and into its log; a start takes a minute or two."
        yield Finding("fault", "instance", title, cause, cure)
        return None
    version = answer.json().get("version")
    tag = version.get("tag") if isinstance(version, dict) else None
    if not isinstance(tag, str):
        title = f"{remote.instance} answers, and does not say which version it is."
        cause = (
            f"{PROPERTIES} has status {answer.status} and no version: this may not be Metabase."
        )
        cure = "Open METABASE_SSO['INSTANCE_URL'] in a browser: Metabase must be there."
        yield Finding("warning", "instance", title, cause, cure)
        return answer
    yield Finding("ok", "instance", f"{remote.instance} is Metabase {quoted(tag)}.")
    if tag.startswith("v0."):
        cause = "Versions that begin with v0. are the open-source build, without JWT sign-in."
        cure = "Run the build that begins with v1., with a Pro or Enterprise plan."
        yield Finding("warning", "edition", f"It is {quoted(tag)}.", cause, cure)
    return answer


def compare_clocks(properties: Answer) -> Step[None]:
    """Compare the `Date` of an answer with our clock."""
    try:
        written = parsedate_to_datetime(properties.header("Date")).timestamp()
    except ValueError:
        title = "Metabase's answer has no Date header, so the clocks cannot be compared."
        cause = "A proxy in front of it takes the header off."
        cure = "Compare the clocks of the two machines by hand: 120 s apart, sign-ins fail."
        yield Finding("warning", "clock", title, cause, cure)
        return
    age = properties.header("Age")  # how long a cache kept the answer, whose Date is then old
    kept = int(age) if age.isdecimal() else 0
    # The header has whole seconds; half of one is the best guess at what was cut off.
    yield _judged_clock(written + 0.5 + kept - properties.at)


def compare_addresses(remote: Remote, properties: Answer) -> Step[None]:
    """Ask Metabase to send somebody, who has no token, on to INSTANCE_URL afterwards."""
    url = f"{remote.instance}/"
    path = f"/auth/sso?return_to={quote(url, safe=':/')}"
    answer = remote.ask("GET", path, {"Accept": "text/html"}, may_redirect=True)
    stated = properties.json().get("site-url")
    is_other = isinstance(stated, str) and urlsplit(stated).hostname != urlsplit(url).hostname
    if is_other or INVALID_REDIRECT.text in answer.text():
        title = f"Metabase says, to a page of its own: {INVALID_REDIRECT.text}"
        where = f"It is {quoted(stated)}, and METABASE_SSO['INSTANCE_URL'] is {remote.instance}."
        cause = f"{INVALID_REDIRECT.cause} {where}"
        yield Finding("fault", "site-url", title, cause, INVALID_REDIRECT.cure)
    else:
        yield Finding("ok", "site-url", f"Metabase takes {url} for its own address.")


def _judged_clock(ahead: float) -> Finding:
    if abs(ahead) <= NOTICED:
        return Finding("ok", "clock", f"The clocks agree to within {NOTICED} s.")
    title = f"Metabase's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours."
    cause = "One of the two machines does not keep its clock by NTP."
    cure = "Set both clocks by NTP (`timedatectl` shows whether it is on)."
    if abs(ahead) <= TOO_MUCH:
        return Finding("warning", "clock", title, cause, cure)
    if ahead > 0:
        cause += " Our tokens look old to Metabase: Token is older than max-age (180)."
    else:
        cause += " Metabase takes our tokens for longer than the 180 s that limit their use."
    return Finding("fault", "clock", title, cause, cure)
