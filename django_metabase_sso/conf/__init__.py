"""`METABASE_SSO`: the settings, their validation, secrets and addresses."""

from __future__ import annotations

from django_metabase_sso.conf.settings import conf

__all__ = ["conf"]
