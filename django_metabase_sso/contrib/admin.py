"""Shows a user's Metabase account in Django's admin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor.explain import AccountNow, Row, account_now, explain
from django_metabase_sso.exceptions import AccessRefused, BadSetting, MetabaseError
from django_metabase_sso.troubleshooting import Refusal, quoted

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as Base
else:
    Base = object

__all__ = ["MetabaseAccessMixin"]

WITHIN: Final = 2.0  # seconds for all requests to Metabase
TEMPLATE: Final = "django_metabase_sso/admin/access.html"
# The effects that all staff see who may view the user. Attributes and the tenant are shown only to
# staff who may change the user.
PUBLIC: Final = frozenset({"identity", "synced", "group", "removed from all groups"})
MOST: Final = 20  # users in one action, because each of them needs requests to Metabase
MAY_CHANGE: Final = "_metabase_sso_may_change"


class MetabaseAccessMixin(Base):  # type: ignore[type-arg]
    """Shows a user's Metabase account, or why the user does not get a token, in the user admin.

    With `API_KEY`, the page also shows the present account in Metabase, and staff who may change
    users have an action that ends sessions in Metabase. The list of users sends no requests to
    Metabase. The project's callables get no request. Put the mixin before `UserAdmin` in the base
    classes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actions = (*(self.actions or ()), "end_metabase_sessions")

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the user, with an attribute: whether this member of staff may change them."""
        user = super().get_object(request, *args, **kwargs)
        if user is not None:
            setattr(user, MAY_CHANGE, self.has_change_permission(request, user))
        return user

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add the field `metabase_access`, which the model does not have."""
        return (*super().get_readonly_fields(request, obj), "metabase_access")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add a section to the page of an existing user."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        others = [
            (name, {**options, "fields": _without(options["fields"])})
            for name, options in fieldsets
        ]
        return [*others, ("Metabase", {"fields": ("metabase_access",)})]

    @admin.display(description=_("Account in Metabase"))
    def metabase_access(self, user: Any) -> SafeString:
        """Return the section's HTML for this user. Never raises."""
        return rendered(user, shows_claims=getattr(user, MAY_CHANGE, False))

    def has_end_metabase_sessions_permission(self, request: HttpRequest) -> bool:
        """Return whether the action is shown: with an API key, to staff who may change users."""
        return _has_key() and self.has_change_permission(request)

    @admin.action(
        description=_("End the sessions of selected users in Metabase"),
        permissions=["end_metabase_sessions"],
    )
    def end_metabase_sessions(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        """Ask for confirmation, end the sessions of each user, and show the result."""
        users = list(queryset[: MOST + 1])
        if len(users) > MOST:
            text = gettext("Select at most %(most)s users.") % {"most": MOST}
            self.message_user(request, text, messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": gettext("End sessions in Metabase"),
                "users": users,
                "opts": self.model._meta,  # noqa: SLF001
                "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
            }
            template = "django_metabase_sso/admin/end_sessions.html"
            return TemplateResponse(request, template, context)
        self._end_sessions(request, users)
        return None

    def _end_sessions(self, request: HttpRequest, users: Iterable[Any]) -> None:
        from django_metabase_sso import accounts

        count = 0
        for user in users:
            try:
                count += accounts.end_sessions(user)
            except AccessRefused:
                continue  # users without a valid address have no account
            except (MetabaseError, BadSetting) as error:
                text = gettext("The sessions of %(user)s could not be ended: %(why)s")
                values = {"user": user, "why": error}
                self.message_user(request, text % values, messages.ERROR)
                return
            self.log_change(request, user, "Ended the sessions in Metabase.")
        text = gettext("%(count)s sessions in Metabase were ended.") % {"count": count}
        self.message_user(request, text, messages.SUCCESS)


def _without(fields: Any) -> tuple[Any, ...]:
    """Return a section's fields without `metabase_access`, which Django adds as read-only."""
    return tuple(name for name in fields if name != "metabase_access")


def _has_key() -> bool:
    try:
        return conf.API_KEY is not None
    except BadSetting:
        return False


@dataclass
class Page:
    """The context of the template."""

    rows: list[Row] = field(default_factory=list)
    refusal: Refusal | None = None
    problem: str = ""  # why there are neither rows nor a refusal
    account: AccountNow | None = None
    typed: dict[str, str] = field(default_factory=dict)  # these override the token's attributes
    has_key: bool = False
    account_problem: str = ""


def rendered(user: Any, *, shows_claims: bool) -> SafeString:
    """Return the HTML for a user. Errors are shown as sentences in it."""
    page = Page()
    _explain(user, page, shows_claims=shows_claims)
    _ask(user, page, shows_claims=shows_claims)
    return render_to_string(TEMPLATE, {"page": page})


def _explain(user: Any, page: Page, *, shows_claims: bool) -> None:
    try:
        found = explain(user)
    except BadSetting as error:
        page.problem = str(error)
    except Exception as error:  # noqa: BLE001 - a callable of the project may raise anything
        page.problem = f"{type(error).__name__}: {quoted(error)}"
    else:
        page.refusal = found.refusal
        page.rows = [row for row in found.rows if _is_shown(row, shows_claims=shows_claims)]


def _is_shown(row: Row, *, shows_claims: bool) -> bool:
    return row.effect in PUBLIC or (shows_claims and row.effect != "time")


def _ask(user: Any, page: Page, *, shows_claims: bool) -> None:
    try:
        page.has_key = conf.API_KEY is not None
        if not page.has_key:
            return
        page.account = account_now(user, WITHIN)
        if page.account is not None and shows_claims:
            page.typed = page.account.typed
    except AccessRefused:
        return  # users without a valid address have no account
    except (MetabaseError, BadSetting, ImportError) as error:
        page.account_problem = str(error)
    except Exception as error:  # noqa: BLE001 - such as an API_KEY callable that raises
        page.account_problem = type(error).__name__
