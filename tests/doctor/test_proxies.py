"""`--proxy`: only the proxy that is named, for Metabase only, and its password is not shown."""

from __future__ import annotations

import gc
import socket
from base64 import b64encode
from collections.abc import Iterator

import pytest
from django.core.management import CommandError

from django_metabase_sso.doctor.proxies import parse_proxy
from tests.helpers.commands import run
from tests.helpers.configure import Configure
from tests.helpers.reports import Doctor
from tests.servers.canned import Answers, Canned, fake, shake_hands, speaking
from tests.servers.ports import free_port

PASSWORD = "p:ss w@rd"
WRITTEN = "p:ss%20w%40rd"
SENT = f"Proxy-Authorization: Basic {b64encode(f'me:{PASSWORD}'.encode()).decode()}"
HTTPS = "https://metabase.example.com"
# Python 3.10 does not close the answer of a proxy that refuses.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Nothing is left that would warn in a later test."""
    yield
    gc.collect()


def test_requests_to_metabase_go_through_it(
    doctor: Doctor, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")  # the environment does not count, either way
    instance = "http://metabase.invalid"
    properties = Canned(body={"version": {"tag": "v1.56.3"}})
    answers: Answers = {f"GET {instance}/api/session/properties": properties}
    configure(INSTANCE_URL=instance)
    with fake(answers) as proxy:
        report = doctor("--proxy", proxy.url.replace("//", f"//me:{WRITTEN}@"))
    assert report.level("instance") == "ok"
    assert len(proxy.requests) > 1
    for request in proxy.requests:
        assert request.split(" ")[1].startswith(instance)
        assert SENT in request
    assert PASSWORD not in str(report.findings)


def test_what_an_administrator_asks_goes_through_it(doctor: Doctor, configure: Configure) -> None:
    instance = f"http://localhost:{free_port()}"
    configure(INSTANCE_URL=instance, API_KEY="mb_key", TENANT=lambda user, request: "one")
    properties = Canned(body={"version": {"tag": "v1.60.0"}})
    answers: Answers = {
        f"GET {instance}/api/session/properties": properties,
        f"GET {instance}/auth/sso": Canned(body={"method": "jwt", "url": "https://localhost"}),
        f"GET {instance}/api/setting": Canned(body=[{"key": "use-tenants", "value": True}]),
    }
    with fake(answers) as proxy:
        report = doctor("--proxy", proxy.url.replace("//", f"//me:{WRITTEN}@"))
    assert report.level("tenants") == "ok"
    [asked] = [one for one in proxy.requests if one.startswith(f"GET {instance}/api/setting ")]
    assert SENT.lower() in asked.lower()


def test_the_environment_names_none(
    doctor: Doctor, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(INSTANCE_URL=f"http://localhost:{free_port()}")
    with fake({}) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert doctor().faults() == ["network-refused"]
    assert proxy.requests == []


def test_https_goes_through_a_tunnel(doctor: Doctor, configure: Configure) -> None:
    """Metabase's certificate is looked at, and not the proxy's."""
    said: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        said.append(connection.recv(1000))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        shake_hands(connection)

    configure(INSTANCE_URL=HTTPS)
    with speaking(talk) as host:
        report = doctor("--proxy", f"http://me:{WRITTEN}@{host}")
    found = report.one("network-certificate")
    assert found["title"] == f"No answer from metabase.example.com through the proxy {host}."
    assert "metabase.example.com is not trusted" in found["cause"]
    assert said[0].startswith(b"CONNECT metabase.example.com:443 ")
    assert SENT.encode() in said[0]


def test_a_proxy_that_refuses(doctor: Doctor, configure: Configure) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    configure(INSTANCE_URL=HTTPS)
    with speaking(talk) as host:
        found = doctor("--proxy", f"http://{host}").one("network-network")
    assert "refuses: Tunnel connection failed: 407 Proxy Authentication" in found["cause"]


@pytest.mark.parametrize("instance", [HTTPS, "http://metabase.example.com"])
def test_no_proxy_there(doctor: Doctor, configure: Configure, instance: str) -> None:
    configure(INSTANCE_URL=instance)
    host = f"localhost:{free_port()}"
    found = doctor("--proxy", f"http://{host}").one("network-refused")
    assert found["cause"].startswith(f"{host} exists, but nothing listens")


def test_a_proxy_without_an_address(doctor: Doctor, configure: Configure) -> None:
    configure(INSTANCE_URL=HTTPS)
    found = doctor("--proxy", "http://proxy.invalid", "--timeout", "20").one("network-dns")
    assert "proxy.invalid cannot be resolved" in found["cause"]


@pytest.mark.parametrize(
    "text",
    [
        f"https://me:{WRITTEN}@proxy.example.com",
        f"socks5://me:{WRITTEN}@proxy.example.com",
        f"me:{WRITTEN}@proxy.example.com:3128",
        f"http://me:{WRITTEN}@",
        f"http://me:{WRITTEN}@proxy.example.com/path",
        f"http://me:{WRITTEN}@proxy.example.com?query",
        f"http://me:{WRITTEN}@proxy example.com",
        f"http://me:{WRITTEN}@[proxy",
        f"http://:{WRITTEN}@proxy.example.com",
        f"http://me:{WRITTEN}%0A@proxy.example.com",
        f"http://m%C3%A9:{WRITTEN}@proxy.example.com",
        "http://me@proxy.example.com",
        "http://@proxy.example.com",
        "",
    ],
)
def test_not_a_proxy(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        run("doctor", "--proxy", text)
    assert "the value" in str(caught.value)
    assert WRITTEN not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_the_password_is_hidden() -> None:
    proxy = parse_proxy(f"http://me:{WRITTEN}@Proxy.Example.com:80/")
    assert repr(proxy) == "Proxy(host='proxy.example.com')"
    assert parse_proxy("http://[::1]:3128").headers == {}
