"""Finds the log records of the package in its source."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import get_args

import django_metabase_sso
from django_metabase_sso.exceptions import RefusalCode
from django_metabase_sso.http import guest_body
from django_metabase_sso.views import GuestTokenView

PACKAGE = Path(django_metabase_sso.__file__).parent
LOGGING = re.compile(
    r"_?log\w*\.(debug|info|warning|error|exception|critical|log)$", re.IGNORECASE
)


def log_calls() -> dict[str, str]:
    """Return the source of each call of a logger, by file and line."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and LOGGING.match(ast.unparse(node.func)):
                found[f"{file.relative_to(PACKAGE)}:{node.lineno}"] = ast.unparse(node)
    return found


def guest_codes() -> set[str]:
    """Return the codes with which the guest endpoint refuses requests."""
    source = inspect.getsource(GuestTokenView) + inspect.getsource(guest_body)
    return set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source))


def logged_codes() -> set[str]:
    """Return all codes that a log record can have."""
    called = re.findall(r"'code': '([a-z-]+)'", "".join(log_calls().values()))
    return {*get_args(RefusalCode), *called, *guest_codes()}
