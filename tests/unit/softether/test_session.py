"""The rules of a session's carriers, with the time as an argument."""

from itertools import pairwise
from random import Random

from tsunagu_tunnel.softether.session import (
    CarrierSet,
    CloseCarrier,
    Command,
    Direction,
    EndSession,
    OpenCarrier,
    SendKeepalive,
)

START = 1000.0
T = 20.0


def carrier_set(
    *,
    max_carriers: int = 1,
    half_duplex: bool = False,
    qos: bool = False,
    open_interval_s: float = 1,
    lifetime_s: float = 0,
    auto_disconnect_s: int = 0,
) -> CarrierSet[str]:
    """A session whose login connection, "a", has joined and sent its first keepalive."""
    carriers: CarrierSet[str] = CarrierSet(
        START,
        timeout_s=T,
        max_carriers=max_carriers,
        half_duplex=half_duplex,
        qos=qos,
        open_interval_s=open_interval_s,
        lifetime_s=lifetime_s,
        auto_disconnect_s=auto_disconnect_s,
        random=Random(4),
    )
    carriers.add("a", Direction.SEND if half_duplex else Direction.BOTH, START)
    if half_duplex:
        assert carriers.tick(START) == [SendKeepalive("a"), OpenCarrier()]
        return carriers
    assert carriers.tick(START) == [SendKeepalive("a")]
    return carriers


def run(carriers: CarrierSet[str], until: float, *, hears: bool = True) -> list[tuple[float, Command[str]]]:
    """Jump from deadline to deadline; what came, and when.  ``hears``: the server speaks on all carriers, always."""
    came: list[tuple[float, Command[str]]] = []
    while (now := carriers.next_deadline()) <= until:
        if hears:
            for carrier in carriers.senders:
                carriers.received(carrier, now)
        commands = carriers.tick(now)
        came += ((now, command) for command in commands)
        if EndSession in map(type, commands):
            break
    return came


def test_keepalives_come_between_a_fifth_and_a_half_of_the_timeout_after_the_last_thing_sent() -> None:
    times = [START] + [now for now, command in run(carrier_set(), START + 1000) if command == SendKeepalive("a")]

    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) > 90
    assert min(gaps) >= T / 5
    assert max(gaps) <= T / 2
    assert len({round(gap, 6) for gap in gaps}) > 10


def test_data_sent_puts_a_keepalive_off() -> None:
    carriers = carrier_set()
    carriers.received("a", START + 15)

    for second in range(1, 16):
        assert carriers.tick(START + second) == []
        carriers.sent("a", START + second)


def test_a_single_idle_carrier_wakes_the_loop_for_keepalives_only() -> None:
    carriers = carrier_set()

    came = run(carriers, START + 200)

    assert {type(command) for _, command in came} == {SendKeepalive}
    assert len(came) <= 200 / (T / 5)


def test_a_silent_server_ends_the_session_after_the_timeout() -> None:
    (*_, (now, command)) = run(carrier_set(), START + 1000, hears=False)

    assert now == START + T
    assert isinstance(command, EndSession)
    assert command.code == 13


def test_more_carriers_are_opened_one_a_second_until_there_are_enough() -> None:
    carriers = carrier_set(max_carriers=3)

    opened = [now for now, command in run(carriers, START + 30) if command == OpenCarrier()]

    assert opened == [START + 1, START + 2]


def test_a_carrier_that_joined_gets_its_keepalive_at_once() -> None:
    carriers = carrier_set(max_carriers=2)
    assert OpenCarrier() in carriers.tick(START + 1)

    carriers.add("b", Direction.SEND, START + 1.2)

    assert carriers.next_deadline() <= START + 1.2
    assert carriers.tick(START + 1.2) == [SendKeepalive("b")]


def test_failed_openings_are_tried_again_ever_more_rarely() -> None:
    carriers = carrier_set(max_carriers=2)
    times = []
    now = START
    while now < START + 200:
        now = carriers.next_deadline()
        carriers.received("a", now)
        if OpenCarrier() in carriers.tick(now):
            times.append(now)
            carriers.open_failed(15, now)

    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[:6] == [2, 4, 8, 16, 30, 30]


