"""The history is bounded, private and harmless to a terminal."""

import logging

import pytest

from tsunagu_helper.history import KEPT, Entry, History, one_line


def entry(text: str, owner: int = 1001, connection: str = "Office") -> Entry:
    return Entry(time=1000.0, id="abc", connection=connection, owner=owner, level="warning", text=text)


def test_the_newest_come_last_and_the_oldest_go_first() -> None:
    history = History()
    for number in range(KEPT + 5):
        history.add(entry(str(number)))

    assert [e.text for e in history.newest(2, owner=None)] == [str(KEPT + 3), str(KEPT + 4)]
    assert len(history.newest(10_000, owner=None)) == KEPT
    assert history.newest(0, owner=None) == []


def test_an_owner_gets_as_many_of_their_own_as_asked_for() -> None:
    history = History()
    for owner in (1001, 1002, 1001, 1002):
        history.add(entry("x", owner))

    assert [e.owner for e in history.newest(2, owner=1001)] == [1001, 1001]


def test_nobody_fills_the_place_of_others() -> None:
    history = History()
    history.add(entry("mine", 1001))
    for _ in range(KEPT + 5):
        history.add(entry("flood", 1002))

    assert [e.text for e in history.newest(10, owner=1001)] == ["mine"]
    assert len(history.newest(10_000, owner=None)) == KEPT + 1


def test_a_log_line_cannot_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    History().add(entry("bad\nroot: all is well \x1b[2J\u202e\ud800", connection="東京"))

    assert caplog.messages == [r"東京: bad\nroot: all is well \x1b[2J\u202e\ud800"]
    assert one_line("plain text, 日本語") == "plain text, 日本語"
