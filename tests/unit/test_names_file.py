"""/etc/resolv.conf while a tunnel is up and another program writes it too: real files, and what the kernel tells."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.lab.waiting import eventually
from tsunagu_helper import names_file
from tsunagu_helper.lease_policy import DnsPlan
from tsunagu_helper.names_file import NamesFile
from tsunagu_helper.resolv_conf import resolv_conf

PLAN = DnsPlan(servers=("192.168.77.1",), all_names=True)
OURS = resolv_conf(PLAN)
MINE, THEIRS = "# mine\nnameserver 192.168.5.1\n", "nameserver 192.168.6.1\n"
PATIENCE_S = 4


class Held:
    """The file, ours; ``told`` is what the person hears."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        self.path = folder / "etc/resolv.conf"
        self.path.parent.mkdir()
        self.path.write_text(MINE)
        self.file = NamesFile(folder / "kept", self.path)

    async def begin(self) -> None:
        await self.file.set("tsunagu0", PLAN, lambda error: self.told.append(str(error)))
        assert self.path.read_text() == OURS

    async def is_ours(self) -> None:
        await eventually(lambda: self.path.exists() and self.path.read_text() == OURS, PATIENCE_S, "our servers")


@pytest.fixture
async def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Held]:
    monkeypatch.setattr(names_file, "QUIET_S", 0.02)
    monkeypatch.setattr(names_file, "FIRST_REST_S", 0.01)
    monkeypatch.setattr(names_file, "SYSTEMD", tmp_path / "none")
    held = Held(tmp_path)
    await held.begin()
    yield held
    await held.file.unset("tsunagu0")


def write(path: Path) -> None:
    path.write_text(THEIRS)


def rename_over(path: Path) -> None:
    path.with_name("resolv.conf.dhclient-new").write_text(THEIRS)
    path.with_name("resolv.conf.dhclient-new").rename(path)


def replace_by_link(path: Path) -> None:
    target = path.parents[1] / "run/resolv.conf"
    target.parent.mkdir()
    target.write_text(THEIRS)
    path.with_name("link").symlink_to(target)
    path.with_name("link").rename(path)


def delete_and_write(path: Path) -> None:
    path.unlink()
    path.write_text(THEIRS)


@pytest.mark.parametrize("do", [write, rename_over, replace_by_link, delete_and_write])
async def test_whatever_another_program_does_it_is_ours_again_and_theirs_afterwards(
    held: Held, do: Callable[[Path], None]
) -> None:
    do(held.path)
    is_link = held.path.is_symlink()

    await held.is_ours()
    await held.file.unset("tsunagu0")

    assert held.path.read_text() == THEIRS
    assert held.path.is_symlink() == is_link
    assert held.told == []


async def test_a_deleted_file_is_there_again_and_gone_afterwards(held: Held) -> None:
    held.path.unlink()

    await held.is_ours()
    await held.file.unset("tsunagu0")

    assert not held.path.exists()


async def test_what_a_link_leads_to_is_watched_where_it_can_only_be_written_through(held: Held) -> None:
    """As in the helper's unit, while it has a mount of its own there."""
    target = held.path.parents[1] / "run/resolv.conf"
    target.parent.mkdir()
    target.write_text(OURS)
    held.path.with_name("link").symlink_to(target)
    held.path.with_name("link").rename(held.path)
    await eventually(lambda: target.parent in followed(held), PATIENCE_S, "the link to be followed")

    rename_over(target)

    await held.is_ours()
    assert target.read_text() == THEIRS


def followed(held: Held) -> list[Path]:
    """The directories that the kernel says are watched."""
    assert held.file._places
    lines = Path(f"/proc/self/fdinfo/{held.file._places.fileno()}").read_text().splitlines()
    inodes = [int(line.split("ino:")[1].split()[0], 16) for line in lines if line.startswith("inotify")]
    folders = [held.path.parent, held.path.parents[1] / "run"]
    return [folder for folder in folders if folder.stat().st_ino in inodes]


async def test_who_writes_it_without_end_is_told_of_once_and_the_fight_is_slow(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_file, "FIRST_REST_S", 0.05)
    monkeypatch.setattr(names_file, "LONGEST_REST_S", 0.4)
    clock, put, times = asyncio.get_running_loop().time, held.file._file.put, list[float]()

    def put_and_note(text: str) -> None:
        times.append(clock())
        put(text)

    monkeypatch.setattr(held.file._file, "put", put_and_note)
    while len(times) < 6:
        write(held.path)
        await held.is_ours()

    for rest_s, before, after in zip((0.05, 0.1, 0.2, 0.4, 0.4), times[:-1], times[1:], strict=True):
        assert after - before >= rest_s
    [sentence] = held.told
    assert sentence.startswith(f"Another program writes {held.path} again and again")
    write(held.path)
    await held.file.unset("tsunagu0")
    assert held.path.read_text() == THEIRS


async def test_where_it_cannot_be_taken_back_that_is_told_once(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def put(text: str) -> None:
        tries.append(text)
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(held.file._file, "put", put)
    for number in (1, 2, 3):
        write(held.path)
        await eventually(lambda: len(tries) >= number, PATIENCE_S, "an attempt")  # noqa: B023

    assert held.told == [f"{held.path} could not be changed: Read-only file system"]


async def test_nothing_is_watched_while_no_tunnel_has_it(held: Held) -> None:
    watching = asyncio.all_tasks() - {asyncio.current_task()}
    await held.file.unset("tsunagu0")

    write(held.path)

    await eventually(lambda: not watching & asyncio.all_tasks(), PATIENCE_S, "the watch to end")
    assert held.path.read_text() == THEIRS


async def test_the_watch_begins_with_a_look(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our writing and the watch another program may write."""
    await held.file.unset("tsunagu0")
    put = held.file._file.put

    def put_and_lose(text: str) -> None:
        put(text)
        monkeypatch.undo()
        write(held.path)

    monkeypatch.setattr(held.file._file, "put", put_and_lose)
    await held.file.set("tsunagu0", PLAN, lambda _error: None)

    await held.is_ours()
