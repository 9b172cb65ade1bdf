"""The main window's list, decided from values."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.bus_names import connection_path
from tsunagu.model import Phase, State
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.list_model import copy_name, matches, opens_details, rows
from tsunagu_tray.texts import Texts
from tsunagu_tray.tray_model import Kind

ENGLISH = Texts("en")
OFFICE = ConnectionView(
    path=connection_path("a"), name="Office", server="vpn.example.org:443", hub="STAFF", interface="tsunagu0"
)
HOME = replace(OFFICE, path=connection_path("b"), name="home")


def only(view: ConnectionView) -> str:
    [row] = rows([view], ENGLISH)
    return row.state


def test_the_list_is_in_the_order_of_names_whatever_their_case() -> None:
    assert [row.name for row in rows([OFFICE, HOME], ENGLISH)] == ["home", "Office"]


def test_what_is_about_to_be_deleted_is_not_shown() -> None:
    assert [row.name for row in rows([OFFICE, HOME], ENGLISH, {OFFICE.path})] == ["home"]


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (OFFICE, "Offline"),
        (
            replace(OFFICE, state=State.CONNECTING, phase=Phase.VERIFYING),
            "Connecting · Verifying the server's certificate…",
        ),
        (replace(OFFICE, state=State.WAITING), "Connecting · Waiting to try again"),
        (replace(OFFICE, state=State.UP, addresses=("10.0.0.7/24",)), "Connected · 10.0.0.7"),
        (replace(OFFICE, state=State.UP), "Connected · no address yet"),
        (replace(OFFICE, last_error=LastError("X", 1, "No way (error 1)")), "Offline · No way (error 1)"),
        (replace(OFFICE, last_error=LastError("UserCancel", 6, "Cancelled (error 6)")), "Offline"),
    ],
)
def test_a_row_has_the_manuals_word_and_what_matters_now(view: ConnectionView, words: str) -> None:
    assert only(view) == words


def test_a_row_tells_server_hub_and_the_nic_there_is() -> None:
    [offline], [up] = rows([OFFICE], ENGLISH), rows([replace(OFFICE, state=State.UP)], ENGLISH)

    assert offline.where == "vpn.example.org:443 · hub STAFF"
    assert up.where == "vpn.example.org:443 · hub STAFF · tsunagu0"
    assert (offline.picture, offline.button) == (Kind.OFFLINE, "Connect")
    assert (up.picture, up.button) == (Kind.CONNECTED, "Disconnect")


@pytest.mark.parametrize("state", State)
def test_a_double_click_connects_what_is_offline_and_opens_the_details_of_all_else(state: State) -> None:
    assert opens_details(replace(OFFICE, state=state)) is (state is not State.IDLE)


def test_a_search_finds_every_word_anywhere() -> None:
    [row] = rows([OFFICE], ENGLISH)

    assert matches(row, "staff OFFice")
    assert matches(row, "")
    assert not matches(row, "office elsewhere")


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("Office", ["Office"], "Office (2)"),
        ("Office", ["office (2)", "Office"], "Office (3)"),
        ("Office (2)", ["Office", "Office (2)"], "Office (3)"),
        ("(2)", ["(2)"], "(2) (2)"),
    ],
)
def test_a_copy_has_a_free_name(name: str, taken: list[str], expected: str) -> None:
    assert copy_name(name, taken) == expected


@given(st.lists(st.text("Ab ()23", min_size=1), min_size=1))
def test_a_copys_name_is_always_free(taken: list[str]) -> None:
    assert copy_name(taken[0], taken).casefold() not in {name.casefold() for name in taken}
