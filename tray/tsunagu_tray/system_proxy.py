"""The proxy that this user's environment or desktop names for a server.

It is looked up where the settings are, in the user's own process, and stored as it is found: the helper runs as
somebody else, in another environment.
"""

import asyncio
import fnmatch
import ipaddress
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]  # there

from tsunagu.errors import InvalidSettings, VpnError
from tsunagu.model import Proxy, Secret
from tsunagu_tray.programs import our_program
from tsunagu_tray.proxy_text import parse_proxy, without_password
from tsunagu_tray.texts import Texts

DESKTOP_TIMEOUT_S = 10.0


class ChosenByScript(Exception):
    """The desktop's settings name a script (PAC), which would have to be run to know."""


async def system_proxy(host: str) -> str:
    """The proxy's URL, perhaps with a password; "": none, the way is direct.

    Raises:
        ChosenByScript: it cannot be known.
    """
    environment = getproxies_environment()
    if environment:
        if proxy_bypass_environment(host, environment):
            return ""
        return next((environment[kind] for kind in ("https", "all", "http") if environment.get(kind)), "")
    return desktop_proxy(await _desktop_settings(), host)


async def named_proxy(host: str, texts: Texts) -> tuple[Proxy | None, Secret | None]:
    """The same as a setting, and its password; None: the way is direct.

    Raises:
        VpnError: it cannot be known, or is none.
    """
    try:
        text = await system_proxy(host)
    except ChosenByScript:
        raise VpnError(texts("cli_proxy_by_script")) from None
    return proxy_in(text, texts)


def proxy_in(text: str, texts: Texts) -> tuple[Proxy | None, Secret | None]:
    """The proxy of a URL, and its password; "": none.

    Raises:
        InvalidSettings: it is no such URL.
    """
    try:
        return parse_proxy(text) if text else (None, None)
    except ValueError:
        raise InvalidSettings(texts("cli_bad_proxy", proxy=without_password(text))) from None


def desktop_proxy(settings: dict[str, Any], host: str) -> str:
    """What GNOME's settings, as ``desktop_settings`` prints them, mean for that server.

    Raises:
        ChosenByScript: it cannot be known.
    """
    if settings.get("mode") == "auto":
        raise ChosenByScript
    if settings.get("mode") != "manual" or is_excepted(host, settings["ignore_hosts"]):
        return ""
    for scheme, kind in (("http", "https"), ("http", "http"), ("socks5", "socks")):
        proxy_host, port = settings[kind]
        if proxy_host and port:
            account = ":".join(quote(word, safe="") for word in settings["account"] if scheme == "http")
            shown = f"[{proxy_host}]" if ":" in proxy_host else proxy_host
            return f"{scheme}://{account}@{shown}:{port}" if account else f"{scheme}://{shown}:{port}"
    return ""


def is_excepted(host: str, patterns: Sequence[str]) -> bool:
    """Whether the server is among the hosts that need no proxy: names with stars, domains, addresses, networks."""
    return any(_in_network(host, pattern) or _in_domain(host.lower(), pattern.lower()) for pattern in patterns)


def _in_network(host: str, pattern: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def _in_domain(host: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(host, pattern) or host.endswith("." + pattern.lstrip("*."))


async def _desktop_settings() -> dict[str, Any]:
    """In a process of its own: this one carries no toolkit."""
    program = our_program("tsunagu_tray.desktop_settings")
    try:
        process = await asyncio.create_subprocess_exec(*program, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
        output, _ = await asyncio.wait_for(process.communicate(), DESKTOP_TIMEOUT_S)
        settings = json.loads(output or b"{}")
    except (OSError, TimeoutError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}
