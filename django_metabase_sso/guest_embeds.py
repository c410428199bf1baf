"""Guest embeds in a page: Metabase's components with a token in them, or a frame.

Plain functions, for views and for Jinja2; `{% load metabase %}` has a tag for each. A page with a
token in it is one person's: it is kept out of Django's caches.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.safestring import SafeString

from django_metabase_sso.conf import conf
from django_metabase_sso.elements import element, text_of
from django_metabase_sso.embeds import FRAME, frame_html
from django_metabase_sso.exceptions import InvalidEmbed
from django_metabase_sso.guest import EntityId, EntityType, clean_id, guest_secret, guest_token

__all__ = ["guest_dashboard_html", "guest_question_html", "static_embed_url", "static_iframe_html"]

# Metabase's documentation, "static embedding", customizing the appearance.
APPEARANCE: Final = frozenset(
    "background bordered downloads font hide_parameters locale refresh theme titled".split()
)


def guest_dashboard_html(
    request: HttpRequest | None, dashboard_id: EntityId, params: object = None, **options: Any
) -> SafeString:
    """Return a `<metabase-dashboard>` for somebody without a Metabase account.

    With `params` (a mapping, see `guest_params.clean`) a token is signed for this page. Without,
    the browser asks our endpoint for one, and GUEST_PARAMS decides; `custom_context` is handed to
    it. Raises what `guest.guest_token` raises.
    """
    return _component(request, "dashboard", dashboard_id, params, options)


def guest_question_html(
    request: HttpRequest | None, question_id: EntityId, params: object = None, **options: Any
) -> SafeString:
    """Return a `<metabase-question>`, like `guest_dashboard_html`."""
    return _component(request, "question", question_id, params, options)


def static_embed_url(
    entity_type: EntityType, entity_id: EntityId, params: object, **appearance: Any
) -> str:
    """Return the address of a static embed, which Metabase 55 and older know; it has a token.

    `appearance` are Metabase's parameters behind the `#` (`bordered=True`). Raises what
    `guest.guest_token` raises, and InvalidEmbed for an unknown parameter.
    """
    unknown = sorted(appearance.keys() - APPEARANCE)
    if unknown:
        raise InvalidEmbed(f"{unknown[0]!r} is none of {', '.join(sorted(APPEARANCE | FRAME))}.")
    token = guest_token(entity_type, entity_id, params)
    fragment = urlencode({key: text_of(key, value) for key, value in appearance.items()})
    return f"{conf.INSTANCE_URL}/embed/{entity_type}/{token}{'#' if fragment else ''}{fragment}"


def static_iframe_html(
    request: HttpRequest | None,
    *,
    dashboard: EntityId | None = None,
    question: EntityId | None = None,
    params: object = None,
    title: str = "Metabase",
    **options: Any,
) -> SafeString:
    """Return a frame with a static embed of one dashboard or question.

    The options are those of `static_embed_url`, and attributes of the frame.
    """
    frame = {key: options.pop(key) for key in FRAME & options.keys()}
    if dashboard is not None and question is None:
        source = static_embed_url("dashboard", dashboard, params, **options)
    elif question is not None and dashboard is None:
        source = static_embed_url("question", question, params, **options)
    else:
        example = "{% metabase_static_iframe dashboard=10 params=params %}"
        raise InvalidEmbed(f"Give dashboard or question, one of the two: write {example}.")
    keep_private(request)
    return frame_html(source, title, **frame)


def keep_private(request: HttpRequest | None) -> None:
    """Keep the page that answers `request` out of Django's caches: it holds a token.

    The session counts as read, so the answer varies on the cookie. `cache_page` around a view
    stores before that header is set, so it is told not to.
    """
    if request is None:
        raise InvalidEmbed(
            "A page with a guest token needs its request: add"
            ' "django.template.context_processors.request" to the context processors, and render'
            " the page with the request."
        )
    request = getattr(request, "_request", request)  # Django's own, inside REST framework's
    request._cache_update_cache = False  # type: ignore[union-attr]  # noqa: SLF001
    session = getattr(request, "session", None)
    if session is not None:
        session.accessed = True


def _component(
    request: HttpRequest | None,
    entity_type: EntityType,
    entity_id: EntityId,
    params: object,
    options: dict[str, Any],
) -> SafeString:
    if get_close_matches("params", options, cutoff=0.7):  # it decides who sees which rows
        raise InvalidEmbed(f"{', '.join(options)}: did you mean params?")
    name = f"metabase-{entity_type}"
    if params is not None:
        token = guest_token(entity_type, entity_id, params)
        keep_private(request)
        return element(name, {"token": token, **options})
    guest_secret()
    if conf.GUEST_PARAMS is None:
        raise InvalidEmbed(
            f"A guest {entity_type} needs params: write params={{}} when it has no locked filter,"
            " or set METABASE_SSO['GUEST_PARAMS'], which is asked for them."
        )
    return element(name, {f"{entity_type}_id": clean_id(entity_id), **options})
