"""Run on the benchmark site with a request as it is sent: prints how many queries it makes."""

from __future__ import annotations

import sys

import django


def main() -> None:
    """Make the request in this process, after one that opens the connection."""
    django.setup()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    head, _, body = sys.argv[1].partition("\r\n\r\n")
    line, *fields = head.split("\r\n")
    method, path, _ = line.split()
    headers = dict(field.split(": ", 1) for field in fields)
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            response = Client().generic(
                method, path, body, headers["Content-Type"] if body else "", headers=headers
            )
        assert response.status_code == 200, response.status_code
    print(len(captured))


if __name__ == "__main__":
    main()
