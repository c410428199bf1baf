"""What `make audit` makes of pip-audit's answer."""

from __future__ import annotations

import json

from release.audit import verdict


def test_verdict() -> None:
    vulns = [
        {"id": "PYSEC-2026-1", "fix_versions": ["5.2.1", "6.0.2"], "aliases": []},
        {"id": "PYSEC-2026-2", "fix_versions": []},
    ]
    report = {
        "dependencies": [
            {"name": "django", "version": "5.2", "vulns": vulns},
            {"name": "pyjwt", "version": "2.10.0", "vulns": []},
            {"name": "asgiref", "skip_reason": "Dependency not found"},
        ]
    }
    assert verdict(json.dumps(report)) == (
        ["django 5.2", "pyjwt 2.10.0"],
        ["asgiref"],
        [
            "django 5.2: PYSEC-2026-1, fixed in 5.2.1, 6.0.2",
            "django 5.2: PYSEC-2026-2, fixed in no version yet",
        ],
    )


def test_no_answer() -> None:
    assert verdict("") == ([], [], [])
