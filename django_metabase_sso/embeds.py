"""Every function behind a template tag.

Plain functions, for views and for Jinja2; `{% load metabase %}` has a tag for each. A page with a
token in it belongs to one person: it is kept out of Django's caches.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import site_of
from django_metabase_sso.exceptions import AccessRefused, InvalidEmbed, InvalidReturnTo
from django_metabase_sso.http.endpoints import INCLUDE, Kind, path_of, routes
from django_metabase_sso.http.guest_body import written_context
from django_metabase_sso.http.requests import FRAME_MARK, is_from_this_machine
from django_metabase_sso.http.return_to import clean_return_to
from django_metabase_sso.signals import logger
from django_metabase_sso.tokens import (
    EntityId,
    EntityType,
    Token,
    clean_id,
    guest_secret,
    guest_token,
)
from django_metabase_sso.values.components import check_options, unknown
from django_metabase_sso.values.elements import attributes_of, element, text_of, to_json, written

__all__ = [
    "Access",
    "access",
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

ADD_REQUEST: Final = (
    'Add "django.template.context_processors.request" to the context processors, and render the'
    " page with the request."
)
SCRIPT: Final = "django_metabase_sso/config.js"
# Metabase's documentation, "full app embedding", UI components.
INTERFACE: Final = frozenset(
    "action_buttons additional_info breadcrumbs data_picker entity_types header locale logo"
    " new_button search side_nav top_nav".split()
)
FRAME: Final = frozenset("allow class height id loading name style width".split())


def embed_config(  # noqa: PLR0913 - each is a key of Metabase's
    *,
    request: HttpRequest | None = None,
    guest: bool = False,
    theme: Mapping[str, Any] | None = None,
    locale: str | None = None,
    preferred_auth_method: Literal["jwt", "saml"] | None = None,
    allowed_custom_visualizations: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return what Metabase calls `metabaseConfig`: with paths of this site, not with its host.

    A host that is taken from a request is wrong behind a TLS proxy, and dangerous in a cached
    page; `config.js` completes the paths in the browser. `guest` is for guest embeds, which ask
    our endpoint for tokens when GUEST_PARAMS is set. `preferred_auth_method` is "jwt" unless you
    say "saml". `request` is needed with DEVELOPMENT_API_KEY, which takes the place of signing in
    for requests from this machine. Raises InvalidEmbed for what does not go together.
    """
    if guest and (preferred_auth_method or allowed_custom_visualizations):
        raise InvalidEmbed(
            "Guest embeds have neither preferred_auth_method nor allowed_custom_visualizations."
        )
    config: dict[str, Any] = {"instanceUrl": str(conf.INSTANCE_URL), "isGuest": bool(guest)}
    if guest:
        if conf.GUEST_PARAMS is not None:
            config["guestEmbedProviderUri"] = _path("guest_token")
    elif key := _development_api_key(request):
        config["apiKey"] = key  # embed.js refuses it beside preferredAuthMethod
    elif preferred_auth_method in (None, "jwt"):  # with SAML on as well, Metabase would prefer it
        config["preferredAuthMethod"] = "jwt"
        config["jwtProviderUri"] = _path("sso")
    elif preferred_auth_method == "saml":
        config["preferredAuthMethod"] = "saml"
    else:
        raise InvalidEmbed(
            f'preferred_auth_method is "jwt" or "saml", not {preferred_auth_method!r}.'
        )
    options = {
        "theme": theme,
        "locale": locale,
        "allowedCustomVisualizations": allowed_custom_visualizations,
    }
    config.update({key: value for key, value in options.items() if value})
    to_json("metabase_config", config)
    return config


def _development_api_key(request: HttpRequest | None) -> Token | None:
    secret = conf.DEVELOPMENT_API_KEY
    if secret is None:
        return None
    if request is None:
        raise InvalidEmbed(f"With DEVELOPMENT_API_KEY, a page needs its request. {ADD_REQUEST}")
    if not is_from_this_machine(request):
        logger.warning(
            "METABASE_SSO['DEVELOPMENT_API_KEY'] is left out of a page: the request does not come"
            " directly from this machine (open http://localhost).",
            extra={"code": "development-api-key", "user_id": None},
        )
        return None
    keep_private(request)
    return Token(secret.reveal().decode())


