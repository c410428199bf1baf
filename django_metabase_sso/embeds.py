"""Every function behind a template tag.

These are plain functions, so views and Jinja2 can use them as well. A page that contains a token
is for one user only, so it is kept out of Django's caches.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from django_metabase_sso.access import Access
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import EMBED_SCRIPT, SIGN_OUT, STATIC_EMBED, site_of
from django_metabase_sso.exceptions import AccessRefused, InvalidEmbed, InvalidReturnTo
from django_metabase_sso.http.endpoints import INCLUDE, Kind, path_of, routes
from django_metabase_sso.http.guest_body import written_context
from django_metabase_sso.http.requests import FRAME_MARK, is_from_this_machine
from django_metabase_sso.http.responses import keep_private
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
from django_metabase_sso.values.components import check_options
from django_metabase_sso.values.elements import (
    TokenHTML,
    attributes_of,
    element,
    to_json,
    written,
)
from django_metabase_sso.values.frames import (
    ATTRIBUTES,
    appearance_fragment,
    frame_attributes,
    interface_query,
)

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


def embed_config(  # noqa: PLR0913 - each is a key of Metabase's
    *,
    request: HttpRequest | None = None,
    guest: bool = False,
    theme: Mapping[str, Any] | None = None,
    locale: str | None = None,
    preferred_auth_method: Literal["jwt", "saml"] | None = None,
    allowed_custom_visualizations: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return Metabase's `metabaseConfig`, with paths on this site instead of whole URLs.

    `config.js` completes the paths in the browser: the host of a request would be wrong behind a
    TLS proxy, and a cached page could keep the host of an attacker's request. Set `guest` for
    guest embeds, which fetch their tokens from the guest token view when GUEST_PARAMS is set.
    `preferred_auth_method` is "jwt" unless you pass "saml". `request` is required with
    DEVELOPMENT_API_KEY, which replaces signing in for requests from this machine. Raises
    InvalidEmbed for options that cannot be combined.
    """
    if guest and (preferred_auth_method or allowed_custom_visualizations):
        raise InvalidEmbed(
            "Guest embeds do not support preferred_auth_method and allowed_custom_visualizations."
        )
    config: dict[str, Any] = {"instanceUrl": str(conf.INSTANCE_URL), "isGuest": bool(guest)}
    if not guest:
        config.update(_sign_in(request, preferred_auth_method))
    elif conf.GUEST_PARAMS is not None:
        config["guestEmbedProviderUri"] = _path("guest_token")
    options = {
        "theme": theme,
        "locale": locale,
        "allowedCustomVisualizations": allowed_custom_visualizations,
    }
    config.update({key: value for key, value in options.items() if value})
    to_json("metabase_config", config)
    return config


def _sign_in(request: HttpRequest | None, method: str | None) -> dict[str, Any]:
    """Return the part of the configuration that says how components sign in."""
    if key := _development_api_key(request):
        return {"apiKey": key}  # embed.js refuses it beside preferredAuthMethod
    if method == "saml":
        return {"preferredAuthMethod": "saml"}
    if method not in (None, "jwt"):
        raise InvalidEmbed(f'preferred_auth_method must be "jwt" or "saml", not {method!r}.')
    # If this were not written, Metabase would prefer SAML where it is on.
    return {"preferredAuthMethod": "jwt", "jwtProviderUri": _path("sso")}


def _development_api_key(request: HttpRequest | None) -> Token | None:
    secret = conf.DEVELOPMENT_API_KEY
    if secret is None:
        return None
    if request is None:
        raise InvalidEmbed(f"With DEVELOPMENT_API_KEY, the tag needs the request. {ADD_REQUEST}")
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
    """Return the two scripts that a page needs once, with `embed_config(**options)` in them.

    `nonce` is the nonce of the page's Content-Security-Policy. With `inline`, the page contains
    the first script instead of loading it, for sites that do not serve static files.
    """
    # Browsers ignore the nonce of a script with "<script" in an attribute (CSP, "is nonceable").
    data = to_json("metabase_config", embed_config(**options)).replace("<", r"\u003C")
    attributes = {"data-config": data}
    if nonce:
        attributes["nonce"] = nonce
    if inline:
        first = written("script", attributes, _source())
    else:
        first = written("script", {"defer": "", "src": static(SCRIPT), **attributes})
    attributes["src"] = f"{conf.INSTANCE_URL}{EMBED_SCRIPT}"
    del attributes["data-config"]
    return format_html("{}{}", first, written("script", {"defer": "", **attributes}))


@cache
def _source() -> SafeString:
    return SafeString((Path(__file__).parent / "static" / SCRIPT).read_text(encoding="utf-8"))


