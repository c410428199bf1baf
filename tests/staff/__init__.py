"""An app with a proxy of Django's own user model, which needs a migration of its own."""

from __future__ import annotations
