"""The methods that the two clients have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from django_metabase_sso.client.calls import Options

if TYPE_CHECKING:
    from typing_extensions import Unpack

Answer_co = TypeVar("Answer_co", covariant=True)


class Verbs(ABC, Generic[Answer_co]):
    """One method for each of HTTP's; `request` has the documentation."""

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