def dashboard_html(dashboard_id: int | str, **options: Any) -> SafeString:
    """Return a `<metabase-dashboard>`; the options are its attributes, such as `with_title`."""
    return _component("metabase-dashboard", {"dashboard_id": clean_id(dashboard_id)}, options)


def question_html(question_id: int | str, **options: Any) -> SafeString:
    """Return a `<metabase-question>`; "new" is the query builder, "new-native" the SQL editor."""
    is_editor = question_id in ("new", "new-native")
    cleaned = question_id if is_editor else clean_id(question_id)
    return _component("metabase-question", {"question_id": cleaned}, options)


def browser_html(**options: Any) -> SafeString:
    """Return a `<metabase-browser>`, which lists collections; it needs `initial_collection`."""
    if options.get("initial_collection") is None:
        example = '{% metabase_browser initial_collection="root" %}'
        raise InvalidEmbed(f"metabase_browser needs an initial collection: write {example}.")
    return _component("metabase-browser", {}, options)


def metabot_html(**options: Any) -> SafeString:
    """Return a `<metabase-metabot>`."""
    return _component("metabase-metabot", {}, options)


def _component(name: str, item: Mapping[str, Any], options: Mapping[str, Any]) -> SafeString:
    check_options(name, options)
    return element(name, {**item, **options}, _notice())


def _notice() -> SafeString:
    """Return what a component shows until Metabase renders it, if DEBUG is on.

    It is the fallback content of a slot, which the browser hides once the component has a frame.
    """
    if not settings.DEBUG:
        return SafeString("")
    return format_html(
        '<template shadowrootmode="open"><slot>Metabase has not rendered this yet. If this text'
        " stays, {} is missing from the page, or the browser could not load {} or {}: look at the"
        " browser's console. (This text is shown because DEBUG is on.)</slot></template>",
        "{% metabase_config %}",
        static(SCRIPT),
        f"{conf.INSTANCE_URL}{EMBED_SCRIPT}",
    )


def access(request: HttpRequest) -> Access:
    """Return whether the user of `request` would get a token, as the view would decide.

    Nothing is signed and no signal is sent. The cost is that of the view: a query for uniqueness,
    and the work of the project's callables. Exceptions of these callables are raised, except
    refusals.
    """
    found = routes("sso")
    if not found:
        raise _not_in_urls()
    view = found[0].view()
    request = copy.copy(request)  # the view sets request.user
    try:
        user = view.user(request)
        if user is None:
            raise AccessRefused("not-authenticated", "not authenticated")  # noqa: TRY301
        view.grant(user, request)
    except AccessRefused as refused:
        message = refused.message
        if refused.code == "not-authenticated":  # its message is not for people
            message = gettext("You must be signed in to see this.")
        return Access(allowed=False, code=refused.code, message=message)
    return Access(allowed=True)


def embed_url(path: str, **interface: Any) -> str:
    """Return the path of the sign-in view that leads to a page of Metabase, `/dashboard/1?tab=2`.

    `interface` are Metabase's parameters for the parts around the page, such as `top_nav=False`.
    Raises InvalidEmbed for an unknown parameter, and for a path that is not a page of Metabase.
    """
    return f"{_path('sso')}?{_return_to(path, interface_query(interface))}"


def iframe_html(
    path: str, *, title: str | None = None, request: HttpRequest | None = None, **options: Any
) -> SafeString:
    """Return a frame that signs the user in and shows a page of Metabase with its navigation.

    Screen readers read `title` aloud. The options are those of `embed_url`, and attributes of the
    frame, such as width, height and class.
    """
    if not isinstance(path, str):
        raise InvalidEmbed(f"{path!r} is not a page of Metabase. Write its path: /dashboard/1.")
    if not title:
        example = '{% metabase_iframe "/dashboard/1" title="Sales" %}'
        raise InvalidEmbed(f"A frame needs a title for screen readers: write {example}.")
    frame = {key: options.pop(key) for key in ATTRIBUTES & options.keys()}
    # On plain http, browsers do not send the headers that say that a request is for a frame.
    query = f"{FRAME_MARK}&{_return_to(path, interface_query(options, ATTRIBUTES))}"
    if settings.DEBUG and request is not None:
        _warn_other_site(request)
    return written("iframe", frame_attributes(f"{_path('sso')}?{query}", title, frame))


def logout_html() -> SafeString:
    """Return a hidden frame that ends the Metabase session of this browser.

    This works only when Django and Metabase are on the same site: otherwise browsers do not send
    Metabase's cookie in a frame.
    """
    frame = {"hidden": "", "width": 0, "height": 0, "loading": None, "frameborder": None}
    source = f"{conf.INSTANCE_URL}{SIGN_OUT}"
    return written("iframe", frame_attributes(source, "Signs out of Metabase", frame))


