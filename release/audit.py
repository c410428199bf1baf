"""`make audit` looks for known vulnerabilities in the dependencies, with pip-audit.

pip-audit says "No known vulnerabilities found" and exits with 0 even if the service does not know
any of the packages. This command prints which packages were not audited. With `--strict`, it then
fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def verdict(report: str) -> tuple[list[str], list[str], list[str]]:
    """Return the packages that pip-audit audited, those that it did not, and the vulnerabilities.

    The first two lists have names, and the third a line for each vulnerability. All are empty for
    an empty report, which pip-audit leaves if it cannot reach the service.
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
    """Audit the newest dependencies that pyproject.toml allows; return the exit status.

    `--strict` in `arguments` makes it fail if a package could not be audited.
    """
    command = ["-m", "pip_audit", "--progress-spinner=off", "--format=json", str(ROOT)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    audited, unknown, vulnerable = verdict(done.stdout)
    if vulnerable:
        print("audit: VULNERABLE:", *vulnerable, sep="\n  ")
        return 1
    if audited:
        print("audit: no known vulnerabilities in", ", ".join(audited))
    if unknown:
        print(
            "audit: NOT AUDITED, because the vulnerability service does not know them:",
            ", ".join(unknown),
        )
    if not audited and not unknown:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print("audit: NOT AUDITED, because pip-audit failed:", reason)
    return int("--strict" in arguments and (bool(unknown) or not audited))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
