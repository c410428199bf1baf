"""`METABASE_SSO`: settings, how they are read, secrets and addresses."""

from __future__ import annotations

from django_metabase_sso.conf.settings import conf

__all__ = ["conf"]
