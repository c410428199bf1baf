"""Finds the Django user of each Metabase account, and the accounts to deactivate."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from django_metabase_sso.access import check_access
from django_metabase_sso.administration import accounts
from django_metabase_sso.administration.accounts import Account
from django_metabase_sso.administration.api import Api
from django_metabase_sso.exceptions import AccessRefused, MetabaseError, MetabaseUnavailable
from django_metabase_sso.identity.users import users_by_email

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

Action = Literal["keep", "deactivate", "deactivated"]
PAGE: Final = 500  # accounts in one response
MOST_STEPS_BACK: Final = 100  # before the command gives up because the list keeps changing


class TooMany(Exception):
    """More accounts would be deactivated than --most allows."""


@dataclass(frozen=True)
class Row:
    """One account. `state` is "ok", "inactive", "no-user" or the code of a refusal."""

    id: int
    email: str
    state: str
    action: Action


def active_accounts(api: Api, progress: Callable[[int, int], None]) -> Iterator[list[Account]]:
    """Yield Metabase's active accounts that sign in with JWT, one page at a time.

    Metabase orders accounts by name, so new and removed accounts shift the pages. Each page
    therefore starts with the last account of the page before. If it does not, the list has
    changed, and the page before is read again. An account may be yielded twice.
    """
    offset, last, steps_back = 0, None, 0
    while True:
        answer = api.get("/api/user", {"tenancy": "all", "limit": PAGE, "offset": offset})
        found = accounts.accounts_of(answer)
        if last is not None and (not found or found[0].id != last):
            steps_back += 1
            if steps_back > MOST_STEPS_BACK:
                raise MetabaseUnavailable(
                    "Metabase's list of accounts changes faster than it can be read. Try again"
                    " later."
                )
            offset, last = max(0, offset - PAGE + 1), None
            continue
        total = answer.get("total")
        progress(min(offset + len(found), total or 0), total or 0)
        yield [account for account in found if account.is_active and account.sso_source == "jwt"]
        if len(found) < PAGE:
            return
        last = found[-1].id
        offset += PAGE - 1


def rows(
    api: Api,
    *,
    unknown: bool,
    only: Collection[str],
    progress: Callable[[int, int], None],
) -> Iterator[Row]:
    """Yield each account with its action. `only` contains canonical addresses.

    Raises MetabaseUnavailable, MetabaseRefused, and all exceptions of the project's callables.
    """
    for page in active_accounts(api, progress):
        asked = [account for account in page if not only or account.email.lower() in only]
        users = users_by_email([account.email.lower() for account in asked])
        for account in asked:
            state = state_of(users.get(account.email.lower(), []))
            yield Row(account.id, account.email, state, action_for(account, state, unknown))


def state_of(users: list[AbstractBaseUser]) -> str:
    """Return the state of the users with one address. The callables get no request."""
    if not users:
        return "no-user"
    if len(users) > 1:
        return "shared-email"
    [user] = users
    if not user.is_active:
        return "inactive"
    try:
        check_access(user)
    except AccessRefused as refused:
        return refused.code
    return "ok"


def action_for(account: Account, state: str, unknown: bool) -> Action:  # noqa: FBT001
    """Return the action. If this site cannot be sure about an account, it is kept."""
    if account.is_privileged:
        return "keep"
    if state == "inactive" or (state == "no-user" and unknown):
        return "deactivate"
    return "keep"


def collect(found: Iterator[Row], most: int | None, keep: Callable[[Row], None]) -> list[Row]:
    """Return the rows to act on, and call `keep` with each of the others.

    Raises TooMany if there are more than `most`, before anything is done. `most` is None for a run
    that does not act.
    """
    due: dict[int, Row] = {}
    for row in found:
        if row.action == "keep":
            keep(row)
            continue
        due[row.id] = row
        if most is not None and len(due) > most:
            raise TooMany
    return list(due.values())


def act(api: Api, due: list[Row], *, unknown: bool) -> Iterator[tuple[Row, MetabaseError | None]]:
    """Read each account again, deactivate it, and yield the result.

    Stops at the first error.
    """
    for row in due:
        try:
            done = _deactivate(api, row, unknown=unknown)
        except MetabaseError as error:
            yield row, error
            return
        yield done, None


def _deactivate(api: Api, row: Row, *, unknown: bool) -> Row:
    account = accounts.read(api, row.id)
    email = account.email.lower()
    state = state_of(users_by_email([email]).get(email, []))
    still_due = (
        account.is_active
        and account.sso_source == "jwt"
        and email == row.email.lower()
        and action_for(account, state, unknown) == "deactivate"
    )
    if not still_due:
        return Row(row.id, row.email, state, "keep")
    api.delete(f"/api/user/{account.id}")
    return Row(row.id, row.email, state, "deactivated")
