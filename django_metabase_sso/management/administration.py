"""`manage.py metabase_sso setup`, `sync` and `end-sessions`.

Their exit status is 0 if nothing is left to do, 1 if there is something to do, and 2 if Metabase
could not be asked or the command refused to act.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import CommandError, OutputWrapper

from django_metabase_sso import accounts
from django_metabase_sso.administration import setup as settings
from django_metabase_sso.administration import sync as accounts_sync
from django_metabase_sso.administration.api import NEWEST, Api, opened
from django_metabase_sso.administration.setup import Plan, Setting
from django_metabase_sso.administration.sync import Row, TooMany
from django_metabase_sso.conf import conf
from django_metabase_sso.exceptions import AccessRefused, BadSetting, MetabaseError
from django_metabase_sso.http.endpoints import path_of
from django_metabase_sso.identity.users import find_user

MISSING_KEY: Final = (
    "The present values in Metabase are unknown, because METABASE_SSO['API_KEY'] is not set."
)
GROUP_SYNC: Final = (
    "Group synchronization removes memberships: at each sign-in, the list of groups in the token"
    " replaces all of the user's groups in Metabase. This includes administrators."
)
MANY: Final = (
    "More than {most} accounts would be deactivated, so nothing was done. Check that this is the"
    " right Metabase, and that this Django site has all of its users. To allow more, use --most."
)


def setup(options: dict[str, Any], stdout: OutputWrapper, stderr: OutputWrapper) -> int:
    """Print the settings for Metabase, write them with --apply, and return the exit status."""
    named = {*options["set"], *options["replace"]}
    if options["sync_groups"]:
        stderr.write(GROUP_SYNC)
    connection: AbstractContextManager[Api | None] = nullcontext()
    if conf.API_KEY is not None:
        connection = opened()
    elif options["apply"]:
        text = "--apply needs METABASE_SSO['API_KEY'], an API key of the group Administrators."
        raise CommandError(text, returncode=2)
    with connection as api:
        version = NEWEST if api is None else api.version()
        wants = _wanted(options, version, named)
        found = settings.plan(api, version, wants, named)
        applied: list[str] = []
        problem: MetabaseError | None = None
        if api is not None and options["apply"]:
            applied, problem = settings.apply(api, found, wants)
            found = settings.plan(api, version, wants, named)  # read back
    _print_plan(options, found, applied, stdout)
    if api is None and not options["json"]:
        stderr.write(MISSING_KEY)
    if problem is not None:
        written = ", ".join(applied) or "nothing"
        raise CommandError(f"{problem} Written before the error: {written}.", returncode=2)
    return 1 if found.to_do() else 0


def sync(options: dict[str, Any], stdout: OutputWrapper, stderr: OutputWrapper) -> int:
    """Print Metabase's accounts, deactivate with --apply, and return the exit status."""
    writer = JSONRows(stdout) if options["json"] else TextRows(stdout)
    progress = _progress(stderr) if stdout.isatty() and not options["json"] else _no_progress
    problem: MetabaseError | None = None
    left = 0
    most = options["most"] if options["apply"] else None
    with opened() as api:
        found = accounts_sync.rows(
            api,
            unknown=options["unknown"],
            only={address.strip().lower() for address in options["only"]},
            progress=progress,
        )
        try:
            due = accounts_sync.collect(found, most, writer.row)
        except TooMany:
            writer.end()
            raise CommandError(MANY.format(most=options["most"]), returncode=2) from None
        if not options["apply"]:
            for row in due:
                writer.row(row)
            left = len(due)
        else:
            for row, error in accounts_sync.act(api, due, unknown=options["unknown"]):
                writer.row(row)
                problem = error
    writer.end()
    if problem is not None:
        raise CommandError(
            f"{problem} Only the accounts above that are marked as deactivated have been"
            " deactivated.",
            returncode=2,
        )
    return 1 if left else 0


def end_sessions(options: dict[str, Any], stdout: OutputWrapper, stderr: OutputWrapper) -> int:
    """End all of a user's sessions in Metabase, and return the exit status."""
    user = find_user(options["user"])
    count = accounts.end_sessions(user)
    if options["json"]:
        stdout.write(json.dumps({"user": str(user.pk), "revoked": count}))
    else:
        stdout.write(f"Metabase sessions ended for user {user.pk}: {count}.")
    return 0


COMMANDS: Final = {"setup": setup, "sync": sync, "end-sessions": end_sessions}