def test_a_success_makes_the_next_failure_a_first_one() -> None:
    carriers = carrier_set(max_carriers=2)
    carriers.tick(START + 1)
    carriers.open_failed(15, START + 1)
    carriers.tick(START + 3)
    carriers.add("b", Direction.BOTH, START + 3)
    carriers.lost("b", START + 12)
    assert OpenCarrier() in carriers.tick(START + 12)

    carriers.open_failed(15, START + 12)

    assert OpenCarrier() not in carriers.tick(START + 13.9)
    assert OpenCarrier() in carriers.tick(START + 14)


def test_only_carriers_that_may_send_do() -> None:
    carriers = carrier_set(max_carriers=3)
    carriers.add("b", Direction.RECEIVE, START)
    carriers.add("c", Direction.SEND, START)

    assert carriers.senders == ("a", "c")
    assert carriers.receivers == 2
    assert carriers.tick(START) == [SendKeepalive("c")]


def test_a_carrier_that_fell_silent_is_closed_and_replaced_while_the_others_live() -> None:
    carriers = carrier_set(max_carriers=2)
    carriers.tick(START + 1)
    carriers.add("b", Direction.BOTH, START + 1)
    carriers.received("b", START + 19)

    commands = carriers.tick(START + 20)

    assert CloseCarrier("a") in commands
    assert OpenCarrier() in commands
    assert carriers.senders == ("b",)


def test_a_carrier_that_only_sends_is_never_silent() -> None:
    carriers = carrier_set(max_carriers=2)
    carriers.add("b", Direction.SEND, START)
    carriers.received("a", START + 19)

    assert CloseCarrier("b") not in carriers.tick(START + 30)


def test_the_last_carrier_lost_is_replaced_at_once() -> None:
    carriers = carrier_set()
    carriers.lost("a", START + 5)

    assert carriers.next_deadline() <= START + 5
    assert carriers.tick(START + 5) == [OpenCarrier()]
    carriers.add("b", Direction.BOTH, START + 5.1)
    assert carriers.tick(START + 5.1) == [SendKeepalive("b")]


def test_a_carrier_that_joins_is_a_sign_of_life() -> None:
    carriers = carrier_set()
    carriers.lost("a", START + 19)
    carriers.tick(START + 19)

    carriers.add("b", Direction.BOTH, START + 19.5)

    assert carriers.tick(START + 21) == [SendKeepalive("b")]


def test_a_session_that_an_administrator_ended_is_over() -> None:
    carriers = carrier_set()
    carriers.lost("a", START + 5)
    carriers.tick(START + 5)

    carriers.open_failed(13, START + 5.1)

    assert carriers.next_deadline() <= START + 5.1
    assert carriers.tick(START + 5.1) == [EndSession(13, "the server ended the session")]


def test_a_server_that_is_gone_ends_the_session_with_what_the_revival_met() -> None:
    carriers = carrier_set()
    carriers.lost("a", START + 5)
    carriers.tick(START + 5)

    carriers.open_failed(1, START + 5.1)

    assert carriers.tick(START + 5.1) == [EndSession(1)]


def test_a_network_that_changes_twice_in_a_moment_is_not_the_servers_doing() -> None:
    carriers = carrier_set()
    carriers.lost("a", START + 5, by_network=True)
    carriers.tick(START + 5)
    carriers.add("b", Direction.BOTH, START + 5.1)

    carriers.lost("b", START + 5.2, by_network=True)

    assert carriers.tick(START + 5.2) == [OpenCarrier()]


def test_a_server_that_cuts_the_revived_line_too_is_not_revived_for_ever() -> None:
    carriers = carrier_set()
    carriers.lost("a", START + 5)
    carriers.tick(START + 5)
    carriers.add("b", Direction.BOTH, START + 5.1)

    carriers.lost("b", START + 5.2)

    (end,) = carriers.tick(START + 5.2)
    assert isinstance(end, EndSession)
    assert end.code == 3


