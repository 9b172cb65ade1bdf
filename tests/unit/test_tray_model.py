"""What the tray shows and says, decided from values."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.bus_names import connection_path
from tsunagu.model import State
from tsunagu_helper.connection import NO_ADDRESS
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.preferences import Click, Notifications, Preferences
from tsunagu_tray.texts import Texts
from tsunagu_tray.tray_model import (
    Do,
    Item,
    Kind,
    Known,
    Narrator,
    Notice,
    Verb,
    Withdraw,
    as_wanted,
    came_up,
    click,
    icon,
    menu,
    recent,
    tooltip,
)

ENGLISH = Texts("en")
NOW = 1000.0
OFFICE = ConnectionView(path=connection_path("a"), name="Office", interface="tsunagu0")
HOME = ConnectionView(path=connection_path("b"), name="home_net")
LOST = LastError("SessionTimeout", 13, "The session has ended (error 13)")
UNREACHABLE = LastError("ConnectFailed", 1, "The server could not be reached (error 1)")
REFUSED = LastError("AuthFailed", 9, "User name or password is wrong (error 9)")


def known(*views: ConnectionView, **more: object) -> Known:
    return Known(views={view.path: view for view in views}, **more)  # type: ignore[arg-type]  # fields of Known


def up(view: ConnectionView = OFFICE, *addresses: str) -> ConnectionView:
    return replace(view, state=State.UP, addresses=addresses)


def labels(items: tuple[Item | None, ...]) -> list[str]:
    return [item.label if item else "---" for item in items]


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        (known(), Kind.OFFLINE),
        (known(OFFICE), Kind.OFFLINE),
        (known(replace(OFFICE, state=State.WAITING, last_error=LOST)), Kind.CONNECTING),
        (known(up(), HOME), Kind.CONNECTED),
        (known(up(), replace(HOME, state=State.CONNECTING)), Kind.CONNECTING),
        (known(up(), replace(HOME, state=State.NEEDS_SECRET)), Kind.ERROR),
        (known(replace(OFFICE, last_error=REFUSED)), Kind.ERROR),
        (known(replace(OFFICE, last_error=LastError("UserCancel", 6, "Cancelled (error 6)"))), Kind.OFFLINE),
        (known(up(), available=False), Kind.ERROR),
    ],
)
def test_the_icon_shows_what_wants_a_person_first(shown: Known, kind: Kind) -> None:
    assert icon(shown) is kind


def test_the_tooltip_has_a_line_for_each_connection() -> None:
    lines = tooltip(known(HOME, up(OFFICE, "192.168.77.23/24", "fd00::2/64")), ENGLISH).split("\n")

    assert lines == ["home_net: Offline", "Office: Connected, 192.168.77.23, fd00::2"]


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (State.IDLE, Verb.CONNECT),
        (State.NEEDS_SECRET, Verb.CONNECT),
        (State.NEEDS_TRUST, Verb.CONNECT),
        (State.CONNECTING, Verb.DISCONNECT),
        (State.WAITING, Verb.DISCONNECT),
        (State.UP, Verb.DISCONNECT),
    ],
)
def test_a_click_turns_the_only_connection_on_or_off(state: State, verb: Verb) -> None:
    assert click(known(replace(OFFICE, state=state))) == Do(verb, OFFICE.path)


def test_a_click_means_the_connection_used_last() -> None:
    assert click(known(OFFICE, HOME, last_used="b")) == Do(Verb.CONNECT, HOME.path)
    assert click(known(OFFICE, last_used="gone")) == Do(Verb.CONNECT, OFFICE.path)


def test_a_click_means_the_connection_chosen_for_it() -> None:
    chosen = Preferences(click_connection="b")

    assert click(known(OFFICE, HOME, last_used="a", preferences=chosen)) == Do(Verb.CONNECT, HOME.path)
    assert click(known(OFFICE, HOME, last_used="a", preferences=Preferences(click_connection="gone"))) == Do(
        Verb.CONNECT, OFFICE.path
    )


def test_a_click_opens_the_window_where_that_is_wanted() -> None:
    wanted = known(OFFICE, preferences=Preferences(click=Click.OPEN))

    assert click(wanted) == Do(Verb.OPEN)
    first, second, *_ = menu(wanted, ENGLISH)
    assert first == Item("_Open Tsunagu", Do(Verb.OPEN), is_default=True)
    assert second == Item("Connect to Office", Do(Verb.CONNECT, OFFICE.path))


def test_the_menu_marks_the_connection_of_a_click_and_those_of_the_start() -> None:
    shown = known(replace(OFFICE, connect_at_start=True), HOME, preferences=Preferences(click_connection="b"))

    home, office = (item for item in menu(shown, ENGLISH) if item and item.children)

    assert [item.checked for item in home.children if item and item.checked is not None] == [True, False]
    assert [item.checked for item in office.children if item and item.checked is not None] == [False, True]


def test_a_click_opens_a_waiting_question_before_anything_else() -> None:
    asking = known(replace(OFFICE, state=State.NEEDS_SECRET), asking={OFFICE.path: "password"})

    assert click(asking) == Do(Verb.ANSWER, OFFICE.path)
    assert menu(asking, ENGLISH)[0] == Item("Enter _Password…", Do(Verb.ANSWER, OFFICE.path), is_default=True)


def test_a_click_does_nothing_while_it_disconnects() -> None:
    assert click(known(replace(OFFICE, state=State.STOPPING))) is None


def test_with_no_connection_or_no_helper_the_menu_says_so() -> None:
    assert "tsunagu add" in labels(menu(known(), ENGLISH))[0]
    assert click(known()) == Do(Verb.NEW)
    assert labels(menu(known(available=False), ENGLISH))[0] == "The Tsunagu service is not running"
    assert click(known(available=False)) == Do(Verb.START_SERVICE)


def test_the_menu_begins_with_what_a_click_does() -> None:
    shown = known(OFFICE, up(HOME, "10.0.0.2/8"), last_used="b")

    first, separator, home, office, *end = menu(shown, ENGLISH)

    assert first == Item("Disconnect from home__net", Do(Verb.DISCONNECT, HOME.path), is_default=True)
    assert separator is None
    assert home is not None
    assert office is not None
    both = ["---", "_Status…", "_Properties…", "---", "For a Click on the _Icon", "Connect When the Computer _Boots"]
    assert labels(home.children) == ["Connected, 10.0.0.2", "---", "_Disconnect", *both]
    assert labels(office.children) == ["Offline", "---", "_Connect", *both]
    assert not home.children[0].enabled  # type: ignore[union-attr]  # a line, not a separator
    assert labels(tuple(end)) == ["---", "_Open Tsunagu", "_New Connection…", "Pre_ferences…", "---", "_Quit"]


def test_a_waiting_connection_can_be_retried_now() -> None:
    office = menu(known(replace(OFFICE, state=State.WAITING, last_error=LOST)), ENGLISH)[2]

    assert office is not None
    assert Item("_Retry Now", Do(Verb.CONNECT, OFFICE.path)) in office.children


def test_the_menu_has_what_happened_last_of_each_connection() -> None:
    events = [{"time": 60.0 * number, "id": "a", "text": f"Event {number} with my_name"} for number in range(5)]
    events.append({"time": 0.0, "id": "b", "text": "x" * 200})

    office, home = (recent(events, ENGLISH)[identity] for identity in "ab")
    shown = menu(known(OFFICE, recent={"a": office}), ENGLISH)[2]

    assert [line.split("  ")[1] for line in office] == [f"Event {number} with my_name" for number in (4, 3, 2)]
    assert len(home[0]) < 80
    assert home[0].endswith("…")
    assert shown is not None
    assert shown.children[-3] is not None
    assert shown.children[-3].label.endswith("Event 4 with my__name")


def test_a_kill_switch_is_told_and_can_be_lifted() -> None:
    locked = known(OFFICE, is_locked=True)

    assert tooltip(locked, ENGLISH).split("\n")[1] == "Kill switch on: nothing passes outside the tunnel"
    assert Item("_Lift the Kill Switch", Do(Verb.UNBLOCK)) in menu(locked, ENGLISH)
    assert "Kill" not in tooltip(known(OFFICE), ENGLISH) + str(menu(known(OFFICE), ENGLISH))


def test_all_can_be_disconnected_once_there_is_more_than_one() -> None:
    assert "Disconnect _All" in labels(menu(known(up(), up(HOME)), ENGLISH))
    assert "Disconnect _All" not in labels(menu(known(up(), HOME), ENGLISH))


# -- notifications ----------------------------------------------------------------------------------------------------


def story(*views: ConnectionView) -> list[list[Notice | Withdraw]]:
    """What is said at each step of one connection's life."""
    narrator = Narrator(ENGLISH)
    steps = [known(view) for view in views]
    return [narrator.tell(old, new, NOW) for old, new in pairwise(steps)]


