"""A working site and a stand-in that is set up for it, which the faults then break."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from django.contrib.auth.models import User
from django.template import engines
from django.test import Client, RequestFactory
from pytest_django import Settings

from tests.helpers.configure import Configure
from tests.helpers.reports import APP
from tests.servers.site import Site
from tests.servers.standin import Metabase
from tests.settings import SECRET

Kind = Literal["own pages", "front end", "proxy"]
KEY = "mb_demo-only-api-key-not-for-production="
API = "https://api.example.com"
COMPONENT = "{% load metabase %}{% metabase_config %}{% metabase_dashboard 1 %}"
LOAD = "{% load metabase %}"
CONTEXT = {"nothing": {}, "region": {"region": "north"}}


@dataclass
class Working:
    """A working site, and everything in which a fault can be.

    `kind` says which pages embed Metabase. With "own pages", these are templates of the site on
    localhost. With "front end", they are pages of https://app.example.com, and the site is
    https://api.example.com, which cannot be reached. "proxy" is like "own pages", but with a
    proxy in front of Django that terminates TLS.
    """

    settings: Settings
    configure: Configure
    metabase: Metabase
    site: Site
    user: User
    kind: Kind
    folder: Path  # an empty one
    template: str = COMPONENT
    origin: str = ""  # of the pages that embed
    headers: dict[str, str] = field(default_factory=dict)  # of the request for a token
    query: str = "?response=json"
    until_the_end: ExitStack = field(default_factory=ExitStack)
    session: str = ""  # the cookie of somebody who signed in
    before: dict[str, Any] = field(default_factory=dict)  # METABASE_SSO

    def __post_init__(self) -> None:
        client = Client()
        client.force_login(self.user)
        self.session = client.cookies["sessionid"].value
        self.settings.ALLOWED_HOSTS = ["localhost"]
        self.settings.INSTALLED_APPS = [
            *self.settings.INSTALLED_APPS,
            "django_metabase_sso.contrib.email_index",
        ]
        self.configure(
            INSTANCE_URL=self.metabase.url,
            JWT_SHARED_SECRET=SECRET,
            ACCESS_POLICY="django_metabase_sso.policies.trust_emails",
        )
        provider = f"{self.site.url}/sso/metabase"
        if self.kind == "front end":
            provider = f"{API}/sso/metabase"
            self.settings.ALLOWED_HOSTS = ["api.example.com"]
            self.settings.SESSION_COOKIE_SECURE = True
            self.configure(ALLOWED_ORIGINS=[APP])
        if self.kind == "proxy":
            self.settings.SECURE_SSL_REDIRECT = True
            self.settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
            self.settings.SESSION_COOKIE_SECURE = True
        self.before = self.settings.METABASE_SSO
        self.metabase.reset()
        frames = f"{APP} https://www.example.com {self.site.url}"
        self.metabase.change(
            jwt_identity_provider_uri=provider, embedding_app_origins_interactive=frames
        )
        self.origin = APP if self.kind == "front end" else self.site.url

    def set(self, **values: Any) -> None:
        """Change Django's settings."""
        for name, value in values.items():
            setattr(self.settings, name, value)

    def leave_out(self, key: str) -> None:
        """Remove a key of METABASE_SSO."""
        kept = {name: value for name, value in self.settings.METABASE_SSO.items() if name != key}
        self.settings.METABASE_SSO = kept

    def sign_in(self) -> str:
        """Sign the user in as the SDK does; return "signed in", or where and how it ended."""
        origin = {"Origin": APP} if self.kind == "front end" else {}
        embed = {"X-Metabase-Client": "embedding-sdk-react", **origin}
        try:
            status, told, _ = self.ask("GET", "/auth/sso?preferred_method=jwt", embed)
        except (OSError, ValueError):
            return "Metabase does not answer"
        if status != 200:
            return f"Metabase: {status}"
        provider = urlsplit(told.get("url", ""))
        hosts = {"api.example.com", "api.other.example", urlsplit(self.site.url).netloc}
        if told.get("method") != "jwt" or provider.netloc not in hosts:
            return "the browser asks another address"
        secure = provider.scheme == "https"
        client = Client(raise_request_exception=False)
        client.cookies["sessionid"] = self.session
        response: Any = client.get(
            f"{provider.path}{self.query}",
            secure=secure,
            headers={"Host": provider.netloc, **origin, **self.headers},
        )
        if "jwt" not in self.read(response):
            return f"the site: {self.said(response)}"
        if origin and response.get("Access-Control-Allow-Origin") != APP:
            return "the site: not readable (CORS)"
        return self.bring(self.read(response)["jwt"], embed, origin)

    def bring(self, token: str, embed: dict[str, str], origin: dict[str, str]) -> str:
        """Take a token to Metabase, and ask who is signed in."""
        status, found, said = self.ask("POST", "/auth/sso", embed, {"jwt": token})
        if status != 200:
            return f"Metabase: {status} {said[:80]}"
        session = {"X-Metabase-Session": str(found["id"]), **origin}
        _, user, _ = self.ask("GET", "/api/user/current", session)
        assert user["email"] == self.user.email.lower()
        preflight = {**origin, "Access-Control-Request-Method": "GET"}
        if origin and APP not in self.allowed(preflight):
            return "Metabase: not readable (CORS)"
        return "signed in"

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> tuple[int, dict[str, Any], str]:
        """Ask the instance in INSTANCE_URL as a browser does: status, JSON, message."""
        url = f"{(self.settings.METABASE_SSO or self.before)['INSTANCE_URL'] or ''}{path}"
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        request = Request(url, data, sent, method=method)
        try:
            with urlopen(request, timeout=30) as answer:
                status, content = answer.status, answer.read()
        except HTTPError as refused:
            status, content = refused.code, refused.read()
            refused.close()
        try:
            found = json.loads(content)
        except ValueError:
            found = {}
        return status, found if isinstance(found, dict) else {}, content.decode()

    def allowed(self, headers: dict[str, str]) -> str:
        """Return the origin that a preflight to Metabase's API lets in."""
        request = Request(
            f"{self.metabase.url}/api/user/current", headers=headers, method="OPTIONS"
        )
        with urlopen(request, timeout=30) as answer:
            return str(answer.headers.get("Access-Control-Allow-Origin", ""))

    @staticmethod
    def read(response: Any) -> dict[str, Any]:
        """Return the JSON of an answer of the site."""
        is_json = "json" in response.get("Content-Type", "")
        found: dict[str, Any] = response.json() if is_json else {}
        return found

    def said(self, response: Any) -> str:
        """Return status and code of an answer of the site."""
        code = self.read(response).get("code", "")
        return f"{response.status_code} {code}".strip()

    def page(self) -> str:
        """Return a page of the site as a template renders it, or what it raises instead."""
        request = RequestFactory().get("/page/", headers={"Host": urlsplit(self.site.url).netloc})
        request.user = self.user
        template = engines["django"].from_string(self.template)
        try:
            return template.render(CONTEXT, request)
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"


Step = Callable[[Working, str], object]
