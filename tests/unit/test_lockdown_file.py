"""The kill switch's file: what it holds comes back, and where it is damaged all stays blocked."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tsunagu.errors import VpnError
from tsunagu_helper import nft
from tsunagu_helper.lockdown import FILE, Hold, Lockdown, ruleset


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What nftables is told; it lists the last of that."""
    rules: list[str] = []

    async def run(text: str, _error_for: Callable[[str], VpnError], *_options: str) -> str:
        if text.startswith("list"):
            return rules[-1]
        rules.append(text)
        return ""

    monkeypatch.setattr(nft, "run", run)
    return rules


@pytest.mark.parametrize(
    "text", ["", "# [1]", "# 5", "# {}", '# {"a": 1}', '# {"a": {"name": 5}}', "\xff", "# " + "[" * 99999]
)
async def test_a_damaged_file_blocks_all_until_somebody_unblocks(tmp_path: Path, text: str, loaded: list[str]) -> None:
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))

    await Lockdown(tmp_path, 1234).restore()
    found = Lockdown(tmp_path, 1234)
    await found.restore()  # it is whole now, but still nobody's

    assert "192.168.0.0/16" not in loaded[-1]
    await found.engage("a", "Office", allow_lan=True)
    await found.lift("a")
    assert (found.holders, found.is_damaged) == ({}, True)
    assert "tsunagu unblock" in found.why("a")
    await found.lift_all()
    assert "policy drop" not in loaded[-1]
    assert not found.is_damaged
    assert not (tmp_path / FILE).exists()


async def test_what_is_blocked_stays_so_where_nftables_fails(
    tmp_path: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_text: str, error_for: Callable[[str], VpnError], *_options: str) -> str:
        raise error_for("no memory")

    lockdown = Lockdown(tmp_path, 1234)
    await lockdown.engage("a", "Office", allow_lan=False)
    file = (tmp_path / FILE).read_text()
    monkeypatch.setattr(nft, "run", fail)

    with pytest.raises(VpnError):
        await lockdown.engage("a", "Work", allow_lan=True)
    with pytest.raises(VpnError):
        await lockdown.lift("a")
    with pytest.raises(VpnError):
        await lockdown.lift_all()

    assert lockdown.holders == {"a": "Office"}
    assert (tmp_path / FILE).read_text() == file
    assert len(loaded) == 1


async def test_a_hold_comes_back_with_where_its_server_was(tmp_path: Path, loaded: list[str]) -> None:
    first = Lockdown(tmp_path, 1234)
    await first.engage("a", "Office", allow_lan=True)
    await first.seal("a", "vpn.example.org", "192.0.2.7")
    again = Lockdown(tmp_path, 1234)
    await again.restore()
    await again.engage("a", "Office", allow_lan=True)

    assert loaded[-1] == loaded[-2]
    assert again.holders == {"a": "Office"}
    assert again.address_of("a", "vpn.example.org") == "192.0.2.7"
    assert again.address_of("a", "other.example.org") == again.address_of("b", "vpn.example.org") == ""
    await again.lift("a")
    assert again.address_of("a", "vpn.example.org") == ""


async def test_what_was_there_already_is_not_told_again(tmp_path: Path, loaded: list[str]) -> None:
    lockdown = Lockdown(tmp_path, 1234)
    for _ in range(2):
        await lockdown.engage("a", "Office", allow_lan=True)
        await lockdown.seal("a", "vpn.example.org", "192.0.2.7")
    await lockdown.seal("b", "vpn.example.org", "192.0.2.7")

    assert len(loaded) == 2


def test_names_pass_until_any_hold_is_sealed_and_the_local_network_where_all_allow_it() -> None:
    fresh, sealed = Hold(name="A", allow_lan=True), Hold(name="B", allow_lan=True, is_sealed=True)
    strict = Hold(name="C", allow_lan=False)

    assert "{ 53, 853 } accept" in ruleset(1234, [fresh])
    assert "{ 53, 853 } reject" in ruleset(1234, [fresh, sealed])
    assert "192.168.0.0/16" in ruleset(1234, [fresh, sealed])
    assert "192.168.0.0/16" not in ruleset(1234, [fresh, strict])
