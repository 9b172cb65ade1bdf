"""A proxy as a URL: what people type, environments hold and ``tsunagu show`` prints.  Pure."""

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, unquote, urlsplit

from tsunagu.model import Proxy, ProxyKind, Secret

_KINDS = {kind.value: kind for kind in ProxyKind} | {"socks": ProxyKind.SOCKS5, "socks5h": ProxyKind.SOCKS5}
_PORTS = {ProxyKind.HTTP: 8080, ProxyKind.SOCKS4: 1080, ProxyKind.SOCKS5: 1080}  # where none is given


def parse_proxy(text: str) -> tuple[Proxy, Secret | None]:
    """``http://user:password@host:port`` and the like; without a scheme it is HTTP.

    Raises:
        ValueError: it is nothing of that kind.
        InvalidSettings: a part of it is not valid.
    """
    url = urlsplit(text if "://" in text else f"http://{text}")
    if url.scheme not in _KINDS or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise ValueError
    kind = _KINDS[url.scheme]
    proxy = Proxy(kind=kind, host=url.hostname, port=url.port or _PORTS[kind], username=unquote(url.username or ""))
    return proxy, Secret(unquote(url.password)) if url.password else None


def proxy_text(proxy: Proxy) -> str:
    """The URL that ``parse_proxy`` takes, without headers."""
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    user = f"{quote(proxy.username, safe='')}@" if proxy.username else ""
    return f"{proxy.kind.value}://{user}{host}:{proxy.port}"


def without_password(text: str) -> str:
    """What may be shown of a URL."""
    return re.sub(r"//([^/@:]*):[^/]*@", r"//\1@", text)


def with_headers(proxy: Proxy, lines: Iterable[str]) -> Proxy:
    """The proxy that is sent these headers, ``Name: value`` each.

    Raises:
        InvalidSettings: one is no header.
    """
    headers = []
    for line in lines:
        name, _colon, value = line.partition(":")
        headers.append((name.strip(), value.strip(" \t\r\n")))
    return replace(proxy, headers=tuple(headers))
