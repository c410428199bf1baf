"""Connections that stay open and that all users share, as between a proxy and its server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, final

HEAD = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
    "Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: cross-site\r\nOrigin: https://app.example.com\r\n"
)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers in lower case, and the JSON."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


@final
class Pool:
    """`size` connections to a port of this machine. Each request takes the one idle longest."""

    def __init__(self, port: int, size: int) -> None:
        self.port = port
        self.size = size
        self._idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]

    async def __aenter__(self) -> Pool:
        self._idle = asyncio.Queue()
        for _ in range(self.size):
            self._idle.put_nowait(await asyncio.open_connection("127.0.0.1", self.port))
        return self

    async def __aexit__(self, *exception: object) -> None:
        while not self._idle.empty():
            _, writer = self._idle.get_nowait()
            writer.close()

    async def get(self, path: str, cookie: str = "") -> Answer:
        """Return the answer; OSError, EOFError or ValueError when there is none."""
        reader, writer = await self._idle.get()
        try:
            line = f"Cookie: {cookie}\r\n" if cookie else ""
            writer.write(f"{HEAD.format(path=path)}{line}\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), timeout=60)
            first, *fields = head.decode().strip().split("\r\n")
            headers = {key.lower(): value for key, value in (f.split(": ", 1) for f in fields)}
            body = await reader.readexactly(int(headers["content-length"]))
        except BaseException:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            raise
        finally:
            self._idle.put_nowait((reader, writer))
        return Answer(int(first.split()[1]), headers, json.loads(body))