def config_html(*, nonce: str = "", inline: bool = False, **options: Any) -> SafeString:
    """Return what has to be on a page once: both scripts, with `embed_config(**options)`.

    `nonce` is the one of the page's Content-Security-Policy, if it has one. With `inline` the
    first script stands in the page, for sites that do not serve static files.
    """
    # A nonce does not count on a script with "<script" in an attribute (CSP, "is nonceable").
    data = to_json("metabase_config", embed_config(**options)).replace("<", r"\u003C")
    attributes = {"data-config": data}
    if nonce:
        attributes["nonce"] = nonce
    if inline:
        first = written("script", attributes, _source())
    else:
        first = written("script", {"defer": "", "src": static(SCRIPT), **attributes})
    attributes["src"] = f"{conf.INSTANCE_URL}/app/embed.js"
    del attributes["data-config"]
    return format_html("{}{}", first, written("script", {"defer": "", **attributes}))


@cache
def _source() -> SafeString:
    return SafeString((Path(__file__).parent / "static" / SCRIPT).read_text(encoding="utf-8"))


def dashboard_html(dashboard_id: int | str, **options: Any) -> SafeString:
    """Return a `<metabase-dashboard>`; the options are its attributes, as `with_title`."""
    return _component("metabase-dashboard", {"dashboard_id": clean_id(dashboard_id)}, options)


def question_html(question_id: int | str, **options: Any) -> SafeString:
    """Return a `<metabase-question>`; "new" is the query builder, "new-native" the SQL editor."""
    is_editor = question_id in ("new", "new-native")
    cleaned = question_id if is_editor else clean_id(question_id)
    return _component("metabase-question", {"question_id": cleaned}, options)


def browser_html(**options: Any) -> SafeString:
    """Return a `<metabase-browser>`, for the collections; `initial_collection` is required."""
    if options.get("initial_collection") is None:
        example = '{% metabase_browser initial_collection="root" %}'
        raise InvalidEmbed(f"The collections need one to begin with: write {example}.")
    return _component("metabase-browser", {}, options)


def metabot_html(**options: Any) -> SafeString:
    """Return a `<metabase-metabot>`."""
    return _component("metabase-metabot", {}, options)


def _component(name: str, item: Mapping[str, Any], options: Mapping[str, Any]) -> SafeString:
    check_options(name, options)
    return element(name, {**item, **options}, _notice())


def _notice() -> SafeString:
    """Return what a component shows until Metabase has drawn it, while DEBUG is on.

    It is the fallback of a slot, which the browser hides as soon as the component has a frame.
    """
    if not settings.DEBUG:
        return SafeString("")
    return format_html(
        '<template shadowrootmode="open"><slot>Metabase has not drawn this yet. If this text'
        " stays, then the page has no {}, or the browser could not load {} or {}; its console"
        " says which. (You see this text because DEBUG is on.)</slot></template>",
        "{% metabase_config %}",
        static(SCRIPT),
        f"{conf.INSTANCE_URL}/app/embed.js",
    )


@dataclass(frozen=True)
class Access:
    """Whether a person may have a token; `code` and `message` say why not."""

    allowed: bool
    code: str = ""
    message: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def access(request: HttpRequest) -> Access:
    """Return whether the person who makes `request` would get a token, as the view would decide.

    Nothing is signed and no signal is sent. It costs what the view costs: a query for uniqueness,
    and what the project's callables do. Raises what these raise, except a refusal.
    """
    found = routes("sso")
    if not found:
        raise _not_in_urls()
    view = found[0].view()
    try:
        view.grant(copy.copy(request))  # it sets request.user
    except AccessRefused as refused:
        message = refused.message
        if refused.code == "not-authenticated":  # its message is for programs
            message = gettext("You must be signed in to see this.")
        return Access(allowed=False, code=refused.code, message=message)
    return Access(allowed=True)


def embed_url(path: str, **interface: Any) -> str:
    """Return our SSO address that leads to a page of Metabase, `/dashboard/1?tab=2` say.

    `interface` are Metabase's parameters for what is around the page (`top_nav=False`). Raises
    InvalidEmbed for an unknown one, and for what is not a page of this Metabase.
    """
    return f"{_path('sso')}?{_return_to(path, interface, INTERFACE)}"


