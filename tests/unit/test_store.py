"""Settings on disk: nothing half written, nothing lost, nothing readable by others."""

import errno
import json
import os
import signal
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tsunagu.authorities import Authorities
from tsunagu.errors import StorageFailed
from tsunagu.model import AuthType, ConnectionSettings, Proxy, ProxyKind, Secret, Secrets
from tsunagu_helper.store import Store, StoredConnection

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
SETTINGS = ConnectionSettings(name="会社", host="vpn.example.org", hub="VPN", username="mika", retry_limit=3)
OFFICE = StoredConnection(
    id="k3",
    settings=SETTINGS,
    owner=1000,
    owner_name="mika",
    interface="tsunagu0",
    mac="5e:00:11:22:33:44",
    secrets=Secrets(password=Secret("tiger")),
)
HOME = replace(OFFICE, id="m7", settings=replace(SETTINGS, name="home"), interface="tsunagu1", secrets=Secrets())

PEOPLE = {1000: "mika", 1001: "jun"}

STEPS = ("open", "fsync", "replace")  # of os, in any order and number; what a save is made of


def called(uid: int) -> str:
    return PEOPLE.get(uid, "")


def store_with(directory: Path, *connections: StoredConnection, people: Mapping[int, str] = PEOPLE) -> Store:
    store = Store(directory / "state", lambda uid: people.get(uid, ""))
    store.load()
    for connection in connections:
        store.save(connection)
    return store


def file_of(directory: Path, connection: StoredConnection) -> Path:
    return directory / "state" / "connections" / f"{connection.id}.json"


def test_what_was_saved_is_loaded_by_the_next_life(tmp_path: Path) -> None:
    store_with(tmp_path, OFFICE, HOME)

    assert store_with(tmp_path).load() == {"k3": OFFICE, "m7": HOME}


def test_a_change_replaces_the_file(tmp_path: Path) -> None:
    changed = replace(OFFICE, settings=replace(SETTINGS, auth=AuthType.ANONYMOUS, retry_limit=None), secrets=Secrets())
    store = store_with(tmp_path, OFFICE, changed)

    assert store.load() == {"k3": changed}
    assert "tiger" not in file_of(tmp_path, OFFICE).read_text()


def test_what_was_removed_is_gone_and_twice_is_no_matter(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE, HOME)
    store.remove("k3")
    store.remove("k3")

    assert store.load() == {"m7": HOME}


