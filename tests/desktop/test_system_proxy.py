"""The proxy of a desktop, out of GNOME's own settings as they are stored."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tsunagu_tray.system_proxy import ChosenByScript, system_proxy

_STORED = """\
[system/proxy]
mode='{mode}'
ignore-hosts=['localhost', '10.0.0.0/8']

[system/proxy/http]
host='proxy.example.org'
port=3128
use-authentication=true
authentication-user='mika'
authentication-password='hush:hush'
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """Stores them."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("GSETTINGS_BACKEND", "keyfile")
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{tmp_path}")
    file = tmp_path / "glib-2.0/settings/keyfile"
    file.parent.mkdir(parents=True)
    return file.write_text


async def test_the_desktops_proxy_is_found_for_the_servers_it_is_for(store: Callable[[str], object]) -> None:
    assert await system_proxy("vpn.example.org") == ""

    store(_STORED.format(mode="manual"))

    assert await system_proxy("vpn.example.org") == "http://mika:hush%3Ahush@proxy.example.org:3128"
    assert await system_proxy("10.1.2.3") == ""


async def test_a_proxy_that_a_script_chooses_is_told_as_that(store: Callable[[str], object]) -> None:
    store(_STORED.format(mode="auto"))

    with pytest.raises(ChosenByScript):
        await system_proxy("vpn.example.org")
