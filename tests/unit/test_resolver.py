"""Where names are looked up, without a bus: /etc/resolv.conf itself, and resolvconf."""

from pathlib import Path

import pytest

from tsunagu.errors import VpnError
from tsunagu_helper import resolver
from tsunagu_helper.lease_policy import DnsPlan
from tsunagu_helper.names_file import NamesFile
from tsunagu_helper.resolv_conf import ResolvConf, resolv_conf
from tsunagu_helper.resolver import Resolver

ALL = DnsPlan(servers=("192.168.77.1", "fd77::1"), domains=("office.example",), all_names=True)
SOME = DnsPlan(servers=("192.168.77.1",), domains=("office.example",))
OURS = resolv_conf(ALL)
MINE = "# mine\nnameserver 192.168.5.1\n"


def must_not_be_told(error: VpnError) -> None:
    pytest.fail(f"{error}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text(MINE)
    return path


def conf(path: Path) -> ResolvConf:
    return ResolvConf(path.with_name("kept"), path)


def test_the_file_names_our_servers_and_comes_back_as_it_was(path: Path) -> None:
    file = conf(path)

    file.put(OURS)
    assert path.read_text().splitlines()[1:] == [
        "nameserver 192.168.77.1",
        "nameserver fd77::1",
        "search office.example",
    ]
    assert path.with_name("kept").stat().st_mode & 0o077 == 0
    file.put_back()

    assert path.read_text() == MINE
    assert sorted(path.parent.iterdir()) == [path]


def test_a_link_comes_back_as_a_link(path: Path) -> None:
    target = path.with_name("managed")
    path.rename(target)
    path.symlink_to("managed")
    file = conf(path)

    file.put(OURS)
    assert target.read_text() == MINE
    file.put_back()

    assert str(path.readlink()) == "managed"
    assert path.read_text() == MINE


def test_where_a_link_can_only_be_written_through_it_comes_back_by_another_way(path: Path) -> None:
    target = path.with_name("managed")
    path.rename(target)
    path.symlink_to("managed")
    conf(path).put(OURS)
    ours = path.read_text()
    path.unlink()
    path.symlink_to("managed")
    target.write_text(ours)  # as in the helper's unit, where the folder is read-only

    conf(path).put_back()

    assert str(path.readlink()) == "managed"
    assert target.read_text() == MINE


def test_where_there_was_no_file_there_is_none_again(path: Path) -> None:
    path.unlink()
    file = conf(path)

    file.put(OURS)
    assert path.exists()
    file.put_back()

    assert not path.exists()


def test_what_we_have_written_is_never_kept_as_the_original(path: Path) -> None:
    conf(path).put(OURS)
    path.with_name("kept").unlink()  # as a power cut can leave it

    file = conf(path)
    file.put(OURS)
    file.put_back()

    assert path.read_text() == ""


def test_what_another_program_wrote_meanwhile_stays(path: Path) -> None:
    file = conf(path)
    file.put(OURS)
    path.write_text("nameserver 192.168.6.1\n")

    file.put_back()

    assert path.read_text() == "nameserver 192.168.6.1\n"
    assert not path.with_name("kept").exists()


def test_the_next_life_puts_back_what_a_killed_one_changed(path: Path) -> None:
    conf(path).put(OURS)

    conf(path).put_back()

    assert path.read_text() == MINE


def test_a_killed_life_s_text_is_never_taken_for_the_original(path: Path) -> None:
    conf(path).put(OURS)
    second = conf(path)

    second.put(resolv_conf(DnsPlan(servers=("10.1.1.1",), all_names=True)))
    second.put_back()

    assert path.read_text() == MINE


@pytest.mark.parametrize(
    "kept", ["", "[]", "5", "{}", '{"link": 5}', '{"link": null, "exists": 1, "text": 5}', "[" * 9999]
)
def test_a_damaged_note_of_the_original_is_told_and_nothing_more(path: Path, kept: str) -> None:
    conf(path).put(OURS)
    path.with_name("kept").write_text(kept)

    with pytest.raises(VpnError, match="could not be put back"):
        conf(path).put_back()


async def test_two_tunnels_do_not_fight_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    file = NamesFile(tmp_path / "kept", path)
    await file.set("tsunagu0", ALL, must_not_be_told)

    with pytest.raises(VpnError, match="through tsunagu0 already"):
        await file.set("tsunagu1", ALL, must_not_be_told)
    await file.unset("tsunagu1")

    assert "192.168.77.1" in path.read_text()
    await file.unset("tsunagu0")


class Resolvconf:
    """One that writes down what it is told."""

    def __init__(self, folder: Path) -> None:
        self.program, self._calls = folder / "resolvconf", folder / "calls"
        self.write(f'# openresolv\necho "$@" >>{self._calls}\ncat >>{self._calls}\n')
        self.program.chmod(0o755)

    def write(self, script: str) -> None:
        self.program.write_text(f"#!/bin/sh\n{script}")

    def told(self) -> list[str]:
        """Since the last time."""
        if not self._calls.exists():
            return []
        lines = self._calls.read_text().splitlines()
        self._calls.unlink()
        return lines


@pytest.fixture
def resolvconf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolvconf:
    resolvconf = Resolvconf(tmp_path)
    monkeypatch.setattr(resolver, "RESOLVCONF", (resolvconf.program,))
    return resolvconf


async def test_resolvconf_gets_and_loses_our_servers(tmp_path: Path, resolvconf: Resolvconf) -> None:
    names = Resolver(tmp_path)

    await names.apply("tsunagu0", 7, ALL, must_not_be_told)
    await names.clear("tsunagu0", 7)
    await names.clear("tsunagu0", 7)

    assert resolvconf.told() == [
        "-m 0 -x -a tsunagu0",
        "nameserver 192.168.77.1",
        "nameserver fd77::1",
        "search office.example",
        "-f -d tsunagu0",
    ]


async def test_what_a_killed_helper_told_resolvconf_is_taken_back(tmp_path: Path, resolvconf: Resolvconf) -> None:
    await Resolver(tmp_path).apply("tsunagu0", 7, ALL, must_not_be_told)
    resolvconf.told()

    await Resolver(tmp_path).clean_leftovers()
    await Resolver(tmp_path).clean_leftovers()

    assert resolvconf.told() == ["-f -d tsunagu0"]


async def test_only_names_of_ours_are_taken_from_a_damaged_record(tmp_path: Path, resolvconf: Resolvconf) -> None:
    (tmp_path / "resolvconf.records").write_bytes(b"-x eth0 \xff ../tsunagu1 tsunagu1\ntsunagu2;x")

    await Resolver(tmp_path).clean_leftovers()

    assert resolvconf.told() == ["-f -d tsunagu1"]


async def test_resolvconf_s_complaint_is_told(tmp_path: Path, resolvconf: Resolvconf) -> None:
    resolvconf.write("echo 'no space left' >&2\nexit 3\n")

    with pytest.raises(VpnError, match="resolvconf did not take the DNS servers: no space left"):
        await Resolver(tmp_path).apply("tsunagu0", 7, ALL, must_not_be_told)
    assert resolvconf.told() == []


async def test_some_names_alone_change_nothing_where_there_is_no_split_dns(
    tmp_path: Path, resolvconf: Resolvconf
) -> None:
    with pytest.raises(VpnError, match=r"^Names under office.example are not looked up behind the hub"):
        await Resolver(tmp_path).apply("tsunagu0", 7, SOME, must_not_be_told)

    assert resolvconf.told() == []
