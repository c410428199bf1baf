"""Find, read and deactivate one account of Metabase, and end its sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from django_metabase_sso.administration.api import Api
from django_metabase_sso.exceptions import MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.identity.users import users_by_email

PAGE: Final = 200  # accounts in one response
SESSIONS: Final = "/api/ee/session-management/revoke"
NO_SESSIONS: Final = (
    "Ending sessions needs Metabase 65 or newer and a Pro or Enterprise plan.",
    "Update Metabase, or deactivate the account, which ends its sessions in every version.",
)


@dataclass(frozen=True)
class Account:
    """An account of Metabase.

    `sso_source` is how it signs in: "jwt", another kind of single sign-on, or None for a password.
    `is_privileged` is true for administrators and data analysts, which are never changed.
    `attributes` are those that an administrator set in Metabase. They override those of a token.
    """

    id: int
    email: str
    is_active: bool
    sso_source: str | None
    is_privileged: bool
    group_ids: tuple[int, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict, repr=False)


def find_by_email(api: Api, email: str) -> Account | None:
    """Return the account with exactly this canonical address.

    Metabase's `query` finds parts of addresses and names, so each row is compared. Without
    `tenancy=all`, users of tenants are missing.
    """
    offset = 0
    while True:
        params = {
            "query": email,
            "status": "all",
            "tenancy": "all",
            "limit": PAGE,
            "offset": offset,
        }
        found = accounts_of(api.get("/api/user", params))
        for account in found:
            if account.email.lower() == email:
                return read(api, account.id)
        if len(found) < PAGE:
            return None
        offset += PAGE


def read(api: Api, account_id: int) -> Account:
    """Return the present state of an account."""
    return account_of(api.get(f"/api/user/{account_id}"))


def deactivate_email(api: Api, email: str, *, but: object) -> Account | None:
    """Deactivate the account with this canonical address, unless `guard` returns a reason not to.

    `but` is the primary key of the user who loses access, or None for a deleted user. If another
    Django user has the address, the account stays active.
    """
    account = find_by_email(api, email)
    if account is None or not account.is_active:
        return None
    problem = guard(account, email, but)
    if problem:
        raise MetabaseRefused(f"DELETE /api/user/{account.id}", 0, "", problem)
    api.delete(f"/api/user/{account.id}")
    return account


def guard(account: Account, email: str, but: object) -> str:
    """Return why an account must not be deactivated, or "" if it may be."""
    if account.sso_source != "jwt":
        return "This account does not sign in with JWT, so this site does not manage it."
    if account.is_privileged:
        return "This is the account of a Metabase administrator or data analyst."
    if any(user.pk != but for user in users_by_email([email]).get(email, [])):
        return "Another Django user has the same e-mail address."
    return ""


def revoke(api: Api, account_id: int) -> int:
    """End the sessions of one account, and return how many there were.

    The request must name one account: without an id, it would end the sessions of all users.
    """
    if type(account_id) is not int or account_id < 1:
        raise ValueError("the id of an account must be a positive whole number")
    try:
        answer = api.post(SESSIONS, {"user-id": account_id})
    except MetabaseRefused as refused:
        if refused.status not in (402, 404):
            raise
        status = refused.status
    else:
        revoked = answer.get("revoked") if isinstance(answer, dict) else None
        return revoked if isinstance(revoked, int) else 0
    raise MetabaseRefused(f"POST {SESSIONS}", status, "", *NO_SESSIONS)


def accounts_of(answer: Any) -> list[Account]:
    """Return the accounts in a response of `/api/user`. Raises MetabaseUnavailable."""
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise MetabaseUnavailable(
            "Metabase, GET /api/user: the response is not a list of accounts."
        )
    return [account_of(row) for row in rows]


def account_of(row: Any) -> Account:
    """Return an account from Metabase's JSON. Raises MetabaseUnavailable."""
    try:
        groups = row.get("user_group_memberships") or []
        return Account(
            id=int(row["id"]),
            email=str(row["email"]),
            is_active=bool(row.get("is_active", True)),
            sso_source=row.get("sso_source"),
            is_privileged=bool(row.get("is_superuser") or row.get("is_data_analyst")),
            group_ids=tuple(int(group["id"]) for group in groups),
            attributes=dict(row.get("login_attributes") or {}),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise MetabaseUnavailable("Metabase, /api/user: the response contains an invalid account.")