def test_connected_is_said_once_and_completed_with_the_address() -> None:
    connecting = replace(OFFICE, state=State.CONNECTING)

    said = story(OFFICE, connecting, up(), up(OFFICE, "192.168.77.23/24"), up(OFFICE, "192.168.77.23/24"))

    [waiting], [complete] = said[1], said[2]
    assert isinstance(waiting, Notice)
    assert isinstance(complete, Notice)
    assert waiting.key == complete.key, "the second takes the place of the first"
    assert complete.title == "Connected to Office"
    assert "192.168.77.23" in complete.body
    assert (said[0], said[3]) == ([], [])


def test_a_lost_connection_is_one_notification_for_the_whole_series() -> None:
    again = replace(OFFICE, state=State.CONNECTING, last_error=LOST)
    waiting = replace(OFFICE, state=State.WAITING, last_error=UNREACHABLE, retry_at=NOW + 15)

    said = story(up(), again, waiting, replace(waiting, state=State.CONNECTING), waiting, again, waiting)

    [lost], [unreachable] = said[0], said[1]
    assert isinstance(lost, Notice)
    assert isinstance(unreachable, Notice)
    assert lost.title == "Office has been disconnected"
    assert lost.button is None
    assert "Trying again in 15 s" in unreachable.body
    assert unreachable.button == ("Retry Now", Do(Verb.CONNECT, OFFICE.path))
    assert said[2:] == [[], [], [], []]


