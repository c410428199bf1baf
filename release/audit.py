"""`make audit`: known vulnerabilities in what the package runs on, by pip-audit.

pip-audit says "No known vulnerabilities found" and exits with 0, too, where the service knows none
of the packages. Here what could not be looked up is said, and fails with `--strict` alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def verdict(report: str) -> tuple[list[str], list[str], list[str]]:
    """Return what pip-audit's JSON says: audited, not audited, and found vulnerable.

    The first two are names, the last one line for each vulnerability. An empty report, which is
    what it leaves when the service cannot be reached, has none of them.
    """
    audited, unknown, vulnerable = [], [], []
    for entry in json.loads(report or '{"dependencies": []}')["dependencies"]:
        if "skip_reason" in entry:
            unknown.append(entry["name"])
            continue
        name = f"{entry['name']} {entry['version']}"
        audited.append(name)
        for found in entry["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            vulnerable.append(f"{name}: {found['id']}, fixed in {fixed}")
    return audited, unknown, vulnerable


def main(arguments: list[str]) -> int:
    """Audit the newest dependencies that pyproject.toml allows; return the exit status."""
    command = ["-m", "pip_audit", "--progress-spinner=off", "--format=json", str(ROOT)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    audited, unknown, vulnerable = verdict(done.stdout)
    if vulnerable:
        print("audit: VULNERABLE:", *vulnerable, sep="\n  ")
        return 1
    if audited:
        print("audit: no known vulnerability in", ", ".join(audited))
    if unknown:
        print("audit: NOT AUDITED, unknown to the vulnerability service:", ", ".join(unknown))
    if not audited and not unknown:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print("audit: NOT AUDITED, pip-audit could not do its work:", reason)
    return int("--strict" in arguments and (bool(unknown) or not audited))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
