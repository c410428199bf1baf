"""Every function behind a template tag.

Plain functions, for views and for Jinja2; `{% load metabase %}` has a tag for each. A page with a
token in it is one person's: it is kept out of Django's caches.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import site_of
from django_metabase_sso.exceptions import InvalidEmbed, InvalidReturnTo
from django_metabase_sso.http.endpoints import INCLUDE, Kind, path_of
from django_metabase_sso.http.return_to import clean_return_to
from django_metabase_sso.signals import logger
from django_metabase_sso.tokens import EntityId, EntityType, clean_id, guest_secret, guest_token
from django_metabase_sso.values.elements import element, text_of, to_json

__all__ = [
    "browser_html",
    "config_html",
    "dashboard_html",
    "embed_config",
    "embed_url",
    "guest_dashboard_html",
    "guest_question_html",
    "iframe_html",
    "logout_html",
    "metabot_html",
    "question_html",
    "static_embed_url",
    "static_iframe_html",
]

CONFIG_ID: Final = "metabase-config"
# Metabase's documentation, "full app embedding", UI components.
INTERFACE: Final = frozenset(
    "action_buttons additional_info breadcrumbs data_picker entity_types header locale logo"
    " new_button search side_nav top_nav".split()
)
FRAME: Final = frozenset("allow class height id loading name style width".split())


def embed_config(
    *, guest: bool = False, theme: Mapping[str, Any] | None = None, locale: str | None = None
) -> dict[str, Any]:
    """Return what Metabase calls `metabaseConfig`: with paths, no hosts of ours.

    A host that is taken from a request is wrong behind a TLS proxy, and dangerous in a cached
    page; `config.js` completes the paths in the browser. With `guest`, the variant for guest
    embeds, which asks our endpoint for tokens when GUEST_PARAMS is set.
    """
    config: dict[str, Any] = {"instanceUrl": str(conf.INSTANCE_URL)}
    if guest:
        config["isGuest"] = True
        if conf.GUEST_PARAMS is not None:
            config["guestEmbedProviderUri"] = _path("guest_token")
    else:  # with SAML on as well, Metabase would prefer it
        config["preferredAuthMethod"] = "jwt"
        config["jwtProviderUri"] = _path("sso")
    options = {"theme": theme, "locale": locale}
    config.update({key: value for key, value in options.items() if value})
    to_json("metabase_config", config)
    return config


def config_html(*, nonce: str = "", **options: Any) -> SafeString:
    """Return what has to be on a page once: `embed_config(**options)` and both scripts.

    `nonce` is the one of the page's Content-Security-Policy, if it has one.
    """
    attribute = format_html(' nonce="{}"', nonce) if nonce else ""
    data = json_script(embed_config(**options), CONFIG_ID)
    return format_html(
        '{}<script defer src="{}"{}></script><script defer src="{}/app/embed.js"{}></script>',
        SafeString(data.replace("<script", f"<script{attribute}")),
        static("django_metabase_sso/config.js"),
        attribute,
        conf.INSTANCE_URL,
        attribute,
    )


def dashboard_html(dashboard_id: int | str, **options: Any) -> SafeString:
    """Return a `<metabase-dashboard>`; the options are its attributes, as `with_title`."""
    return element("metabase-dashboard", {"dashboard_id": clean_id(dashboard_id), **options})


def question_html(question_id: int | str, **options: Any) -> SafeString:
    """Return a `<metabase-question>`; the id "new" is the query builder."""
    cleaned = question_id if question_id == "new" else clean_id(question_id)
    return element("metabase-question", {"question_id": cleaned, **options})


def browser_html(**options: Any) -> SafeString:
    """Return a `<metabase-browser>`, for the collections."""
    return element("metabase-browser", options)


def metabot_html(**options: Any) -> SafeString:
    """Return a `<metabase-metabot>`."""
    return element("metabase-metabot", options)


def embed_url(path: str, **interface: Any) -> str:
    """Return our SSO address that leads to a page of Metabase, `/dashboard/1?tab=2` say.

    `interface` are Metabase's parameters for what is around the page (`top_nav=False`). Raises
    InvalidEmbed for an unknown one, and for what is no page of this Metabase.
    """
    unknown = sorted(interface.keys() - INTERFACE)
    if unknown:
        raise InvalidEmbed(f"{unknown[0]!r} is none of {', '.join(sorted(INTERFACE | FRAME))}.")
    query = urlencode({key: _interface_text(key, value) for key, value in interface.items()})
    page, hash_sign, fragment = path.partition("#")
    joined = "&" if "?" in page else "?"
    target = quote(f"{page}{joined if query else ''}{query}{hash_sign}{fragment}", safe="")
    try:
        clean_return_to((target,), conf.INSTANCE_URL)
    except InvalidReturnTo as invalid:
        text = f"{path!r} is no page of Metabase. {invalid} Write its path: /dashboard/1."
        raise InvalidEmbed(text) from None
    return f"{_path('sso')}?return_to={target}"


def iframe_html(
    path: str, *, title: str | None = None, request: HttpRequest | None = None, **options: Any
) -> SafeString:
    """Return a frame that signs in and shows a page of Metabase with everything around it.

    `title` is read out to people who do not see the frame. The options are those of `embed_url`,
    and attributes of the frame (width, height, class and so on).
    """
    if not isinstance(path, str):
        raise InvalidEmbed(f"{path!r} is no page of Metabase. Write its path: /dashboard/1.")
    if not title:
        example = '{% metabase_iframe "/dashboard/1" title="Sales" %}'
        raise InvalidEmbed(f"A frame needs a title, for screen readers: write {example}.")
    frame = {key: options.pop(key) for key in FRAME & options.keys()}
    source = embed_url(path, **options)
    if settings.DEBUG and request is not None:
        _warn_other_site(request)
    return frame_html(source, title, **frame)


def frame_html(source: str, title: str, **frame: Any) -> SafeString:
    """Return a frame as wide as the page lets it be; `frame` are attributes of it."""
    attributes = {"loading": "lazy", "width": "100%", "height": 600, "frameborder": 0, **frame}
    return element("iframe", {"src": source, "title": title, **attributes})


def logout_html() -> SafeString:
    """Return a hidden frame that ends the Metabase session of this browser.

    Only where the browser sends Metabase's cookie in it: when both are the same site.
    """
    source = f"{conf.INSTANCE_URL}/auth/logout"
    attributes = {"src": source, "title": "Signs out of Metabase", "hidden": "", "width": 0}
    return element("iframe", {**attributes, "height": 0})


def _path(kind: Kind) -> str:
    path = path_of(kind)
    if path is None:
        raise InvalidEmbed(
            f"The URLs of this project do not have the view that embeds use: add {INCLUDE} to"
            " urlpatterns. Its path must not have parameters."
        )
    return path


def _interface_text(key: str, value: object) -> str:
    return ",".join(value) if isinstance(value, list | tuple) else text_of(key, value)


def _warn_other_site(request: HttpRequest) -> None:
    here, there = request.get_host(), conf.INSTANCE_URL.host
    if site_of(here) != site_of(there):
        logger.warning(
            "metabase_iframe: %s and %s are different sites. Safari, and other browsers without"
            " third-party cookies, will ask for a sign-in in this frame for ever. Use web"
            " components ({%% metabase_dashboard %%}), or serve both from one site.",
            here,
            there,
            extra={"code": "other-site", "user_id": None},
        )


# Metabase's documentation, "static embedding", customizing the appearance.
APPEARANCE: Final = frozenset(
    "background bordered downloads font hide_parameters locale refresh theme titled".split()
)


def guest_dashboard_html(
    request: HttpRequest | None, dashboard_id: EntityId, params: object = None, **options: Any
) -> SafeString:
    """Return a `<metabase-dashboard>` for somebody without a Metabase account.

    With `params` (a mapping, see `values.parameters.clean_parameters`) a token is signed for this
    page. Without, the browser asks our endpoint for one, and GUEST_PARAMS decides;
    `custom_context` is handed to it. Raises what `tokens.guest_token` raises.
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
    `tokens.guest_token` raises, and InvalidEmbed for an unknown parameter.
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
