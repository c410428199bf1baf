"""The stand-in's settings, read when they are used."""

from __future__ import annotations

from typing import Any

from django.conf import settings


class Conf:
    """One property for each STANDIN_* setting."""

    @property
    def site_url(self) -> str:
        return str(_setting("SITE_URL"))

    @property
    def jwt_shared_secret(self) -> str:
        return str(_setting("JWT_SHARED_SECRET"))

    @property
    def embedding_secret_key(self) -> str:
        return str(_setting("EMBEDDING_SECRET_KEY"))

    @property
    def jwt_identity_provider_uri(self) -> str:
        return str(_setting("JWT_IDENTITY_PROVIDER_URI"))

    @property
    def embedding_origins(self) -> list[str]:
        return list(_setting("EMBEDDING_ORIGINS"))

    @property
    def version_tag(self) -> str:
        return str(_setting("VERSION_TAG"))


def _setting(name: str) -> Any:
    return getattr(settings, f"STANDIN_{name}")


conf = Conf()