def run(name: str, options: dict[str, Any], stdout: OutputWrapper, stderr: OutputWrapper) -> None:
    """Run a command, and exit with its status, or with 2 and a sentence after a failure."""
    try:
        status = COMMANDS[name](options, stdout, stderr)
    except CommandError:
        raise
    except (MetabaseError, BadSetting, AccessRefused, LookupError, ImportError) as error:
        raise CommandError(str(error), returncode=2) from None
    except Exception as error:
        message = f"{type(error).__name__}: {error}. Add --traceback for the details."
        raise CommandError(message, returncode=2) from error
    if status:
        sys.exit(status)


class TextRows:
    """Prints the accounts whose state is not "ok"."""

    def __init__(self, stdout: OutputWrapper) -> None:
        self.stdout = stdout

    def row(self, row: Row) -> None:
        """Print one account."""
        if row.state != "ok":
            self.stdout.write(f"{row.action:12} {row.state:16} {row.email} (account {row.id})")

    def end(self) -> None:
        """Print nothing."""


class JSONRows:
    """Prints all accounts as one JSON object, each account as soon as it is known."""

    def __init__(self, stdout: OutputWrapper) -> None:
        self.stdout = stdout
        self.before = '{"accounts": [\n'

    def row(self, row: Row) -> None:
        """Print one account."""
        self.stdout.write(self.before + json.dumps(asdict(row)), ending="")
        self.before = ",\n"

    def end(self) -> None:
        """Print the end of the object."""
        empty = self.before if self.before.startswith("{") else ""
        self.stdout.write(f"{empty}\n]}}")


def _print_plan(
    options: dict[str, Any], found: Plan, applied: list[str], stdout: OutputWrapper
) -> None:
    if options["json"]:
        answer = {"settings": list(map(asdict, found.settings)), "applied": applied}
        stdout.write(json.dumps(answer, indent=2))
    elif options["env"]:
        stdout.write("\n".join(settings.env_lines(found)))
    else:
        stdout.write("\n".join(_lines(found, applied)))


def _lines(found: Plan, applied: list[str]) -> Iterator[str]:
    for setting in found.settings:
        yield f"{setting.state:12} {setting.key} = {_shown(setting)}"
        if setting.key in applied:
            yield f"{'':12} Written."
        elif setting.state != "same":
            yield f"{'':12} {_advice(setting, found)}"


def _shown(setting: Setting) -> str:
    if setting.key in settings.SECRETS:
        return f"the value of METABASE_SSO[{settings.SECRETS[setting.key][0]!r}]"
    wanted = setting.wanted
    return wanted if isinstance(wanted, str) else json.dumps(wanted)


def _advice(setting: Setting, found: Plan) -> str:
    now = (
        "" if setting.key in settings.SECRETS else f" The value is {json.dumps(setting.now)} now."
    )
    if setting.state == "environment":
        return f"Change {setting.env} in Metabase's environment.{now}"
    if setting.state == "conflict":
        return (
            f"Metabase has another value, which another site may use.{now} If no other site uses"
            f" it, add --replace {setting.key}."
        )
    if setting.state == "unknown":
        return f"Compare the value in {setting.where}."
    if found.only_reports(setting):
        return (
            f"The command does not write this setting.{now} Add --set {setting.key} to write it."
        )
    return f"Set it in {setting.where}, or use --apply.{now}"


def _wanted(options: dict[str, Any], version: int, named: set[str]) -> dict[str, Any]:
    """Return the settings that this project needs in a Metabase of this version.

    Raises CommandError if a key of --set or --replace is not one of them.
    """
    path = path_of("sso")
    if path is None:
        text = 'Add path("sso/", include("django_metabase_sso.urls")) to your urlpatterns first.'
        raise CommandError(text, returncode=2)
    sync_groups = options["sync_groups"]
    wants = settings.wanted(
        options["site"], path, options["embed"], version, sync_groups=sync_groups
    )
    unknown = sorted(named - wants.keys())
    if unknown:
        known = ", ".join(sorted(wants))
        raise CommandError(f"{unknown[0]!r} is not one of {known}.", returncode=2)
    return wants


def _no_progress(done: int, total: int) -> None:
    pass


def _progress(stderr: OutputWrapper) -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        filled = 30 * done // total if total else 30
        stderr.write(f"\r[{'#' * filled:30}] {done} of {total}", ending="")
        if done >= total:
            stderr.write("")

    return show
