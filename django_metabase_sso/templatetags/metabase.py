"""`{% load metabase %}`: one tag for each function of `embeds`."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.utils.safestring import SafeString

from django_metabase_sso import embeds
from django_metabase_sso.exceptions import InvalidEmbed

register = template.Library()
STATE = "django_metabase_sso"


@register.simple_tag(takes_context=True)
def metabase_config(  # noqa: PLR0913 - a template names each
    context: Context,
    *,
    guest: bool = False,
    theme: Any = None,
    locale: Any = None,
    preferred_auth_method: Any = None,
    allowed_custom_visualizations: Any = None,
    inline: bool = False,
) -> SafeString:
    """The scripts that a page with components needs; empty when the page already has them."""
    if not _once(context, is_guest=guest):
        return SafeString("")
    return embeds.config_html(
        request=_request(context),
        guest=guest,
        theme=theme,
        locale=locale,
        preferred_auth_method=preferred_auth_method,
        allowed_custom_visualizations=allowed_custom_visualizations,
        inline=inline,
        nonce=_nonce(context),
    )


@register.simple_tag(takes_context=True)
def metabase_access(context: Context) -> embeds.Access:
    """Whether the user may have a token: `{% metabase_access as access %}`, then `access.allowed`.

    Its `code` and `message` say why not.
    """
    request = _request(context)
    if request is None:
        raise InvalidEmbed(f"metabase_access needs the request of the page. {embeds.ADD_REQUEST}")
    return embeds.access(request)


@register.simple_tag(takes_context=True)
def metabase_dashboard(context: Context, dashboard_id: Any, **options: Any) -> SafeString:
    """A dashboard: `{% metabase_dashboard 1 with_title=False %}`."""
    _expect(context, is_guest=False)
    return embeds.dashboard_html(dashboard_id, **options)


@register.simple_tag(takes_context=True)
def metabase_question(context: Context, question_id: Any, **options: Any) -> SafeString:
    """A question: `{% metabase_question 7 %}`; "new" and "new-native" are the editors."""
    _expect(context, is_guest=False)
    return embeds.question_html(question_id, **options)


@register.simple_tag(takes_context=True)
def metabase_browser(context: Context, **options: Any) -> SafeString:
    """The collections: `{% metabase_browser initial_collection="root" %}`."""
    _expect(context, is_guest=False)
    return embeds.browser_html(**options)


@register.simple_tag(takes_context=True)
def metabase_metabot(context: Context, **options: Any) -> SafeString:
    """Metabase's assistant: `{% metabase_metabot %}`."""
    _expect(context, is_guest=False)
    return embeds.metabot_html(**options)


@register.simple_tag(takes_context=True)
def metabase_iframe(context: Context, path: str, **options: Any) -> SafeString:
    """All of Metabase in a frame: `{% metabase_iframe "/dashboard/1" title="Sales" %}`."""
    return embeds.iframe_html(path, request=_request(context), **options)


@register.simple_tag
def metabase_logout() -> SafeString:
    """Ends the Metabase session; for the page that users see after signing out."""
    return embeds.logout_html()


@register.simple_tag(takes_context=True)
def metabase_guest_dashboard(context: Context, dashboard_id: Any, **options: Any) -> SafeString:
    """A dashboard for guests: `{% metabase_guest_dashboard 10 params=params %}`."""
    _expect(context, is_guest=True)
    return embeds.guest_dashboard_html(_request(context), dashboard_id, **options)


@register.simple_tag(takes_context=True)
def metabase_guest_question(context: Context, question_id: Any, **options: Any) -> SafeString:
    """A question for guests: `{% metabase_guest_question 5 params=params %}`."""
    _expect(context, is_guest=True)
    return embeds.guest_question_html(_request(context), question_id, **options)


@register.simple_tag(takes_context=True)
def metabase_static_iframe(context: Context, **options: Any) -> SafeString:
    """A static embed: `{% metabase_static_iframe dashboard=10 params=params %}`."""
    return embeds.static_iframe_html(_request(context), **options)


def _request(context: Context) -> HttpRequest | None:
    request: HttpRequest | None = context.get("request")
    return request


def _nonce(context: Context) -> str:
    """Return the nonce of Django 6's or django-csp's policy; "" if the page has none."""
    request = _request(context)
    for nonce in (
        context.get("csp_nonce"),
        getattr(request, "csp_nonce", None),
        getattr(request, "_csp_nonce", None),
    ):
        if nonce is not None:
            return str(nonce)
    return ""


def _page(context: Context) -> dict[str, Any]:
    """Return the state that the tags of one page share, across included templates."""
    shared: Any = context.render_context.dicts[0]
    state: dict[str, Any] = shared.setdefault(STATE, {})
    return state


def _once(context: Context, *, is_guest: bool) -> bool:
    """Whether this is the first `metabase_config` of the page."""
    _expect(context, is_guest=is_guest)
    first = not _page(context).get("configured")
    _page(context)["configured"] = True
    return first


def _expect(context: Context, *, is_guest: bool) -> None:
    """Refuse guest and other embeds on one page: Metabase has one configuration per page."""
    if _page(context).setdefault("is_guest", is_guest) != is_guest:
        raise InvalidEmbed(
            "One page cannot have both guest embeds and embeds for signed-in users. Write"
            " {% metabase_config guest=True %} for guest embeds, {% metabase_config %} for others."
        )
