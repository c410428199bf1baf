"""`make load`: 200 signed-in users at once, and nobody gets another's token.

Each of them asks again and again, over connections that all of them share, as behind a proxy, and
between them somebody who is not signed in. Once the secret stays, once it is switched during the
run. Exits with 1 for a single wrong answer. BENCH_REQUESTS sets how many tokens a run asks for.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from bench_site.crossing_settings import fingerprint
from pool import Pool
from seed import Person
from server import manage, running

USERS = 200
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "20000"))  # tokens in a run
SWITCHES = 5
ANONYMOUS_EVERY = 20
NO_ANSWER = (OSError, EOFError, ValueError, KeyError, TimeoutError, asyncio.TimeoutError)
PATH = "/sso/metabase?response=json"
PYTHON = (sys.executable, "-m")
GUNICORN = (
    *PYTHON,
    *("gunicorn", "--bind", "fd://{fd}", "--worker-class", "gthread", "--no-control-socket"),
    *("--workers", "2", "--threads", "4", "--log-level", "error"),
    # A connection that the server closes just as it is used again is the proxy's problem.
    *("--keep-alive", "75"),
    "django.core.wsgi:get_wsgi_application()",
)
UVICORN = (
    *PYTHON,
    *("uvicorn", "--fd", "{fd}", "--workers", "2", "--factory", "--log-level", "error"),
    *("--timeout-keep-alive", "75", "--lifespan", "off", "django.core.asgi:get_asgi_application"),
)
SERVERS = {
    "gunicorn, 2 workers, 4 threads": (GUNICORN, "0"),
    "uvicorn, 2 workers": (UVICORN, "1"),
}


@dataclass
class Secrets:
    """The secret that the site reads from a file, and those that it had before."""

    file: Path
    all: list[str] = field(default_factory=list)

    def switch(self) -> None:
        """Put a new secret in the place of the old one, in one step."""
        self.all.append(f"benchmark-only-secret-{len(self.all)}-0123456789abcdef0123456789")
        new = self.file.with_suffix(".new")
        new.write_text(self.all[-1])
        new.replace(self.file)

    def of(self, token: str) -> tuple[int, dict[str, Any]] | None:
        """Return which secret signed a token, and its claims; None when none did."""
        for number in reversed(range(len(self.all))):
            try:
                return number, jwt.decode(token, self.all[number], algorithms=["HS256"])
            except jwt.InvalidSignatureError:
                continue
        return None


@dataclass
class Run:
    """One run: who asks whom, and what came of it."""

    pool: Pool
    secrets: Secrets
    switches: int
    found: Counter[str] = field(default_factory=Counter)

    async def everybody(self, people: list[Person]) -> float:
        """Let all of them ask at once; return the seconds it took."""
        start = time.perf_counter()
        each = -(-REQUESTS // len(people))
        await asyncio.gather(*(self._person(person, each) for person in people))
        return time.perf_counter() - start

    async def _person(self, person: Person, count: int) -> None:
        for number in range(count):
            if number % ANONYMOUS_EVERY == 0:
                self.found[await self._anonymous()] += 1
            self.found[await self._token(person)] += 1
            due = (self.found["right"] * (self.switches + 1)) // REQUESTS
            if len(self.secrets.all) <= min(due, self.switches):
                self.secrets.switch()

    async def _token(self, person: Person) -> str:
        oldest = len(self.secrets.all) - 1
        try:
            response = await self.pool.get(PATH, person["django"])
        except NO_ANSWER as error:
            return f"error: {type(error).__name__}"
        if response.status != 200 or "no-store" not in response.headers["cache-control"]:
            return f"error: status {response.status}"
        signed = self.secrets.of(response.body["jwt"])
        if signed is None:
            return "signed with no secret"
        if signed[0] < oldest:  # the switch was over when the request was made
            return "signed with a secret of the past"
        return "right" if _is_own(signed[1], person) else "crossing"

    async def _anonymous(self) -> str:
        try:
            response = await self.pool.get(PATH)
        except NO_ANSWER as error:
            return f"error: {type(error).__name__}"
        is_refused = response.status == 401 and "jwt" not in response.body
        return "refused" if is_refused else "crossing to nobody"


def _is_own(claims: dict[str, Any], person: Person) -> bool:
    key = person["django"].removeprefix("sessionid=")
    return (claims["email"], claims["groups"], claims["cookie"]) == (
        person["email"].lower(),
        [f"group of {person['username']}"],
        fingerprint(key),
    )


async def load(port: int, people: list[Person], secrets: Secrets, switches: int) -> Counter[str]:
    """Make one run; print its row; return what was counted."""
    async with Pool(port, len(people)) as pool:
        run = Run(pool, secrets, switches)
        seconds = await run.everybody(people)
    tokens, refused = run.found["right"], run.found["refused"]
    wrong = run.found.total() - tokens - refused
    print(
        f"{switches} | {tokens:,} | {refused:,} | {wrong} | {seconds:.0f}"
        f" | {run.found.total() / seconds:.0f} |",
        flush=True,
    )
    return run.found - Counter({"right": tokens, "refused": refused})


def main() -> None:
    """Make the four runs; exit with 1 when one had a wrong answer."""
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        site = {"BENCH_SITE_SQLITE": f"{name}/bench.sqlite3"}
        people: list[Person] = json.loads(manage(["seed", "1000"], site))[:USERS]
        site["DJANGO_SETTINGS_MODULE"] = "bench_site.crossing_settings"
        print("| server | switches of the secret | tokens | 401 | wrong | s | requests/s |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for server, (command, is_asgi) in SERVERS.items():
            for switches in (0, SWITCHES):
                secrets = Secrets(Path(name) / "secret")
                secrets.switch()
                file = {"BENCH_SITE_SECRET_FILE": str(secrets.file)}
                extra = {**site, **file, "BENCH_SITE_CROSS": "1", "BENCH_SITE_ASGI": is_asgi}
                with running(extra, command) as port:
                    print(f"| {server} | ", end="")
                    wrong += asyncio.run(load(port, people, secrets, switches))
    if wrong:
        raise SystemExit(f"\nWrong: {dict(wrong)}")


if __name__ == "__main__":
    main()