def test_after_success_a_new_series_is_told_again() -> None:
    waiting = replace(OFFICE, state=State.WAITING, last_error=UNREACHABLE, retry_at=NOW + 15)

    said = story(OFFICE, waiting, up(OFFICE, "10.0.0.2/8"), waiting)

    assert len(said[0]) == len(said[2]) == 1


@pytest.mark.parametrize(
    ("error", "button"),
    [(REFUSED, "Enter Password"), (LastError("HubNotFound", 8, ""), "Connect"), (LOST, "Retry Now")],
)
def test_a_failure_has_code_advice_and_the_button_that_may_help(error: LastError, button: str) -> None:
    [[notice]] = story(replace(OFFICE, state=State.CONNECTING), replace(OFFICE, last_error=error))

    assert isinstance(notice, Notice)
    assert notice.title == "Could not connect to Office"
    assert f"error {error.code}" in notice.body
    assert "\n" in notice.body
    assert notice.button == (button, Do(Verb.CONNECT, OFFICE.path))


def test_what_the_person_ended_is_not_told_but_takes_old_news_away() -> None:
    refused = replace(OFFICE, last_error=REFUSED)

    assert story(up(), replace(OFFICE, state=State.STOPPING), OFFICE)[1] == [Withdraw(OFFICE.path)]
    assert story(replace(OFFICE, state=State.WAITING), OFFICE) == [[Withdraw(OFFICE.path)]]
    assert story(replace(OFFICE, state=State.NEEDS_SECRET), refused) == [[Withdraw(OFFICE.path)]]


def test_a_missing_address_is_told_with_what_may_help() -> None:
    [[notice]] = story(up(), replace(up(), last_error=LastError("NoAddress", 0, NO_ADDRESS)))

    assert isinstance(notice, Notice)
    assert notice.body == NO_ADDRESS


