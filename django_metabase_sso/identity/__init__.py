"""Whose e-mail address is whose."""

from __future__ import annotations
