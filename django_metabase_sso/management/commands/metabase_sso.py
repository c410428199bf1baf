"""`manage.py metabase_sso` and its subcommands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import DatabaseError

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor.examine import examine, known_origins
from django_metabase_sso.doctor.explain import AccountNow, Explanation, account_now, explain
from django_metabase_sso.doctor.report import Finding, Report, what_raised
from django_metabase_sso.exceptions import AccessRefused, BadSetting, InvalidClaim, MetabaseError
from django_metabase_sso.identity import users
from django_metabase_sso.management.arguments import ARGUMENTS, add_base_options
from django_metabase_sso.tokens import issue_token
from django_metabase_sso.troubleshooting import Refusal, quoted

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

BEFOREHAND = (
    "This signs user {key} in to Metabase: it creates or reactivates the account there, and"
    " changes its names, groups and attributes."
)
AFTERWARDS = (
    "Next: `manage.py metabase_sso explain USER` says who a user would be in Metabase, or why they"
    " do not get a token. `manage.py metabase_sso doctor --user USER` signs them in."
)
ASKED_WITHIN = 10.0  # seconds for all requests of `explain` to Metabase
WORDS = {"ok": "note", "skipped": "because"}
STYLES = {"ok": "SUCCESS", "warning": "WARNING", "fault": "ERROR", "skipped": "NOTICE"}


class Command(BaseCommand):
    """Parses the arguments and prints the results of `django_metabase_sso.doctor`."""

    help = "Finds out why signing in to Metabase fails, and sets up and administers Metabase."
    requires_system_checks = ()  # the doctor reports them itself

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="subcommand", required=True)
        for name, (text, add) in ARGUMENTS.items():
            subparser = commands.add_parser(name, help=text)
            add(subparser)
            add_base_options(subparser)

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["subcommand"]
        if name == "doctor":
            self.doctor(options)
        elif name == "explain":
            self.explain(options)
        else:
            administer(name, options, self.stdout, self.stderr)

    def doctor(self, options: dict[str, Any]) -> None:
        """Print the findings one by one, and exit with 1 if one of them is a fault."""
        user = None if options["user"] is None else find(options["user"])
        origins = [options["origin"]] if options["origin"] else known_origins()
        if user is not None:
            stream = self.stderr if options["json"] else self.stdout
            stream.write(BEFOREHAND.format(key=user.pk))
        report = Report(self.ignore if options["json"] else self.show)
        examine(report, origins, user, options["timeout"], options["proxy"])
        if options["json"]:
            self.stdout.write(
                json.dumps({"findings": list(map(asdict, report.findings))}, indent=2)
            )
        elif user is None:
            self.stdout.write(AFTERWARDS)
        if any(finding.level == "fault" for finding in report.findings):
            sys.exit(1)

    def explain(self, options: dict[str, Any]) -> None:
        """Print what Metabase does with each claim, or why the user does not get a token.

        With --token, the last line is a token. Exits with 1 if the user does not get a token.
        """
        user = find(options["user"])
        token = None
        try:
            explanation = explain(user)
            if options["token"]:
                with suppress(AccessRefused, InvalidClaim):  # the explanation says why
                    token = issue_token(user)
        except BadSetting as bad:
            raise CommandError(str(bad)) from None
        except Exception as error:
            message = quoted(what_raised(error), None)
            raise CommandError(f"{message} Add --traceback for the details.") from error
        if options["json"]:
            known = {"user": str(user.pk), **asdict(explanation)}
            if options["token"]:
                known["token"] = token
            account, problem = account_of(user)
            if account is not None or problem:
                known["account"] = asdict(account) if account else None
                known["account_problem"] = problem
            self.stdout.write(json.dumps(known, indent=2))
        else:
            self.stdout.write("\n".join([*lines_of(explanation), *account_lines(user)]))
            if token is not None:
                self.stdout.write(token)
        if explanation.refusal:
            sys.exit(1)

    def show(self, finding: Finding) -> None:
        """Print a finding, with its cause and its cure below it."""
        style = getattr(self.style, STYLES[finding.level])
        self.stdout.write(f"{style(finding.level.ljust(8))} {quoted(finding.title, None)}")
        word = WORDS.get(finding.level, "cause")
        for key, text in ((word, finding.cause), ("do", finding.cure)):
            for line in f"{key}: {text}".split("\n") if text else ():
                self.stdout.write(f"{' ' * 9}{quoted(line, None)}")
        self.stdout.flush()

    def ignore(self, finding: Finding) -> None:
        """Print nothing, because --json prints all findings at the end."""


def administer(name: str, options: dict[str, Any], out: OutputWrapper, err: OutputWrapper) -> None:
    """Run a command that needs an API key. Raises CommandError without the extra `client`."""
    try:
        from django_metabase_sso.management import administration
    except ImportError as error:
        raise CommandError(str(error), returncode=2) from None
    administration.run(name, options, out, err)


def find(text: str) -> AbstractBaseUser:
    """Return the user. Raises CommandError if there is not exactly one, or without a database."""
    try:
        return users.find_user(text)
    except users.NotOnePerson as error:
        raise CommandError(str(error)) from None
    except DatabaseError as error:
        raise CommandError(f"Users could not be read from the database: {error}") from error


def lines_of(explanation: Explanation) -> Iterator[str]:
    """Yield the lines of an explanation."""
    if explanation.refusal:
        yield "This user does not get a token."
        yield from refusal_lines(explanation.refusal)
        return
    for row in explanation.rows:
        claim, value = quoted(row.claim, None), quoted(row.value, None)
        yield f"{claim:20} {value:30} {row.effect}: {row.why}"
    yield f"The redirect to Metabase has {explanation.redirect_bytes} bytes, for return_to=/."
    if explanation.too_large:
        yield "Links and full-app frames do not get a token; the SDK and web components do."
        yield from refusal_lines(explanation.too_large)


def account_of(user: AbstractBaseUser) -> tuple[AccountNow | None, str]:
    """Return the account in Metabase, and why it is missing. Without a key, return neither."""
    try:
        if conf.API_KEY is None:
            return None, ""
        found = account_now(user, ASKED_WITHIN)
    except (AccessRefused, BadSetting, ImportError, MetabaseError) as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - API_KEY may be a callable
        return None, what_raised(error)
    return found, "" if found else "The user does not have an account yet."


def account_lines(user: AbstractBaseUser) -> Iterator[str]:
    """Yield the present state of the user's account in Metabase, if there is an API key."""
    account, problem = account_of(user)
    if problem:
        yield f"Account in Metabase: {quoted(problem, None)}"
    if account is None:
        return
    state = "active" if account.is_active else "deactivated"
    groups = quoted(", ".join(account.groups), None)
    source = account.sso_source or "password"
    yield f"Account in Metabase: {account.id}, {state}, signs in with {source}, in {groups}."
    for key, value in account.typed.items():
        text = f"{key} = {value}: set by an administrator in Metabase, which overrides the token."
        yield f"Attribute in Metabase: {quoted(text, None)}"


def refusal_lines(refusal: Refusal) -> Iterator[str]:
    """Yield the cause and the cure."""
    yield f"  cause: {refusal.message} ({refusal.code})"
    yield f"  do: {refusal.cure}"
