"""When the progress and error windows are open, and what they say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.bus_names import connection_path
from tsunagu.error_table import ERRORS
from tsunagu.errors import TunnelError
from tsunagu.model import Phase, State
from tsunagu_tray.attempt_model import Attempts, Page, failure, progress
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.texts import SENTENCES, Texts

ENGLISH = Texts("en")
PATH = connection_path("a")
IDLE = ConnectionView(path=PATH, name="Office", server="vpn.example.org:443")
CONNECTING = replace(IDLE, state=State.CONNECTING, phase=Phase.CONNECTING)
UP = replace(IDLE, state=State.UP)
UNREACHABLE = LastError("ConnectFailed", 1, str(TunnelError(1)))
WAITING = replace(IDLE, state=State.WAITING, last_error=UNREACHABLE, attempt=2, retry_at=1010.0)
FAILED = replace(IDLE, last_error=UNREACHABLE)


class Story:
    """One connection's states, one after another."""

    def __init__(self) -> None:
        self.attempts = Attempts()

    def see(self, view: ConnectionView) -> Page | None:
        self.attempts.update({PATH: view})
        return self.attempts.pages().get(PATH)


@pytest.fixture
def story() -> Story:
    story = Story()
    story.see(IDLE)
    return story


def test_who_clicks_in_a_window_sees_progress_until_it_is_connected(story: Story) -> None:
    story.attempts.clicked(PATH)

    assert [story.see(view) for view in (CONNECTING, UP)] == [Page.PROGRESS, None]


def test_nobody_else_sees_progress(story: Story) -> None:
    assert story.see(CONNECTING) is None


def test_an_error_is_shown_until_the_next_attempt_begins(story: Story) -> None:
    assert [story.see(view) for view in (CONNECTING, WAITING, CONNECTING, WAITING)] == [
        None,
        Page.ERROR,
        None,
        Page.ERROR,
    ]


def test_an_error_without_another_attempt_stays_until_it_is_seen(story: Story) -> None:
    assert [story.see(view) for view in (CONNECTING, FAILED, FAILED)] == [None, Page.ERROR, Page.ERROR]
    story.attempts.dismissed(PATH)
    assert story.see(FAILED) is None


def test_an_old_error_opens_no_window_at_the_start() -> None:
    assert Story().see(FAILED) is None


def test_the_persons_own_end_is_no_error(story: Story) -> None:
    assert [story.see(view) for view in (UP, replace(UP, state=State.STOPPING), FAILED)] == [None, None, None]


def test_a_window_closed_by_hand_comes_back_for_another_error_only(story: Story) -> None:
    story.see(CONNECTING)
    story.see(WAITING)
    story.attempts.dismissed(PATH)

    assert [story.see(view) for view in (CONNECTING, WAITING)] == [None, None]
    assert story.see(replace(WAITING, last_error=LastError("X", 2, "Other"))) is Page.ERROR


def test_hidden_means_for_this_run(story: Story) -> None:
    story.see(CONNECTING)
    story.attempts.hide(PATH, True)

    assert [story.see(view) for view in (WAITING, FAILED, IDLE)] == [None, None, None]
    story.see(CONNECTING)
    assert story.see(WAITING) is Page.ERROR


def test_a_connection_that_is_to_hide_its_windows_has_none(story: Story) -> None:
    story.attempts.clicked(PATH)
    views = (replace(view, hide_windows=True) for view in (CONNECTING, WAITING, FAILED))

    assert [story.see(view) for view in views] == [None, None, None]


def test_a_session_that_dropped_was_disconnected_and_an_attempt_that_failed_was_not(story: Story) -> None:
    for view in (UP, WAITING):
        story.see(view)
    assert story.attempts.was_up(PATH)
    for view in (CONNECTING, WAITING):
        story.see(view)
    assert not story.attempts.was_up(PATH)


@given(
    st.lists(
        st.builds(
            lambda state, error: replace(IDLE, state=state, last_error=error),
            st.sampled_from(State),
            st.sampled_from([LastError(), UNREACHABLE]),
        ),
        max_size=20,
    )
)
def test_no_window_of_an_error_without_an_error(views: list[ConnectionView]) -> None:
    story = Story()
    for view in views:
        page = story.see(view)
        assert page is not Page.ERROR or view.last_error
        assert page is not Page.PROGRESS


def told(view: ConnectionView, limit: int | None = None, now: float = 1000.0) -> str:
    return failure(view, ENGLISH, was_up=False, limit=limit, interval_s=15, now=now).next


def test_the_countdown_tells_which_retry_of_how_many_comes() -> None:
    assert told(WAITING) == "Trying again in 10 s (retry 2 of infinite)"
    assert told(WAITING, limit=5) == "Trying again in 10 s (retry 2 of 5)"
    assert told(WAITING, now=2000.0).startswith("Trying again in 0 s")
    assert "not tried again by itself" in told(FAILED)


def test_the_bar_grows_with_the_wait() -> None:
    bars = [
        failure(WAITING, ENGLISH, was_up=False, limit=None, interval_s=15, now=now).fraction
        for now in (995, 1000, 1010)
    ]

    assert bars == [0, pytest.approx(1 / 3), 1]


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_has_its_sentence_and_advice(code: int) -> None:
    view = replace(WAITING, last_error=LastError("X", code, str(TunnelError(code))))

    shown = failure(view, ENGLISH, was_up=True, limit=None, interval_s=15, now=0)

    assert f"(error {code})" in shown.error
    assert shown.advice
    assert "has been disconnected" in shown.heading


def test_every_phase_is_a_step_further() -> None:
    shown = [
        progress(replace(CONNECTING, phase=phase), ENGLISH) for phase in Phase if f"attempt_{phase.value}" in SENTENCES
    ]

    assert progress(CONNECTING, ENGLISH).text == "Connecting to server vpn.example.org:443…"
    assert "via proxy p:1" in progress(CONNECTING, ENGLISH, "p:1").text
    assert len({each.text for each in shown}) == 8
    assert all(0 < each.fraction < 1 for each in shown)
