"""System checks: the problems that would otherwise show as a 500, or not at all.

Each registers itself when it is imported; `deploy` ones run under `manage.py check --deploy`.
"""

from __future__ import annotations

from django_metabase_sso.checks import pages, project, settings, users  # noqa: F401
