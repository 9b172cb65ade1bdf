"""The administrator's programs: which are run, how they end, and that nobody waits for them."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.waiting import eventually
from tsunagu.errors import VpnError
from tsunagu_helper import hooks
from tsunagu_helper.hooks import MAX_WAITING, Hooks, command, hooks_in

Put = Callable[..., Path]  # (name, script, mode)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On a machine without systemd."""
    monkeypatch.setattr(hooks, "SYSTEMD", tmp_path / "none")
    directory = tmp_path / "hooks.d"
    directory.mkdir(mode=0o755)
    return directory


@pytest.fixture
def put(directory: Path) -> Put:
    def put(name: str, script: str = "exit 0", mode: int = 0o755) -> Path:
        path = directory / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(mode)
        return path

    return put


class Run:
    """What came of it."""

    def __init__(self, directory: Path) -> None:
        self.hooks = Hooks(directory)
        self.told: list[str] = []

    def begin(self, connection: str = "abc", **environment: str) -> None:
        self.hooks.run(connection, environment, lambda error: self.told.append(str(error)))

    async def all(self, **environment: str) -> list[str]:
        self.begin(**environment)
        await self.hooks.finish()
        return self.told


# -- which ------------------------------------------------------------------------------------------------------------


def test_executable_files_are_hooks_in_the_order_of_their_names(directory: Path, put: Put) -> None:
    for name in ("20-second", "10-first", "30-third.py"):
        put(name)
    put("15-switched-off", mode=0o644)
    for name in ("10-first~", ".hidden", "10-first.dpkg-old", "10-first.rpmsave", "10-first.bak"):
        put(name)
    (directory / "folder").mkdir()

    programs, problems = hooks_in(directory)

    assert [program.name for program in programs] == ["10-first", "20-second", "30-third.py"]
    assert problems == []


def test_no_directory_is_no_problem(tmp_path: Path) -> None:
    assert hooks_in(tmp_path / "none") == ([], [])


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_what_others_can_write_is_not_run(directory: Path, put: Put, mode: int) -> None:
    put("10-good")
    bad = put("20-bad", mode=mode)

    programs, [problem] = hooks_in(directory)

    assert [program.name for program in programs] == ["10-good"]
    assert f"chown root {bad} && chmod go-w {bad}" in str(problem)


