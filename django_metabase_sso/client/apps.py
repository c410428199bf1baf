"""The app for INSTALLED_APPS that drops the client's sessions when users sign out of Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

__all__ = ["MetabaseClientConfig"]


class MetabaseClientConfig(AppConfig):
    """Drops the Metabase sessions of a user who signs out of Django.

    `cache` is the alias of the cache that the clients use. Override it in a subclass.
    """

    name = "django_metabase_sso.client"
    label = "metabase_sso_client"
    verbose_name = _("Metabase single sign-on")
    cache = "default"

    def ready(self) -> None:
        follow_logout()


def follow_logout() -> None:
    """Drop the sessions that the client keeps for a user when the user signs out of Django."""
    from django.contrib.auth.signals import user_logged_out

    from django_metabase_sso.client.sessions import drop_on_logout

    user_logged_out.connect(drop_on_logout, dispatch_uid="django_metabase_sso.client")
