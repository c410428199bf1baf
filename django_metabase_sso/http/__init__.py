"""Reads requests and builds responses. Only this folder and the views use HTTP."""

from __future__ import annotations
