"""What the two clients have in common: the arguments, and a method for each of HTTP's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

import httpx

from django_metabase_sso.client.calls import TIMEOUT, Options, Timeout
from django_metabase_sso.client.store import Store

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest
    from typing_extensions import Unpack

Http = TypeVar("Http", bound=httpx.Client | httpx.AsyncClient)
Transport = TypeVar("Transport", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)
Answer_co = TypeVar("Answer_co", covariant=True)


class BaseClient(ABC, Generic[Http, Transport, Answer_co]):
    """`request` does everything, and has the documentation."""

    def __init__(
        self,
        user: AbstractBaseUser,
        request: HttpRequest | None = None,
        *,
        cache: str = "default",
        timeout: Timeout = TIMEOUT,
        transport: Transport | None = None,
    ) -> None:
        self._store = Store(user, request, cache)
        self._timeout = timeout
        self._transport = transport
        self._opened: Http | None = None

    @property
    def _http(self) -> Http:
        if self._opened is None:
            raise RuntimeError(
                "use the client in a block: with MetabaseClient(user) as client, "
                "or async with AsyncMetabaseClient(user) as client"
            )
        return self._opened

    @abstractmethod
    def request(self, method: str, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a request as the user."""

    def get(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a GET request as the user, again where the connection fails; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a POST request as the user; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a PUT request as the user; see `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a PATCH request as the user; see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a DELETE request as the user; see `request`."""
        return self.request("DELETE", path, **options)
