"""One account of Metabase: how it is found and read, and what may be done to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from django_metabase_sso.administration.api import Api
from django_metabase_sso.exceptions import MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.identity.users import users_by_email

PAGE: Final = 200  # accounts in one answer
SESSIONS: Final = "/api/ee/session-management/revoke"
NO_SESSIONS: Final = (
    "Ending sessions needs Metabase 65 or newer and a Pro or Enterprise plan.",
    "Update Metabase, or deactivate the account: that ends its sessions in every version.",
)


@dataclass(frozen=True)
class Account:
    """An account of Metabase.

    `sso_source` says how it signs in: "jwt", another single sign-on, or None for a password.
    `is_privileged` is true for administrators and data analysts, on whom nothing here acts.
    `attributes` are those that an administrator typed in Metabase: they win over what is sent.
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

    Metabase's `query` is a part of an address or of a name, so each answer is compared; without
    `tenancy=all` it leaves out the users of tenants.
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
        rows = rows_of(api.get("/api/user", params))
        for row in rows:
            account = account_of(row)
            if account.email.lower() == email:
                return read(api, account.id)
        if len(rows) < PAGE:
            return None
        offset += PAGE


def read(api: Api, account_id: int) -> Account:
    """Return an account as it is now."""
    return account_of(api.get(f"/api/user/{account_id}"))


def deactivate_email(api: Api, email: str, *, but: object) -> Account | None:
    """Deactivate the account with this canonical address, under the guards of `deactivate`.

    `but` is the primary key of the user whose access ends, None for one who is deleted. Any other
    Django user with the address keeps it.
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
    """Return why an account must not be deactivated from here; "" if it may be."""
    if account.sso_source != "jwt":
        return "This account does not sign in by JWT, so this site does not decide about it."
    if account.is_privileged:
        return "This account is that of an administrator or a data analyst of Metabase."
    if any(user.pk != but for user in users_by_email([email]).get(email, [])):
        return "Another Django user has the same e-mail address."
    return ""


def revoke(api: Api, account_id: int) -> int:
    """End the sessions of one account; return how many there were.

    The request names one whole number: an empty one would end everybody's.
    """
    if type(account_id) is not int or account_id < 1:
        raise ValueError("the id of an account is a positive whole number")
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


def rows_of(answer: Any) -> list[dict[str, Any]]:
    """Return the accounts in an answer of `/api/user`. Raises MetabaseUnavailable."""
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise MetabaseUnavailable("Metabase, GET /api/user: not a list of accounts.")
    return rows


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
    raise MetabaseUnavailable("Metabase, /api/user: this is not an account.")