def test_losing_one_of_two_carriers_is_no_revival() -> None:
    carriers = carrier_set(max_carriers=2)
    carriers.tick(START + 1)
    carriers.add("b", Direction.BOTH, START + 1)
    for second in range(2, 10):
        carriers.lost("b", START + second)
        assert OpenCarrier() in carriers.tick(START + second)
        carriers.add("b", Direction.BOTH, START + second)


def test_the_policys_time_limit_ends_the_session_for_good() -> None:
    (*_, (now, command)) = run(carrier_set(auto_disconnect_s=90), START + 1000)

    assert (now, command) == (START + 90, EndSession(126))


def test_further_carriers_are_opened_in_the_interval_of_the_settings() -> None:
    carriers = carrier_set(max_carriers=3, open_interval_s=7)

    opened = [now for now, command in run(carriers, START + 30) if command == OpenCarrier()]

    assert opened == [START + 7, START + 14]


def test_a_half_duplex_session_has_both_directions_as_soon_as_can_be() -> None:
    carriers = carrier_set(max_carriers=4, half_duplex=True, open_interval_s=1000)
    carriers.add("b", Direction.RECEIVE, START + 0.1)

    assert carriers.next_deadline() > START + 1
    carriers.lost("b", START + 3)
    assert carriers.tick(START + 3) == [OpenCarrier()]
    carriers.add("c", Direction.RECEIVE, START + 3)
    carriers.lost("a", START + 8)
    assert carriers.tick(START + 8) == [OpenCarrier()]


def test_a_half_duplex_session_that_is_full_trades_its_newest_carrier_for_the_missing_direction() -> None:
    carriers = carrier_set(max_carriers=2, half_duplex=True)

    carriers.add("b", Direction.SEND, START + 0.1)

    assert carriers.tick(START + 0.1) == [CloseCarrier("b")]
    assert carriers.next_deadline() == START + 1  # a server that never gives it is not asked in a hurry
    assert carriers.tick(START + 1) == [OpenCarrier()]
    carriers.add("c", Direction.RECEIVE, START + 1.1)
    assert carriers.tick(START + 1.1) == []
    assert len(carriers) == 2


def test_keepalives_of_a_half_duplex_session_go_on_what_sends() -> None:
    carriers = carrier_set(max_carriers=2, half_duplex=True)
    carriers.add("b", Direction.RECEIVE, START)
    came = []
    while (now := carriers.next_deadline()) < START + 100:
        carriers.received("b", now)
        came += carriers.tick(now)

    assert set(came) == {SendKeepalive("a")}


def test_old_carriers_are_replaced_but_not_the_one_that_logged_in() -> None:
    carriers = carrier_set(max_carriers=2, lifetime_s=60)
    carriers.tick(START + 1)
    carriers.add("b", Direction.BOTH, START + 1)
    for second in range(2, 61):
        for carrier in ("a", "b"):
            carriers.received(carrier, START + second)
        assert CloseCarrier("b") not in carriers.tick(START + second)

    commands = carriers.tick(START + 61)

    assert CloseCarrier("b") in commands
    assert OpenCarrier() in commands
    assert CloseCarrier("a") not in commands


def test_the_last_carrier_is_never_too_old() -> None:
    carriers = carrier_set(max_carriers=2, lifetime_s=5)
    carriers.tick(START + 1)
    carriers.add("b", Direction.BOTH, START + 1)
    carriers.lost("a", START + 2)
    assert OpenCarrier() in carriers.tick(START + 2)
    carriers.received("b", START + 10)

    assert CloseCarrier("b") not in carriers.tick(START + 10)

    carriers.add("c", Direction.BOTH, START + 10)
    assert CloseCarrier("b") in carriers.tick(START + 10)


def test_with_qos_the_newest_of_several_senders_is_for_urgent_frames() -> None:
    carriers = carrier_set(max_carriers=3, qos=True)
    assert (carriers.usual_senders, carriers.urgent_sender) == (("a",), None)

    carriers.add("b", Direction.BOTH, START + 1)
    carriers.add("c", Direction.RECEIVE, START + 2)
    assert (carriers.usual_senders, carriers.urgent_sender) == (("a",), "b")
    assert carriers.senders == ("a", "b")

    carriers.lost("a", START + 3)
    assert (carriers.usual_senders, carriers.urgent_sender) == (("b",), None)
