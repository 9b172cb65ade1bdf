"""Proxies as people and systems write them."""

import pytest

from tsunagu.errors import InvalidSettings
from tsunagu.model import Proxy, ProxyKind, Secret
from tsunagu_tray.proxy_text import parse_proxy, proxy_text, with_headers, without_password
from tsunagu_tray.system_proxy import ChosenByScript, desktop_proxy, is_excepted


@pytest.mark.parametrize(
    ("text", "kind", "host", "port"),
    [
        ("http://proxy.example.org:3128", ProxyKind.HTTP, "proxy.example.org", 3128),
        ("http://proxy.example.org:3128/", ProxyKind.HTTP, "proxy.example.org", 3128),
        ("proxy.example.org:3128", ProxyKind.HTTP, "proxy.example.org", 3128),
        ("http://proxy", ProxyKind.HTTP, "proxy", 8080),
        ("socks4://192.0.2.1", ProxyKind.SOCKS4, "192.0.2.1", 1080),
        ("socks5://[2001:db8::1]:1081", ProxyKind.SOCKS5, "2001:db8::1", 1081),
        ("socks5h://proxy", ProxyKind.SOCKS5, "proxy", 1080),
    ],
)
def test_proxies(text: str, kind: ProxyKind, host: str, port: int) -> None:
    assert parse_proxy(text) == (Proxy(kind=kind, host=host, port=port), None)


def test_user_and_password_may_have_any_character() -> None:
    proxy, password = parse_proxy("socks5://mi%40ka:a%3Ab%2F@proxy:1")

    assert (proxy.username, password) == ("mi@ka", Secret("a:b/"))
    assert parse_proxy(proxy_text(proxy)) == (proxy, None)
    assert without_password("http://mika:hush@proxy:1") == "http://mika@proxy:1"


@pytest.mark.parametrize("text", ["", "ftp://proxy", "https://proxy", "http://", "http://proxy/path", "http://proxy:x"])
def test_what_is_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whoever asked tells what is wrong
        parse_proxy(text)


def test_a_header_is_a_name_and_a_value() -> None:
    proxy = Proxy(kind=ProxyKind.HTTP, host="proxy", port=1)

    assert with_headers(proxy, ["A: b: c", "D:"]).headers == (("A", "b: c"), ("D", ""))
    with pytest.raises(InvalidSettings, match="header"):
        with_headers(proxy, ["no header"])


def desktop(**changes: object) -> dict[str, object]:
    nothing = {"mode": "manual", "ignore_hosts": [], "account": [], "http": ["", 0], "https": ["", 0], "socks": ["", 0]}
    return nothing | changes


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, ""),
        (desktop(), ""),
        (desktop(http=["a", 1], https=["b", 2], socks=["c", 3]), "http://b:2"),
        (desktop(http=["a", 1], socks=["c", 3]), "http://a:1"),
        (desktop(http=["a", 1], account=["mi@ka", "x:y"]), "http://mi%40ka:x%3Ay@a:1"),
        (desktop(socks=["::1", 3], account=["mika", "x"]), "socks5://[::1]:3"),
        (desktop(mode="none", http=["a", 1]), ""),
        (desktop(http=["a", 1], ignore_hosts=["*.example.org"]), ""),
    ],
)
def test_the_desktops_settings_name_one_proxy(settings: dict[str, object], url: str) -> None:
    assert desktop_proxy(settings, "vpn.example.org") == url


def test_a_script_is_not_run() -> None:
    with pytest.raises(ChosenByScript):
        desktop_proxy(desktop(mode="auto"), "vpn.example.org")


@pytest.mark.parametrize(
    ("host", "pattern", "excepted"),
    [
        ("vpn.example.org", "example.org", True),
        ("vpn.example.org", "*.Example.org", True),
        ("vpn.badexample.org", "example.org", False),
        ("127.0.0.1", "127.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("::1", "::1", True),
        ("10.1.2.3", "127.0.0.0/8", False),
        ("localhost", "127.0.0.0/8", False),
    ],
)
def test_some_servers_need_no_proxy(host: str, pattern: str, excepted: bool) -> None:
    assert is_excepted(host, [pattern]) is excepted