def _path(kind: Kind) -> str:
    path = path_of(kind)
    if path is None:
        raise _not_in_urls()
    return path


def _not_in_urls() -> InvalidEmbed:
    return InvalidEmbed(
        f"No URL of this project leads to the view that embeds use: add {INCLUDE} to"
        " urlpatterns. Its path must not have parameters."
    )


def _return_to(path: str, query: str) -> str:
    page, hash_sign, fragment = path.partition("#")
    joined = "&" if "?" in page else "?"
    target = quote(f"{page}{joined if query else ''}{query}{hash_sign}{fragment}", safe="")
    try:
        clean_return_to((target,), conf.INSTANCE_URL)
    except InvalidReturnTo as invalid:
        text = f"{path!r} is not a page of Metabase. {invalid} Write its path: /dashboard/1."
        raise InvalidEmbed(text) from None
    return f"return_to={target}"


def _warn_other_site(request: HttpRequest) -> None:
    here, there = request.get_host(), conf.INSTANCE_URL.host
    if site_of(here) != site_of(there):
        logger.warning(
            "metabase_iframe: %s and %s are different sites. Safari and other browsers that block"
            " third-party cookies will keep asking users to sign in inside this frame. Use web"
            " components ({%% metabase_dashboard %%}), or serve both from one site.",
            here,
            there,
            extra={"code": "other-site", "user_id": None},
        )


def guest_dashboard_html(
    request: HttpRequest | None, dashboard_id: EntityId, params: object = None, **options: Any
) -> SafeString:
    """Return a `<metabase-dashboard>` for visitors without a Metabase account.

    With `params` (a mapping, see `values.parameters.clean_parameters`), a token is signed for this
    page. Without it, the browser requests a token from the guest token view, and GUEST_PARAMS
    decides; it receives `custom_context`, which can be any JSON value. Raises the exceptions of
    `tokens.guest_token`.
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
    """Return the address of a static embed, with a token in it. For Metabase 55 and older.

    `appearance` are Metabase's parameters after the `#`, such as `bordered=True`. Raises the
    exceptions of `tokens.guest_token`, and InvalidEmbed for an unknown parameter.
    """
    fragment = appearance_fragment(appearance)
    token = guest_token(entity_type, entity_id, params)
    return Token(f"{conf.INSTANCE_URL}{STATIC_EMBED}/{entity_type}/{token}{fragment}")


def static_iframe_html(
    request: HttpRequest | None,
    *,
    dashboard: EntityId | None = None,
    question: EntityId | None = None,
    params: object = None,
    title: str = "Metabase",
    **options: Any,
) -> SafeString:
    """Return a frame with the static embed of one dashboard or one question.

    The options are those of `static_embed_url`, and attributes of the frame.
    """
    given: list[tuple[EntityType, EntityId | None]]
    given = [("dashboard", dashboard), ("question", question)]
    items = [(entity_type, item) for entity_type, item in given if item is not None]
    if len(items) != 1:
        example = "{% metabase_static_iframe dashboard=10 params=params %}"
        raise InvalidEmbed(f"Pass either dashboard or question: write {example}.")
    # Everything is checked before a token is signed: error pages show local variables.
    frame = {key: options.pop(key) for key in ATTRIBUTES & options.keys()}
    attributes = frame_attributes("", title, frame)
    appearance_fragment(options, ATTRIBUTES)
    _keep_private(request)
    source = static_embed_url(*items[0], params, **options)
    return TokenHTML(written("iframe", {**attributes, "src": source}))


def _keep_private(request: HttpRequest | None) -> None:
    if request is None:
        raise InvalidEmbed(f"A page with a token needs the request. {ADD_REQUEST}")
    keep_private(request)


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
        _keep_private(request)
        token = guest_token(entity_type, entity_id, params)
        return TokenHTML(written(name, {"token": token, **attributes}, _notice()))
    guest_secret()
    item = clean_id(entity_id)
    if conf.GUEST_PARAMS is None:
        raise InvalidEmbed(
            f"A guest {entity_type} needs params: write params={{}} if no filter is locked, or"
            " set METABASE_SSO['GUEST_PARAMS'] to a function that returns them."
        )
    if isinstance(item, str) and not conf.GUEST_ENTITY_IDS:
        raise InvalidEmbed(
            f"{item!r} is an entity ID, which the guest token view refuses: write the number of"
            " the item, or set METABASE_SSO['GUEST_ENTITY_IDS'] to True."
        )
    return written(name, {f"{entity_type}-id": str(item), **attributes}, _notice())
