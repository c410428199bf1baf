"""Is the instance there, which version is it, and what does it think its address is?"""

from __future__ import annotations

from typing import cast
from urllib.parse import quote, urlsplit

from django_metabase_sso.doctor.findings import Finding, Problem, Step
from django_metabase_sso.doctor.remote import Answer, Remote, quoted
from django_metabase_sso.error_texts import ErrorText, lookup

PROPERTIES = "/api/session/properties"  # for anybody
INVALID = "Invalid redirect URL"


def reach(remote: Remote) -> Step[Answer]:
    """Ask for the version; learn the answer. Problem when there is none, or none of Metabase's."""
    answer = remote.get(PROPERTIES)
    if answer.status >= 500:
        raise Problem(
            Finding(
                "fault",
                "instance",
                f"{remote.instance} answers with status {answer.status}.",
                "The proxy in front of Metabase works and Metabase does not, or it is starting.",
                "Look whether Metabase runs, and into its log; a start takes a minute or two.",
            )
        )
    version = answer.json().get("version")
    tag = version.get("tag") if isinstance(version, dict) else None
    if not isinstance(tag, str):
        return Step([_unknown_version(remote, answer)], answer)
    found = [Finding("ok", "instance", f"{remote.instance} is Metabase {quoted(tag)}.")]
    if tag.startswith("v0."):
        cause = "Versions that begin with v0. are the open-source build, without JWT sign-in."
        cure = "Run the build that begins with v1., with a Pro or Enterprise plan."
        found.append(Finding("warning", "edition", f"It is {quoted(tag)}.", cause, cure))
    return Step(found, answer)


def site_url(remote: Remote, properties: Answer) -> Step[None]:
    """Ask Metabase to send somebody, who has no token, on to INSTANCE_URL afterwards."""
    url = f"{remote.instance}/"
    path = f"/auth/sso?return_to={quote(url, safe=':/')}"
    answer = remote.ask("GET", path, {"Accept": "text/html"}, may_redirect=True)
    stated = properties.json().get("site-url")
    is_other = isinstance(stated, str) and urlsplit(stated).hostname != urlsplit(url).hostname
    if is_other or INVALID in answer.raw.body.decode(errors="replace"):
        where = f"It is {quoted(stated)}, and METABASE_SSO['INSTANCE_URL'] is {remote.instance}."
        title = f"Metabase says, to a page of its own: {INVALID}"
        row = cast("ErrorText", lookup(INVALID))
        return Step([Finding("fault", "site-url", title, f"{row.cause} {where}", row.cure)])
    return Step([Finding("ok", "site-url", f"Metabase takes {url} for its own address.")])


def _unknown_version(remote: Remote, answer: Answer) -> Finding:
    return Finding(
        "warning",
        "instance",
        f"{remote.instance} answers, and does not say which version it is.",
        f"{PROPERTIES} has status {answer.status} and no version: this may not be Metabase.",
        "Open METABASE_SSO['INSTANCE_URL'] in a browser: Metabase must be there.",
    )