def iframe_html(
    path: str, *, title: str | None = None, request: HttpRequest | None = None, **options: Any
) -> SafeString:
    """Return a frame that signs in and shows a page of Metabase with everything around it.

    `title` is read out to people who do not see the frame. The options are those of `embed_url`,
    and attributes of the frame (width, height, class and so on).
    """
    if not isinstance(path, str):
        raise InvalidEmbed(f"{path!r} is not a page of Metabase. Write its path: /dashboard/1.")
    if not title:
        example = '{% metabase_iframe "/dashboard/1" title="Sales" %}'
        raise InvalidEmbed(f"A frame needs a title, for screen readers: write {example}.")
    frame = {key: options.pop(key) for key in FRAME & options.keys()}
    # On plain http, browsers do not say of a request that it is for a frame.
    query = f"{FRAME_MARK}&{_return_to(path, options, INTERFACE | FRAME)}"
    if settings.DEBUG and request is not None:
        _warn_other_site(request)
    return written("iframe", _frame(f"{_path('sso')}?{query}", title, frame))


def logout_html() -> SafeString:
    """Return a hidden frame that ends the Metabase session of this browser.

    Only where the browser sends Metabase's cookie in it: when both are the same site.
    """
    frame = {"hidden": "", "width": 0, "height": 0, "loading": None, "frameborder": None}
    source = f"{conf.INSTANCE_URL}/auth/logout"
    return written("iframe", _frame(source, "Signs out of Metabase", frame))


def _path(kind: Kind) -> str:
    path = path_of(kind)
    if path is None:
        raise _not_in_urls()
    return path


def _not_in_urls() -> InvalidEmbed:
    return InvalidEmbed(
        f"The URLs of this project do not have the view that embeds use: add {INCLUDE} to"
        " urlpatterns. Its path must not have parameters."
    )


def _return_to(path: str, interface: Mapping[str, Any], known: frozenset[str]) -> str:
    for key in interface.keys() - INTERFACE:
        raise unknown("A full-app frame", key, known)
    query = urlencode({key: _interface_text(key, value) for key, value in interface.items()})
    page, hash_sign, fragment = path.partition("#")
    joined = "&" if "?" in page else "?"
    target = quote(f"{page}{joined if query else ''}{query}{hash_sign}{fragment}", safe="")
    try:
        clean_return_to((target,), conf.INSTANCE_URL)
    except InvalidReturnTo as invalid:
        text = f"{path!r} is not a page of Metabase. {invalid} Write its path: /dashboard/1."
        raise InvalidEmbed(text) from None
    return f"return_to={target}"


def _interface_text(key: str, value: object) -> str:
    return ",".join(value) if isinstance(value, list | tuple) else text_of(key, value)


