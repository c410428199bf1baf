"""Calls to Metabase with `API_KEY`. Each failure has a sentence that says how to fix it."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

try:
    import httpx
except ImportError as error:
    message = "httpx is required: pip install 'django-metabase-sso[client]'"
    raise ImportError(message) from error

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import (
    API_KEY_HEADER,
    LOCALE_HEADER,
    PROPERTIES,
    parse_origin,
)
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import BadSetting, MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.troubleshooting import message_in, quoted

TIMEOUT: Final = 30.0  # seconds, for commands; the background thread has a shorter one
LARGEST: Final = 32 * 1024 * 1024  # bytes of a response
NEWEST: Final = 65  # the newest version of Metabase whose settings are known
JSON: Final = {"Content-Type": "application/json"}
KEY_HINT: Final = (
    "Create an API key for the group Administrators (in Metabase: Admin > Settings >"
    ' Authentication > API keys), and write "API_KEY": os.environ["METABASE_API_KEY"].'
)
NOT_METABASE: Final = (
    "A server other than Metabase, or a proxy in front of it, responds at"
    " METABASE_SSO['INSTANCE_URL']."
)
CURES: Final[dict[int, tuple[str, str]]] = {
    401: ("Metabase does not know the API key.", KEY_HINT),
    402: (
        "This feature is not part of this Metabase's plan.",
        "It needs a Pro or Enterprise plan with a valid license token.",
    ),
    403: (
        "The group of the API key does not have this permission.",
        "Move the API key to the group Administrators.",
    ),
    404: (
        "This Metabase does not have this endpoint, or nothing with this id.",
        "Compare its version and plan with the table in docs/operating.md.",
    ),
}


@dataclass(frozen=True)
class Answer:
    """A response that has been read completely. `call` is its request, without the query."""

    call: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_html(self) -> bool:
        return bool(self.content) and "html" in self.headers.get("Content-Type", "").lower()

    def text(self) -> str:
        """Return the message of a refusal, safe for a terminal, or "" if it is HTML."""
        if self.is_html:
            return ""
        return quoted(message_in(self.content.decode(errors="replace")))


class Api:
    """Metabase's API for administrators. Created by `opened`. It never shows the key."""

    def __init__(self, client: httpx.Client, timeout: float, within: float) -> None:
        self._client = client
        self._timeout = timeout
        self._ends = time.monotonic() + within

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Send a GET request, and return the JSON. Raises MetabaseUnavailable, MetabaseRefused."""
        return _parsed(self._send("GET", path, params=params))

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Send a PUT request. Raises MetabaseUnavailable and MetabaseRefused."""
        _check(self._send("PUT", path, body=body))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a POST request, return the JSON. Raises MetabaseUnavailable, MetabaseRefused."""
        return _parsed(self._send("POST", path, body=body))

    def delete(self, path: str) -> None:
        """Send a DELETE request. Raises MetabaseUnavailable and MetabaseRefused."""
        _check(self._send("DELETE", path))

    def properties(self) -> dict[str, Any]:
        """Return Metabase's public properties, or none if the response is something else."""
        found = self.get(PROPERTIES)
        return found if isinstance(found, dict) else {}

    def version(self) -> int:
        """Return Metabase's major version (65 for `v1.65.3`), or NEWEST for an unnamed build."""
        version = self.properties().get("version")
        tag = version.get("tag") if isinstance(version, dict) else None
        return version_of(str(tag))

    def probe(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
        """Return the text of any response, including refusals."""
        return self._send(method, path, body=body).content.decode(errors="replace")

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        call, problem = f"{method} {path}", ""
        left = max(0.001, min(self._timeout, self._ends - time.monotonic()))
        ends = time.monotonic() + left
        try:
            with self._client.stream(
                method, path, params=params, content=_encoded(body), headers=JSON, timeout=left
            ) as response:
                content = b""
                for chunk in response.iter_bytes():
                    content += chunk
                    if time.monotonic() > ends or len(content) > LARGEST:
                        problem = "the response does not end. Check that this is Metabase."
                        break
                else:
                    return Answer(call, response.status_code, response.headers, content)
        except httpx.TimeoutException:
            problem = "the response took too long. Check the firewall and the load of the server."
        except httpx.ConnectError as error:
            problem = (
                f"the connection failed ({quoted(error)}). Check that Metabase is running, and"
                " METABASE_SSO['INSTANCE_URL']."
            )
        except httpx.HTTPError as error:
            problem = (
                f"the response was cut off ({type(error).__name__}). Look into Metabase's log."
            )
        # Raised outside of the except block: exceptions of httpx contain the request and the key.
        raise MetabaseUnavailable(f"Metabase, {call}: {problem}")


@contextmanager
def opened(
    timeout: float = TIMEOUT,
    *,
    within: float = math.inf,
    proxy: tuple[str, Mapping[str, str]] | None = None,
) -> Iterator[Api]:
    """Open connections to the instance with API_KEY.

    `timeout` is in seconds for each call, `within` for all calls together.

    The key is sent to INSTANCE_URL only: redirects are not followed, and proxies from the
    environment are not used. `proxy` is the address of a proxy, and headers for it. Raises
    BadSetting without a key, or if it would be sent to another machine over plain http.
    """
    instance = conf.INSTANCE_URL
    with httpx.Client(
        base_url=str(instance),
        headers={
            API_KEY_HEADER: _key().reveal().decode(),
            LOCALE_HEADER: "en",
            "Accept": "application/json",
            "User-Agent": "django-metabase-sso",
        },
        timeout=timeout,
        proxy=None if proxy is None else httpx.Proxy(proxy[0], headers=dict(proxy[1])),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
    ) as client:
        yield Api(client, timeout, within)


def version_of(tag: str) -> int:
    """Return the major version in a tag such as `v1.65.3` or `v0.56.0-RC2`, or else NEWEST."""
    found = re.match(r"v?[01]\.(\d+)", tag)
    return int(found[1]) if found else NEWEST


def _encoded(body: Mapping[str, Any] | None) -> bytes | None:
    """Return a body as JSON. Secrets are revealed only here: error pages show variables."""
    return None if body is None else json.dumps(body, default=_revealed).encode()


def _revealed(value: Any) -> str:
    if isinstance(value, Secret):
        return value.reveal().decode()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _key() -> Secret:
    key = conf.API_KEY
    if key is None:
        raise BadSetting("metabase_sso.E032", "METABASE_SSO['API_KEY'] is missing.", KEY_HINT)
    origin = conf.INSTANCE_URL.origin
    if origin.startswith("http:") and not parse_origin(origin).is_local:
        raise BadSetting(
            "metabase_sso.E032",
            "METABASE_SSO['API_KEY'] is not sent over http, because others could read it on the"
            " network.",
            f'Write "INSTANCE_URL": "https{str(conf.INSTANCE_URL)[4:]}".',
        )
    return key


def _check(answer: Answer) -> None:
    """Raise MetabaseUnavailable or MetabaseRefused, unless the response is a success."""
    call, status = answer.call, answer.status
    if 300 <= status < 400:
        raise MetabaseUnavailable(
            f"Metabase, {call}: the response is a redirect ({status}), which is not followed"
            " because it would send the API key to another address. Set"
            " METABASE_SSO['INSTANCE_URL'] to Metabase's final address.",
            status,
        )
    if status >= 500:
        message = f"Metabase, {call}: the server failed ({status}). Look into Metabase's log."
        raise MetabaseUnavailable(message, status)
    if status >= 400:
        raise MetabaseRefused(call, status, answer.text(), *CURES.get(status, ()))
    if answer.is_html:
        message = f"Metabase, {call}: the response is HTML instead of JSON. {NOT_METABASE}"
        raise MetabaseUnavailable(message, status)


def _parsed(answer: Answer) -> Any:
    _check(answer)
    try:
        return json.loads(answer.content) if answer.content else None
    except (ValueError, RecursionError):
        pass
    raise MetabaseUnavailable(
        f"Metabase, {answer.call}: the response is not JSON. {NOT_METABASE}", answer.status
    )
