"""When hooks run, and what they are told; test_connection has the claim for all sequences of events."""

from dataclasses import replace

import pytest

from tests.fakes_helper import SETTINGS
from tsunagu.errors import TunnelError
from tsunagu.model import State
from tsunagu_helper.connection import Connection, Target
from tsunagu_helper.occasion import MAX_VALUE, Occasion, environment, is_parting, occasion
from tsunagu_helper.store import StoredConnection

STORED = StoredConnection(id="abc", settings=SETTINGS, owner=1001, interface="tsunagu0", mac="5e:00:00:00:00:01")
IDLE = Connection(settings=SETTINGS)
CONNECTING = replace(IDLE, state=State.CONNECTING)
WAITING = replace(IDLE, state=State.WAITING, error=TunnelError(13))
UP = replace(IDLE, state=State.UP)
READY = replace(UP, is_ready=True)
GIVEN_UP = replace(IDLE, error=TunnelError(8))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (CONNECTING, UP, None),
        (UP, READY, Occasion.CONNECTED),
        (READY, READY, None),
        (READY, replace(CONNECTING, state=State.STOPPING), Occasion.DISCONNECTED),
        (READY, WAITING, Occasion.LOST),
        (READY, GIVEN_UP, Occasion.LOST),
        (CONNECTING, WAITING, None),
        (WAITING, GIVEN_UP, Occasion.FAILED),
        (CONNECTING, GIVEN_UP, Occasion.FAILED),
        (GIVEN_UP, GIVEN_UP, None),
        (WAITING, IDLE, None),
    ],
)
def test_what_a_step_amounts_to(before: Connection, after: Connection, expected: Occasion | None) -> None:
    assert occasion(before, after) is expected


@pytest.mark.parametrize(
    ("before", "target", "expected"),
    [
        (READY, Target.DOWN, True),
        (UP, Target.DOWN, False),  # no hook has heard of it
        (READY, Target.ASLEEP, False),
        (READY, Target.GONE, False),
    ],
)
def test_hooks_have_the_tunnel_once_more_when_somebody_ends_it(
    before: Connection, target: Target, expected: bool
) -> None:
    assert is_parting(before, replace(IDLE, state=State.STOPPING, target=target)) is expected
    assert not is_parting(before, WAITING)


def test_what_servers_say_reaches_a_hook_on_one_line_and_not_without_end() -> None:
    now = replace(IDLE, error=TunnelError(13, "bye\n\x1b[2J\u202e" + "x" * 9999))

    told = environment(Occasion.LOST, STORED, now, "tsunagu0", ["192.168.77.23/24", "fd00::1/64"], [])

    assert told["TSUNAGU_EVENT"] == "lost"
    assert told["TSUNAGU_ADDRESS"] == "192.168.77.23/24 fd00::1/64"
    assert told["TSUNAGU_ERROR"].isprintable()
    assert len(told["TSUNAGU_ERROR"]) == MAX_VALUE
    assert told["TSUNAGU_ERROR_CODE"] == "13"
