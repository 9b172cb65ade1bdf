"""What the journal gets: fields of its native protocol, from a real socket, and never a flood."""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu_helper import journal
from tsunagu_helper.history import Entry, History
from tsunagu_helper.journal import ABOUT, AT_ONCE, KNOWN, LONGEST, MESSAGE_IDS, JournalHandler, RateLimit, datagram

OFFICE = {"TSUNAGU_CONNECTION": "Office", "TSUNAGU_CONNECTION_ID": "ab12", "TSUNAGU_NIC": "tsunagu0"}


def parsed(octets: bytes) -> dict[str, bytes]:
    """As journald reads it (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    found = {}
    while octets:
        line, octets = octets.split(b"\n", 1)
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(octets[:8], "little")
            value, octets = octets[8 : 8 + size], octets[8 + size + 1 :]
        found[name.decode()] = value
    return found


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.settimeout(10)
        yield listener


@pytest.fixture
def log(journald: socket.socket) -> Iterator[logging.Logger]:
    handler, log = JournalHandler(journald.getsockname()), logging.getLogger("tsunagu_helper")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield log
    log.removeHandler(handler)
    handler.close()


@given(st.dictionaries(st.sampled_from(["MESSAGE", "TSUNAGU_CONNECTION", "TSUNAGU_CODE"]), st.text()))
def test_no_value_can_forge_a_field(values: dict[str, str]) -> None:
    expected = {name: value.encode(errors="backslashreplace")[:LONGEST] for name, value in values.items()}

    assert parsed(datagram(values)) == {name: octets for name, octets in expected.items() if octets}


def test_what_happens_to_a_connection_has_its_fields(journald: socket.socket, log: logging.Logger) -> None:
    assert log
    ABOUT.set(OFFICE)
    entry = Entry(time=1.0, id="ab12", connection="Office", owner=1001, level="error", text="no\nway", code=9)
    History().add(entry, "failed")

    got = parsed(journald.recv(65536))

    assert got["MESSAGE"] == rb"Office: no\nway"
    assert (got["PRIORITY"], got["TSUNAGU_CODE"]) == (b"3", b"9")
    assert got["MESSAGE_ID"].decode() == MESSAGE_IDS["failed"]
    assert {name: got[name].decode() for name in OFFICE} == OFFICE


def test_a_traceback_stays_one_entry(journald: socket.socket, log: logging.Logger) -> None:
    try:
        raise RuntimeError("a bug")
    except RuntimeError:
        log.exception("Office")

    got = parsed(journald.recv(65536))

    assert got["MESSAGE"].startswith(b"Office\nTraceback")
    assert got["MESSAGE"].endswith(b"RuntimeError: a bug")


def test_where_the_journal_is_gone_standard_error_takes_it(
    journald: socket.socket, log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = JournalHandler(journald.getsockname() + ".gone")
    log.addHandler(handler)
    log.error("told all the same")
    log.removeHandler(handler)
    handler.close()

    assert "<3>told all the same" in capsys.readouterr().err


def test_a_connection_that_floods_the_log_is_held_back_and_counted_and_no_other() -> None:
    now = 0.0
    limit = RateLimit(lambda: now)

    def says(connection: str) -> logging.LogRecord | None:
        ABOUT.set({"TSUNAGU_CONNECTION_ID": connection})
        record = logging.LogRecord("x", logging.INFO, "x", 1, "%s", ("hm",), None)
        return record if limit.filter(record) else None

    assert sum(says("a") is not None for _ in range(AT_ONCE + 50)) == AT_ONCE
    assert says("b")
    now = 1.0
    record = says("a")
    assert record
    assert record.getMessage() == "hm (50 lines before this one were left out)"
    assert says("a") is None


def test_what_is_quiet_for_long_is_forgotten() -> None:
    now = 0.0
    limit = RateLimit(lambda: now)
    for number in range(3 * KNOWN):
        now += 10
        ABOUT.set({"TSUNAGU_CONNECTION_ID": str(number)})
        limit.filter(logging.LogRecord("x", logging.INFO, "x", 1, "hm", (), None))

    assert len(limit._of) <= KNOWN + 1


@pytest.mark.parametrize("names_our_stream", [True, False])
def test_the_journal_is_taken_only_where_our_own_stream_leads_there(
    names_our_stream: bool, journald: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SOCKET", journald.getsockname())
    chosen: list[logging.Handler] = []
    monkeypatch.setattr(logging, "basicConfig", lambda **given: chosen.extend(given["handlers"]))
    with (tmp_path / "stderr").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        facts = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{facts.st_dev}:{facts.st_ino + (not names_our_stream)}")
        journal.log_to_journal()

    assert isinstance(chosen[0], JournalHandler) is names_our_stream
    chosen[0].close()
