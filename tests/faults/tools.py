"""Runs the tools that report faults, in the order in which a developer would try them."""

from __future__ import annotations

import json
import logging
import re
import ssl
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from django.core.checks import registry
from django.core.management import CommandError
from django.test import override_settings

from django_metabase_sso.troubleshooting import lookup
from tests.faults.working import Working
from tests.helpers.commands import run

CHECK, DEPLOY = "`manage.py check`", "`check --deploy`"
DATABASE = "`check --database default`"
DOCTOR, USER, EXPLAIN = "`doctor`", "`doctor --user`", "`explain`"
PAGE, ANSWER = "the page, with `DEBUG`", "the log"
METABASE = "Metabase's answer"
TOOLS: Final = (CHECK, DEPLOY, DATABASE, DOCTOR, EXPLAIN, USER, PAGE, ANSWER, METABASE)
PREFIX: Final = "metabase_sso."


class Said(NamedTuple):
    """A finding of a tool: the id of a check or a code, the message, and what to do."""

    name: str
    message: str
    cure: str


Everything = dict[str, list[Said]]


def ask_all(working: Working) -> Everything:
    """Return the findings of each tool. For a working site, all lists are empty."""
    said: Everything = {tool: [] for tool in TOOLS}
    said.update(checks())
    known = [entry for tool in (CHECK, DEPLOY) for entry in said[tool]]
    for entry in doctor(working):
        said[USER if entry.name.startswith("--user ") else DOCTOR].append(
            entry._replace(name=entry.name.removeprefix("--user "))
        )
    said[ANSWER] += logged(working)
    said[METABASE] += guests(working)
    said[EXPLAIN] += same_words(explain(working), known)
    said[PAGE] += same_words(page(working), known)
    return said


def checks() -> Everything:
    """Run this package's system checks."""
    found: Everything = {CHECK: [], DEPLOY: [], DATABASE: []}
    always = registry.registry.get_checks()
    for check in registry.registry.get_checks(include_deployment_checks=True):
        if not check.__module__.startswith("django_metabase_sso."):
            continue
        tool = CHECK if check in always else DEPLOY
        tool = DATABASE if "database" in getattr(check, "tags", ()) else tool
        messages: Any = check(app_configs=None, databases=["default"])
        found[tool] += [
            Said(str(message.id).removeprefix(PREFIX), str(message.msg), str(message.hint))
            for message in messages
            if not message.is_silenced()
        ]
    return found


def doctor(working: Working) -> Iterator[Said]:
    """Run the doctor for the user. Findings of the sign-in have `--user` before their name."""
    origin = ["--origin", working.origin]
    user = ["--user", f"pk={working.user.pk}"]
    try:
        _, out, _ = run("doctor", "--json", "--timeout", "30", *user, *origin)
    except CommandError as error:
        yield Said("--user error", str(error), "")
        _, out, _ = run("doctor", "--json", "--timeout", "30", *origin)
    for finding in json.loads(out)["findings"]:
        if finding["level"] in {"ok", "skipped"}:
            continue
        name = finding["code"].removeprefix(PREFIX)
        if name == "exchange":
            code = re.search(r"\(([\w-]+)\)\.$", finding["title"])
            name = f"--user {code[1] if code else name}"
        yield Said(name, f"{finding['title']} {finding['cause']}", finding["cure"])


def explain(working: Working) -> Iterator[Said]:
    try:
        _, out, _ = run("explain", "--json", f"pk={working.user.pk}")
    except CommandError as error:
        yield Said("error", str(error), str(error))
        return
    found = json.loads(out)
    for key in ("refusal", "too_large"):
        if found[key]:
            yield Said(found[key]["code"], found[key]["message"], found[key]["cure"])


def page(working: Working) -> Iterator[Said]:
    """Return what a browser shows in place of the components while DEBUG is on."""
    with override_settings(DEBUG=True):
        html = working.page()
    if not html.startswith("<"):
        yield Said(html.partition(":")[0], html, html.partition(": ")[2])
        return
    notice = re.search(r"<slot>(.*?)</slot>", html)
    scripts = re.findall(r'<script[^>]* src="([^"]+)"', html)
    if notice and (not scripts or not all(answers(working, url) for url in scripts)):
        yield Said("notice", notice[1], notice[1])


class Kept(logging.Handler):
    """Keeps the records of this package's logger."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def logged(working: Working) -> Iterator[Said]:
    """Sign the user in, and return the log records."""
    logger, kept = logging.getLogger("django_metabase_sso"), Kept()
    logger.addHandler(kept)
    try:
        working.sign_in()
    finally:
        logger.removeHandler(kept)
    for record in kept.records:
        yield Said(vars(record)["code"], record.getMessage(), record.getMessage())


def guests(working: Working) -> Iterator[Said]:
    """Ask Metabase for the guest embeds of the page, as the browser does."""
    for kind, token in re.findall(r'<metabase-(\w+) token="([^"]+)"', working.page()):
        status, _, text = working.ask("GET", f"/api/embed/{kind}/{token}", {})
        row = lookup(text, "guest embed")
        if row:
            yield Said(f"{row.text} ...", f"{status} {row.cause}", row.cure)


def answers(working: Working, url: str) -> bool:
    """Return whether the server has this script."""
    if url.startswith("/"):
        url = f"{working.site.url}{url}"
    try:
        # A context for each call: urlopen's own keeps the authorities of its first call.
        with urlopen(url, timeout=30, context=ssl.create_default_context()):
            return True
    except (HTTPError, URLError):
        return False


def same_words(found: Iterator[Said], known: list[Said]) -> list[Said]:
    """Replace a finding that repeats the message of a check by the finding of that check."""
    return [next((one for one in known if one.message in entry.message), entry) for entry in found]