def test_what_another_user_owns_is_not_run(put: Put, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("10-theirs")
    owner = os.geteuid()
    real = hooks._check_writers
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr(hooks, "_check_writers", lambda path, facts: real(path, _as_of(facts, owner or 12345)))

    programs, [problem] = hooks_in(directory)

    assert programs == []
    assert "others than root can write it" in str(problem)


def _as_of(facts: os.stat_result, uid: int) -> os.stat_result:
    fields = list(facts)
    fields[4] = uid
    return os.stat_result(fields)


def test_nothing_is_run_of_a_directory_that_others_can_change(directory: Path, put: Put) -> None:
    put("10-good")
    directory.parent.chmod(0o777)

    above = hooks_in(directory)
    directory.parent.chmod(0o700)
    directory.chmod(0o1777)  # there the sticky bit is no help: anybody can add a program
    itself = hooks_in(directory)

    for (programs, [problem]), path in ((above, directory.parent), (itself, directory)):
        assert programs == []
        assert str(problem).startswith(f"{path} is not used for hooks, because others than root can write it")


def test_symbolic_links_lead_nowhere(directory: Path, put: Put, tmp_path: Path) -> None:
    put("10-good").rename(tmp_path / "elsewhere")
    (directory / "10-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "linked.d").symlink_to(directory)

    programs, [problem] = hooks_in(directory)
    _, [of_directory] = hooks_in(tmp_path / "linked.d")

    assert programs == []
    assert "10-link is not run, because it is a symbolic link" in str(problem)
    assert "linked.d is not a directory itself" in str(of_directory)


# -- how --------------------------------------------------------------------------------------------------------------


async def test_a_hook_gets_the_facts_and_nothing_else(directory: Path, put: Put, tmp_path: Path) -> None:
    put("10-note", f'{{ env; pwd; umask; }} >"{tmp_path}/noted"')

    assert await Run(directory).all(TSUNAGU_EVENT="connected", TSUNAGU_NIC="tsunagu0") == []

    lines = (tmp_path / "noted").read_text().splitlines()
    assert lines[-2:] == ["/", "0022"]
    names = {line.partition("=")[0] for line in lines[:-2]}
    assert names == {"TSUNAGU_EVENT", "TSUNAGU_NIC", "PATH", "LANG", "PWD"} | ({"SHLVL", "_", "OLDPWD"} & names)


async def test_what_it_writes_is_logged_without_what_a_terminal_would_obey(
    directory: Path, put: Put, caplog: pytest.LogCaptureFixture
) -> None:
    put("10-talk", r"echo 'one'; printf 'two\033[2J' >&2; seq 9999")
    caplog.set_level(logging.INFO)

    await Run(directory).all()

    assert "hook 10-talk: one" in caplog.text
    assert r"two\x1b[2J" in caplog.text
    assert "hook 10-talk wrote too much" in caplog.text
    assert len(caplog.messages) < 300


async def test_one_that_fails_is_told_and_the_next_one_runs(directory: Path, put: Put, tmp_path: Path) -> None:
    put("10-fails", "exit 3")
    (directory / "20-senseless").write_bytes(b"\0")
    (directory / "20-senseless").chmod(0o755)
    put("30-runs", f"touch {tmp_path}/ran")

    failed, senseless = await Run(directory).all()

    assert "10-fails failed with exit status 3" in failed
    assert "20-senseless could not be started: Exec format error" in senseless
    assert (tmp_path / "ran").exists()


async def test_one_that_hangs_is_ended_with_all_that_it_started(
    directory: Path, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "HOOK_S", 1)
    put("10-hangs", f"trap '' TERM; sleep 1234 & echo $! >{tmp_path}/child; wait; sleep 1234")
    put("20-leaves-one", f"sleep 1234 & echo $! >{tmp_path}/left")

    [told] = await Run(directory).all()

    assert "10-hangs was ended, because it took more than 1 seconds" in told
    for name in ("child", "left"):
        number = int((tmp_path / name).read_text())
        await eventually(lambda number=number: _is_gone(number), 20, f"{name} to be gone")  # type: ignore[misc]  # mypy's view of a default


def _is_gone(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_the_hooks_of_a_connection_run_in_turn_and_those_of_another_beside_them(
    directory: Path, put: Put, tmp_path: Path
) -> None:
    put("10-slow", f'echo "$ID" >>{tmp_path}/order; [ "$ID" != a1 ] || until [ -e {tmp_path}/go ]; do sleep 0.02; done')
    run = Run(directory)

    run.begin("a", ID="a1")
    run.begin("a", ID="a2")
    run.begin("b", ID="b1")
    order = tmp_path / "order"
    await eventually(lambda: order.exists() and {"a1", "b1"} <= set(order.read_text().split()), 20, "two of them")
    before = order.read_text().split()
    (tmp_path / "go").touch()
    await run.hooks.finish()

    assert sorted(before) == ["a1", "b1"]
    assert order.read_text().split()[2:] == ["a2"]
    assert run.told == []


async def test_there_is_a_limit_to_what_waits(directory: Path, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "LEAVE_S", 0)
    put("10-hangs", "sleep 1234")
    run = Run(directory)

    for _ in range(MAX_WAITING + 1):
        run.begin()
    await run.hooks.finish()

    assert "still run for what happened before" in run.told[0]


def test_under_systemd_a_hook_is_a_unit_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "SYSTEMD", tmp_path)

    words = command(Path("/etc/tsunagu/hooks.d/10-mount"), {"TSUNAGU_CONNECTION": "Office"})

    assert words[0] == "/usr/bin/systemd-run"
    assert words[words.index("--") + 1 :] == ["/etc/tsunagu/hooks.d/10-mount"]
    assert "--setenv=TSUNAGU_CONNECTION" in words
    assert not [word for word in words if "Office" in word]  # everybody can read a command line


def test_a_sentence_names_the_directory_that_cannot_be_read(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", fail)

    _, [problem] = hooks_in(directory)

    assert isinstance(problem, VpnError)
    assert str(problem) == f"No hooks are run, because {directory} cannot be read: Permission denied"