def _frame(source: str, title: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes of a frame, as wide as the page lets it be."""
    defaults = {"loading": "lazy", "width": "100%", "height": 600, "frameborder": 0}
    return {"src": source, **attributes_of({"title": title, **defaults, **options})}


def _warn_other_site(request: HttpRequest) -> None:
    here, there = request.get_host(), conf.INSTANCE_URL.host
    if site_of(here) != site_of(there):
        logger.warning(
            "metabase_iframe: %s and %s are different sites. Safari, and other browsers without"
            " third-party cookies, will always ask for a sign-in in this frame. Use web"
            " components ({%% metabase_dashboard %%}), or serve both from one site.",
            here,
            there,
            extra={"code": "other-site", "user_id": None},
        )


# Metabase's documentation, "static embedding", customizing the appearance.
APPEARANCE: Final = frozenset(
    "background bordered downloads font hide_parameters locale refresh theme titled".split()
)


class TokenHTML(SafeString):
    """HTML with a token in it: a SafeString in every respect but its `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<HTML with a token>"

    def __getitem__(self, key: Any) -> TokenHTML:  # error trackers cut before they ask for it
        return TokenHTML(super().__getitem__(key))


def guest_dashboard_html(
    request: HttpRequest | None, dashboard_id: EntityId, params: object = None, **options: Any
) -> SafeString:
    """Return a `<metabase-dashboard>` for somebody without a Metabase account.

    With `params` (a mapping, see `values.parameters.clean_parameters`) a token is signed for this
    page. Without, the browser asks our endpoint for one, and GUEST_PARAMS decides; it gets
    `custom_context`, which may be anything that JSON can hold. Raises what `tokens.guest_token`
    raises.
    """
    return _guest(request, "dashboard", dashboard_id, params, options)


def guest_question_html(
    request: HttpRequest | None, question_id: EntityId, params: object = None, **options: Any
) -> SafeString:
    """Return a `<metabase-question>`, like `guest_dashboard_html`."""
    return _guest(request, "question", question_id, params, options)


def static_embed_url(
    entity_type: EntityType, entity_id: EntityId, params: object, **appearance: Any
) -> Token:
    """Return the address of a static embed, which Metabase 55 and older know; it has a token.

    `appearance` are Metabase's parameters behind the `#` (`bordered=True`). Raises what
    `tokens.guest_token` raises, and InvalidEmbed for an unknown parameter.
    """
    fragment = _appearance(appearance, APPEARANCE)
    token = guest_token(entity_type, entity_id, params)
    return Token(f"{conf.INSTANCE_URL}/embed/{entity_type}/{token}{fragment}")


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
    given: list[tuple[EntityType, EntityId | None]]
    given = [("dashboard", dashboard), ("question", question)]
    items = [(entity_type, item) for entity_type, item in given if item is not None]
    if len(items) != 1:
        example = "{% metabase_static_iframe dashboard=10 params=params %}"
        raise InvalidEmbed(f"Give dashboard or question, one of the two: write {example}.")
    # Whatever can be wrong is found before something is signed: error pages show local variables.
    frame = _frame("", title, {key: options.pop(key) for key in FRAME & options.keys()})
    _appearance(options, APPEARANCE | FRAME)
    keep_private(request)
    source = static_embed_url(*items[0], params, **options)
    return TokenHTML(written("iframe", {**frame, "src": source}))


def keep_private(request: HttpRequest | None) -> None:
    """Keep the page that answers `request` out of Django's caches: it holds a token.

    The session counts as read, so the answer varies on the cookie. `cache_page` around a view
    stores before that header is set, so it is told not to.
    """
    if request is None:
        raise InvalidEmbed(f"A page with a guest token needs its request. {ADD_REQUEST}")
    request = getattr(request, "_request", request)  # Django's own, inside REST framework's
    request._cache_update_cache = False  # type: ignore[union-attr]  # noqa: SLF001
    session = getattr(request, "session", None)
    if session is not None:
        session.accessed = True


def _appearance(options: Mapping[str, Any], known: frozenset[str]) -> str:
    """Return the part of the address of a static embed behind its token."""
    for key in options.keys() - APPEARANCE:
        raise unknown("A static embed", key, known)
    fragment = urlencode({key: text_of(key, value) for key, value in options.items()})
    return f"#{fragment}" if fragment else ""


def _guest(
    request: HttpRequest | None,
    entity_type: EntityType,
    entity_id: EntityId,
    params: object,
    options: dict[str, Any],
) -> SafeString:
    name = f"metabase-{entity_type}"
    check_options(name, options, "params", guests=True)
    if options.get("custom_context") is not None:
        options = {**options, "custom_context": written_context(options["custom_context"])}
    attributes = attributes_of(options)
    if params is not None:
        keep_private(request)
        token = guest_token(entity_type, entity_id, params)
        return TokenHTML(written(name, {"token": token, **attributes}, _notice()))
    guest_secret()
    item = clean_id(entity_id)
    if conf.GUEST_PARAMS is None:
        raise InvalidEmbed(
            f"A guest {entity_type} needs params: write params={{}} when it has no locked filter,"
            " or set METABASE_SSO['GUEST_PARAMS'], which is asked for them."
        )
    if isinstance(item, str) and not conf.GUEST_ENTITY_IDS:
        raise InvalidEmbed(
            f"{item!r} is an entity id, and the endpoint refuses these: write the item's number,"
            " or set METABASE_SSO['GUEST_ENTITY_IDS']."
        )
    return written(name, {f"{entity_type}-id": str(item), **attributes}, _notice())