def test_only_root_can_read(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        store_with(tmp_path, OFFICE).machine_id()
    finally:
        os.umask(previous)

    for path in [tmp_path / "state", *(tmp_path / "state").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_what_was_open_to_others_is_closed(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE)
    file_of(tmp_path, OFFICE).chmod(0o644)
    file_of(tmp_path, OFFICE).parent.chmod(0o755)

    assert store.load() == {"k3": OFFICE}
    assert stat.S_IMODE(file_of(tmp_path, OFFICE).stat().st_mode) == 0o600
    assert stat.S_IMODE(file_of(tmp_path, OFFICE).parent.stat().st_mode) == 0o700


def test_a_file_from_before_there_were_other_secrets_than_passwords_is_understood(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE, HOME)
    for stored in (OFFICE, HOME):
        plain = json.loads(file_of(tmp_path, stored).read_text())
        plain |= {"version": 1, "password": plain.pop("secrets")["password"]}
        file_of(tmp_path, stored).write_text(json.dumps(plain))

    assert store.load() == {"k3": OFFICE, "m7": HOME}


def test_a_file_from_before_owners_had_names_is_understood_and_learns_the_name(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE)
    plain = json.loads(file_of(tmp_path, OFFICE).read_text())
    assert plain.pop("owner_name") == "mika"
    file_of(tmp_path, OFFICE).write_text(json.dumps(plain | {"version": 2}))

    assert store.load() == {"k3": OFFICE}
    store.save(OFFICE)
    assert json.loads(file_of(tmp_path, OFFICE).read_text())["owner_name"] == "mika"


@pytest.mark.parametrize(
    ("now", "is_loaded"),
    [({1000: "mika"}, True), ({1000: "jun"}, False), ({}, True)],
    ids=["the same", "another person", "no answer"],
)
def test_a_number_that_is_another_persons_now_brings_no_connections_and_no_authorities(
    tmp_path: Path, now: dict[int, str], is_loaded: bool
) -> None:
    before = store_with(tmp_path, OFFICE)
    before.save_authorities(1000, Authorities((CERTIFICATE,)))

    store = store_with(tmp_path, people=now)

    assert store.load() == ({"k3": OFFICE} if is_loaded else {})
    assert store.authorities(1000) == Authorities((CERTIFICATE,) if is_loaded else ())
    assert [("belongs to mika" in problem, "is jun's now" in problem) for problem in store.problems] == (
        [] if is_loaded else [(True, True)]
    )
    assert file_of(tmp_path, OFFICE).exists()


def test_an_http_proxys_user_name_of_an_older_file_may_be_of_no_use(tmp_path: Path) -> None:
    proxy = Proxy(kind=ProxyKind.HTTP, host="proxy", port=8080, username="mika:x")
    older = replace(OFFICE, settings=replace(OFFICE.settings, proxy=proxy))

    store = store_with(tmp_path, older)

    assert store.load() == {"k3": older}  # the attempt tells what is wrong
    assert store.problems == []


def test_a_users_authorities_are_kept_apart_from_others(tmp_path: Path) -> None:
    store = store_with(tmp_path)
    store.save_authorities(1000, Authorities((CERTIFICATE,)))

    assert store.authorities(1000).pem == CERTIFICATE
    assert store.authorities(1001) == Authorities()
    kept = tmp_path / "state/authorities/1000.json"
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(kept.parent.stat().st_mode)) == (0o600, 0o700)


@pytest.mark.parametrize("damage", [b"", b"[]", b"\xff", b'{"certificates": ["x"]}', b'{"certificates": 1}'])
def test_damaged_authorities_vouch_for_nobody(tmp_path: Path, damage: bytes) -> None:
    store = store_with(tmp_path)
    store.save_authorities(1000, Authorities())
    (tmp_path / "state/authorities/1000.json").write_bytes(damage)

    assert store.authorities(1000) == Authorities()


def test_a_password_shows_in_no_representation() -> None:
    assert "tiger" not in repr(OFFICE)


# -- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b" " * 2**20 + b"{}",
        b"[" * 60000,
        b'{"version": 0}',
        b'{"version": "1"}',
        b'{"version": true}',
        b'{"version": 1}',
        b'{"version": 1, "settings": {}, "owner": 0, "interface": "tsunagu0", "mac": "5e:00:11:22:33:44"}',
    ],
)
def test_a_damaged_file_is_moved_aside_and_the_rest_goes_on(tmp_path: Path, damage: bytes) -> None:
    store = store_with(tmp_path, OFFICE, HOME)
    file_of(tmp_path, OFFICE).write_bytes(damage)

    assert store.load() == {"m7": HOME}
    kept = tmp_path / "state/quarantine/k3.json"
    assert kept.read_bytes() == damage
    [problem] = store.problems
    assert str(file_of(tmp_path, OFFICE)) in problem
    assert f"it is now {kept}" in problem
    assert store.load() == {"m7": HOME}
    assert store.problems == []


@pytest.mark.parametrize(
    "change",
    [
        {"interface": "eth0"},
        {"interface": "../tsunagu0"},
        {"mac": "01:00:5e:00:00:01"},
        {"mac": "00:11:22:33:44:55"},
        {"owner": -1},
        {"owner": 2**32},
        {"owner": "root"},
        {"password": "tiger"},
        {"unknown": 1},
        {"settings": {"name": "\ud800", "host": "h", "hub": "h", "username": "u"}},
        {"settings": {"name": "n", "host": "h", "hub": "h", "username": "u", "port": 0}},
    ],
)
def test_a_value_that_cannot_be_ours_counts_as_damage(tmp_path: Path, change: dict[str, Any]) -> None:
    store = store_with(tmp_path, OFFICE)
    plain = json.loads(file_of(tmp_path, OFFICE).read_text())
    file_of(tmp_path, OFFICE).write_text(json.dumps(plain | change))

    assert store.load() == {}
    assert len(store.problems) == 1
    assert "tiger" not in store.problems[0]


def test_two_damaged_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE)
    for text in ("first", "second"):
        file_of(tmp_path, OFFICE).write_text(text)
        store.load()

    assert sorted(path.read_text() for path in (tmp_path / "state/quarantine").iterdir()) == ["first", "second"]


def test_a_repaired_file_can_be_moved_back(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE)
    good = file_of(tmp_path, OFFICE).read_text()
    file_of(tmp_path, OFFICE).write_text("{")
    store.load()
    kept = tmp_path / "state/quarantine/k3.json"
    kept.write_text(good)
    kept.rename(file_of(tmp_path, OFFICE))

    assert store.load() == {"k3": OFFICE}


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE)
    file_of(tmp_path, OFFICE).write_text('{"version": 4, "what": "ever"}')

    assert store.load() == {}
    assert "later Tsunagu" in store.problems[0]
    assert file_of(tmp_path, OFFICE).exists()


