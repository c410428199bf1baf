"""The client as an app of its own: named in INSTALLED_APPS, it follows Django's sign-out."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

__all__ = ["MetabaseClientConfig"]


class MetabaseClientConfig(AppConfig):
    """Drops the sessions that the client keeps for a user who signs out of Django.

    `cache` is the alias of the cache that keeps them, for the clients as well; a subclass names
    another one.
    """

    name = "django_metabase_sso.client"
    label = "metabase_sso_client"
    verbose_name = _("Metabase single sign-on")
    cache = "default"

    def ready(self) -> None:
        follow_logout()


def follow_logout() -> None:
    """Let Django's sign-out drop the sessions that the client keeps for the user."""
    from django.contrib.auth.signals import user_logged_out

    from django_metabase_sso.client.sessions import drop_on_logout

    user_logged_out.connect(drop_on_logout, dispatch_uid="django_metabase_sso.client")