def test_a_helper_that_goes_takes_its_connections_along_and_says_so_once() -> None:
    narrator = Narrator(ENGLISH)
    gone = known(available=False)

    assert narrator.tell(known(OFFICE), gone, NOW) == []
    said = narrator.tell(known(up()), gone, NOW)
    assert said[0] == Withdraw(OFFICE.path)
    assert isinstance(said[1], Notice)
    assert narrator.tell(gone, known(OFFICE), NOW) == [Withdraw("")]


@pytest.mark.parametrize("end", [State.WAITING, State.IDLE])
def test_the_errors_of_a_quiet_connection_are_not_told_and_its_success_is(end: State) -> None:
    quiet = replace(OFFICE, hide_windows=True)
    connecting = replace(quiet, state=State.CONNECTING)
    failed = replace(connecting, state=end, last_error=UNREACHABLE)

    said = story(quiet, connecting, failed, connecting, up(quiet, "192.168.77.23/24"), failed)

    assert [isinstance(told, Notice) for step in said for told in step] == [False, True, False]


def test_what_is_there_at_the_start_is_no_news() -> None:
    assert Narrator(ENGLISH).tell(known(), known(up(OFFICE, "10.0.0.2/8")), NOW) == []


views = st.builds(
    ConnectionView,
    path=st.sampled_from([connection_path("a"), connection_path("b")]),
    name=st.text(max_size=5),
    state=st.sampled_from(State),
    addresses=st.sampled_from([(), ("10.0.0.2/8",)]),
    hide_windows=st.booleans(),
    last_error=st.sampled_from([LastError(), LOST, REFUSED, UNREACHABLE, LastError("New", 9999, "?")]),
)
chosen = st.builds(Preferences, click=st.sampled_from(Click), click_connection=st.sampled_from(["", "a", "b"]))
moments = st.builds(
    lambda shown, available, preferences: known(*shown, available=available, preferences=preferences),
    st.lists(views, max_size=2),
    st.booleans(),
    chosen,
)


@given(st.lists(moments, min_size=2), st.sampled_from(["en", "ja"]))
def test_nothing_that_can_be_known_breaks_the_tray(history: list[Known], language: str) -> None:
    texts = Texts(language)
    narrator = Narrator(texts)
    for old, new in pairwise(history):
        narrator.tell(old, new, NOW)
        defaults = [item for item in menu(new, texts) if item and item.is_default]
        assert len(defaults) == 1
        assert defaults[0].do == click(new)
        assert tooltip(new, texts)
        assert icon(new) in Kind


def test_a_connection_has_come_up_once_and_not_when_it_was_found_up() -> None:
    assert came_up(known(OFFICE), known(up())) == [up()]
    assert came_up(known(up()), known(up(OFFICE, "192.168.77.23/24"))) == []
    assert came_up(known(), known(up())) == []


def test_where_our_windows_tell_of_errors_no_notification_does_but_all_else_is_told() -> None:
    narrator = Narrator(ENGLISH)
    before, lost = known(up(), has_windows=True), replace(OFFICE, state=State.WAITING, last_error=LOST)

    assert narrator.tell(before, known(lost, has_windows=True), NOW) == [Withdraw(OFFICE.path)]
    [back] = narrator.tell(known(lost, has_windows=True), known(up(OFFICE, "10.0.0.2/8"), has_windows=True), NOW)
    assert isinstance(back, Notice)


@pytest.mark.parametrize(
    ("wanted", "shown"), [(Notifications.ALL, "ab"), (Notifications.TROUBLE, "b"), (Notifications.NONE, "")]
)
def test_what_is_not_wanted_is_left_out_and_takes_what_stands_in_its_place(wanted: Notifications, shown: str) -> None:
    good, bad = Notice(key="a", title="Connected", is_trouble=False), Notice(key="b", title="Lost")

    said = as_wanted([good, bad, Withdraw("c")], wanted)

    assert [notice.key for notice in said] == ["a", "b", "c"]
    assert "".join(notice.key for notice in said if isinstance(notice, Notice)) == shown