def test_a_link_or_a_pipe_in_the_place_of_a_file_is_not_read(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE, HOME)
    outside = file_of(tmp_path, OFFICE).rename(tmp_path / "outside")
    file_of(tmp_path, OFFICE).symlink_to(outside)
    file_of(tmp_path, HOME).unlink()
    os.mkfifo(file_of(tmp_path, HOME))

    assert store.load() == {}
    assert len(store.problems) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file away")
def test_a_file_of_another_user_is_not_read(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE)
    os.chown(file_of(tmp_path, OFFICE), 1000, 1000)

    assert store.load() == {}
    assert "belongs to user 1000" in store.problems[0]


def test_an_editors_backup_is_no_connection_and_no_problem(tmp_path: Path) -> None:
    store = store_with(tmp_path, OFFICE)
    file_of(tmp_path, OFFICE).with_name("k3.json~").write_text("{")

    assert store.load() == {"k3": OFFICE}
    assert store.problems == []


# -- faults -----------------------------------------------------------------------------------------------------------


def count_steps(directory: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many calls of ``STEPS`` a change of OFFICE makes."""
    count = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            return call(*arguments, **options)

        return wrapper

    store = store_with(directory, OFFICE)
    with monkeypatch.context() as patches:
        for name in STEPS:
            patches.setattr(os, name, counted(getattr(os, name)))
        store.save(replace(OFFICE, owner=1))
    return count


def fail_at(step: int, patches: pytest.MonkeyPatch, fault: Callable[[], None], *, after: bool) -> None:
    """Have ``fault`` happen before, or right after, the step of that number."""
    count = 0

    def faulty(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            number, count = count, count + 1
            if number == step and not after:
                fault()
            result = call(*arguments, **options)
            if number == step and after:
                fault()
            return result

        return wrapper

    for name in STEPS:
        patches.setattr(os, name, faulty(getattr(os, name)))


def full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_on_a_full_disk_there_is_a_sentence_and_the_old_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = count_steps(tmp_path / "counted", monkeypatch)
    assert steps >= 3
    changed = replace(OFFICE, settings=replace(SETTINGS, host="other.example.org"))
    outcomes = []
    for step in range(steps):
        store = store_with(tmp_path / str(step), OFFICE)
        with monkeypatch.context() as patches:
            fail_at(step, patches, full_disk, after=False)
            with pytest.raises(StorageFailed) as caught:
                store.save(changed)
        assert str(caught.value) == (
            "The connection 会社 could not be saved: the disk is full. Free some space, then try again"
        )
        outcomes.append(store.load())
        assert os.listdir(file_of(tmp_path / str(step), OFFICE).parent) == ["k3.json"]

    assert {"k3": OFFICE} in outcomes
    assert all(outcome in ({"k3": OFFICE}, {"k3": changed}) for outcome in outcomes)


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_instant_leaves_the_old_connection_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    changed = replace(OFFICE, settings=replace(SETTINGS, host="other.example.org"))
    outcomes = []
    for step in range(count_steps(tmp_path / "counted", monkeypatch)):
        store = store_with(tmp_path / str(step), OFFICE, HOME)
        child = os.fork()
        if child == 0:
            fail_at(step, monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL), after=after)
            store.save(changed)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

        survivor = Store(tmp_path / str(step) / "state", called)
        outcomes.append(survivor.load())
        assert survivor.problems == []
        assert sorted(os.listdir(file_of(tmp_path / str(step), OFFICE).parent)) == ["k3.json", "m7.json"]

    expected = [{"k3": OFFICE, "m7": HOME}, {"k3": changed, "m7": HOME}]
    assert outcomes == sorted(outcomes, key=expected.index)  # the old one, and from some step on the new one
    assert expected[0] in outcomes
    assert expected[1] in outcomes


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")

    with pytest.raises(StorageFailed, match=r"^The saved connections could not be read: File exists \(.*/state\)$"):
        Store(tmp_path / "state", called).load()


# -- the machine's id -------------------------------------------------------------------------------------------------


def test_the_machine_keeps_its_id(tmp_path: Path) -> None:
    first = store_with(tmp_path).machine_id()

    assert store_with(tmp_path).machine_id() == first
    assert len(bytes.fromhex(first)) == 16


def test_another_machine_has_another_id_and_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    first = store_with(tmp_path).machine_id()
    assert store_with(tmp_path / "other").machine_id() != first
    (tmp_path / "state/machine-id").write_text("not hexadecimal")

    renewed = store_with(tmp_path).machine_id()

    assert len(renewed) == 32
    assert store_with(tmp_path).machine_id() == renewed
