"""The secrets agent and the tray's questions, asked by a scripted helper; windows are fakes here."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes_bus import FakeConnection, FakeHelper, PrivateBus, fake_helper, until
from tests.lab import logind
from tsunagu.bus_names import AGENT, AGENT_PATH, ASK_ANEW, ERROR_PREFIX, connection_id
from tsunagu.errors import Cancelled, KeyringFailed, NoKeyring
from tsunagu.model import Secret
from tsunagu_dbus import BusError, MessageBus, call, close, to_variants
from tsunagu_tray import questions
from tsunagu_tray.agent import Agent
from tsunagu_tray.client import HelperClient
from tsunagu_tray.keyring import Keyring, KeyringLocked
from tsunagu_tray.memory import Memory, Remembered
from tsunagu_tray.questions import ANSWER_S, JUST_CLICKED_S, Questions
from tsunagu_tray.texts import Texts
from tsunagu_tray.tray_model import Do, Notice, Verb, Withdraw
from tsunagu_tray.turn import Turn


class Windows:
    """Stands for the window programs: what was asked, and answers when told."""

    def __init__(self) -> None:
        self.open: list[tuple[str, dict[str, Any]]] = []
        self.most_open = 0
        self.answer: asyncio.Future[dict[str, Any] | None] | None = None

    async def ask(self, window: str, question: dict[str, Any]) -> dict[str, Any] | None:
        asked = (window, question)
        self.open.append(asked)
        self.most_open = max(self.most_open, len(self.open))
        self.answer = asyncio.get_running_loop().create_future()
        try:
            return await self.answer
        finally:
            self.open.remove(asked)

    async def close_with(self, answer: dict[str, Any] | None) -> None:
        await until(lambda: self.open)
        assert self.answer is not None
        self.answer.set_result(answer)


class FakeKeyring(Keyring):
    """``items`` by id and kind; ``exists`` False: none runs; ``is_locked``: until somebody unlocks it."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Secret] = {}
        self.labels: list[str] = []
        self.exists, self.is_locked, self.is_declined, self.is_broken = True, False, False, False

    async def is_there(self) -> bool:
        return self.exists

    async def find(self, connection: str, kind: str, *, unlock: bool = False) -> Secret | None:
        self._look()
        if self.is_locked and not unlock:
            raise KeyringLocked
        self._unlock()
        return self.items.get((connection, kind))

    async def save(self, connection: str, kind: str, label: str, secret: Secret) -> None:
        self._look()
        self._unlock()
        self.items[connection, kind] = secret
        self.labels.append(label)

    async def forget(self, connection: str, kinds: Iterable[str] = ()) -> None:
        self._look()
        if self.is_locked:
            raise KeyringLocked
        for kind in [*kinds] or ["password", "proxy_password"]:
            self.items.pop((connection, kind), None)

    def _look(self) -> None:
        if not self.exists:
            raise NoKeyring("There is no keyring")
        if self.is_broken:
            raise KeyringFailed("The keyring is broken")

    def _unlock(self) -> None:
        if self.is_locked and self.is_declined:
            raise Cancelled("The keyring was not unlocked")
        self.is_locked = False


class Rig:
    def __init__(self, helper: FakeHelper, state_home: Path) -> None:
        self.helper = helper
        self.connection: FakeConnection = helper.add("Office")
        self.said: list[Notice | Withdraw] = []
        self.now = 1000.0
        self.windows = Windows()
        self.memory = Memory({"XDG_STATE_HOME": str(state_home)}, "tray", Remembered())
        texts = Texts("en")
        self.back = 0
        self.turn = Turn({"XDG_SESSION_ID": "c1"}, self._is_back)
        self.questions = Questions(texts, self.memory, self.said.extend, lambda: None, lambda: self.now, self.turn)
        self.client = HelperClient(watchers=[self.turn.watch])
        self.keyring = FakeKeyring()
        self.agent = Agent(
            self.questions, lambda: self.client.owner, lambda path: self.client.views.get(path), self.keyring
        )

    def _is_back(self) -> None:
        self.back += 1

    def ask_password(self, **hints: Any) -> asyncio.Task[dict[str, Any]]:
        return asyncio.create_task(self.helper.ask_password(self.connection, **hints))


@pytest.fixture
async def rig(bus: PrivateBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    async with fake_helper(bus) as helper:
        rig = Rig(helper, tmp_path)
        monkeypatch.setattr(questions, "ask", rig.windows.ask)
        await rig.client.open()
        await rig.client.activate()
        await rig.client.register_agent(AGENT_PATH, rig.agent)
        yield rig
        await rig.client.close()


async def test_after_a_click_the_window_comes_at_once(rig: Rig) -> None:
    rig.questions.clicked(rig.connection.path)
    asked = rig.ask_password(again=True)
    await rig.windows.close_with({"secret": "pw", "save": True})

    assert await asked == {"secret": "pw", "save": True, "stored": False}
    assert rig.said == []


async def test_without_a_click_a_notification_opens_it(rig: Rig) -> None:
    path = rig.connection.path
    asked = rig.ask_password()
    await until(lambda: rig.said)

    [notice] = rig.said
    assert isinstance(notice, Notice)
    assert notice.title == "Office needs your password"
    assert notice.button == ("Enter Password", Do(Verb.ANSWER, path))
    assert rig.questions.waiting == {path: "password"}
    assert not rig.windows.open

    rig.questions.open(path)
    await rig.windows.close_with({"secret": "pw", "save": False})
    assert await asked == {"secret": "pw", "save": False, "stored": False}
    assert rig.said[1:] == [Withdraw(notice.key)]
    assert rig.questions.waiting == {}


async def test_a_click_is_forgotten_after_half_a_minute(rig: Rig) -> None:
    rig.questions.clicked(rig.connection.path)
    rig.now += JUST_CLICKED_S
    asked = rig.ask_password()
    await until(lambda: rig.questions.waiting)
    asked.cancel()


async def test_do_not_save_is_remembered_over_runs(rig: Rig, tmp_path: Path) -> None:
    rig.questions.clicked(rig.connection.path)
    asked = rig.ask_password()
    await until(lambda: rig.windows.open)
    assert rig.windows.open[0][1]["no_save"] is False
    await rig.windows.close_with({"secret": "pw", "save": False})
    await asked

    assert Memory({"XDG_STATE_HOME": str(tmp_path)}, "tray", Remembered()).values.no_save


async def test_cancel_in_the_window_is_told_as_cancelled(rig: Rig) -> None:
    rig.questions.clicked(rig.connection.path)
    asked = rig.ask_password()
    await rig.windows.close_with(None)

    with pytest.raises(BusError) as refused:
        await asked
    assert refused.value.name == ERROR_PREFIX + "Cancelled"


async def test_the_helper_takes_a_question_back(rig: Rig) -> None:
    rig.questions.clicked(rig.connection.path)
    asked = rig.ask_password()
    await until(lambda: rig.windows.open)

    await rig.helper.ask("Cancel", "o", [rig.connection.path])

    with pytest.raises(BusError, match="taken back"):
        await asked
    assert not rig.windows.open


async def test_a_second_question_for_a_connection_takes_the_place_of_the_first(rig: Rig) -> None:
    rig.questions.clicked(rig.connection.path)
    first = rig.ask_password()
    await until(lambda: rig.windows.open)
    second = asyncio.create_task(rig.helper.ask_trust(rig.connection, changed=True))
    await until(lambda: [window for window, _ in rig.windows.open] == ["certificate"])
    await rig.windows.close_with({"verdict": "once"})

    assert await second == "once"
    assert rig.windows.most_open == 1
    with pytest.raises(BusError):
        await first


async def test_a_certificate_without_an_answer_is_not_trusted(rig: Rig) -> None:
    rig.questions.clicked(rig.connection.path)
    asked = asyncio.create_task(rig.helper.ask_trust(rig.connection))
    await until(lambda: rig.windows.open)
    assert rig.windows.open[0][1]["server"] == "vpn.example.org:443"
    await rig.windows.close_with(None)

    assert await asked == "no"


async def test_who_logs_in_is_asked_too_where_that_is_open(rig: Rig) -> None:
    rig.questions.clicked(rig.connection.path)
    asked = rig.ask_password(fixed=False, auth="password")
    await until(lambda: rig.windows.open)
    shown = rig.windows.open[0][1]
    await rig.windows.close_with({"secret": "pw", "save": True, "username": "mika", "auth": "plain-password"})

    answer = await asked
    assert (shown["fixed"], shown["auth"], shown["seconds_left"]) == (False, "password", ANSWER_S)
    assert (answer["username"], answer["auth"]) == ("mika", "plain-password")


async def test_there_is_one_window_at_a_time_and_the_next_comes_after_it(rig: Rig) -> None:
    home = rig.helper.add("Home")
    await until(lambda: home.path in rig.client.views)
    first = rig.ask_password()
    second = asyncio.create_task(rig.helper.ask_password(home))
    await until(lambda: len(rig.questions.waiting) == 2)
    for path in (rig.connection.path, home.path):
        rig.questions.clicked(path)  # also opens what waits
    names = []
    for number in range(2):
        await until(lambda: rig.windows.open)
        names.append(rig.windows.open[0][1]["name"])
        await rig.windows.close_with({"secret": f"{number}", "save": False})
        await until(lambda: not rig.windows.open or rig.windows.open[0][1]["name"] not in names)

    assert names == ["Office", "Home"]
    assert [(await asked)["secret"] for asked in (first, second)] == ["0", "1"]
    assert rig.windows.most_open == 1


async def test_a_window_that_waits_for_its_turn_vanishes_with_its_question(rig: Rig) -> None:
    home = rig.helper.add("Home")
    for path in (rig.connection.path, home.path):
        rig.questions.clicked(path)
    first = rig.ask_password()
    await until(lambda: rig.windows.open)
    second = asyncio.create_task(rig.helper.ask_password(home))
    await until(lambda: home.path in rig.agent._open)

    await rig.helper.ask("Cancel", "o", [home.path])
    with pytest.raises(BusError):
        await second
    await rig.windows.close_with({"secret": "pw", "save": False})

    assert (await first)["secret"] == "pw"
    assert (rig.windows.most_open, rig.windows.open) == (1, [])


async def test_a_notification_that_nobody_answers_is_taken_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "ANSWER_S", 0.1)

    with pytest.raises(BusError) as refused:
        await rig.ask_password()

    assert refused.value.name == ERROR_PREFIX + "Cancelled"
    assert isinstance(rig.said[-1], Withdraw)
    assert rig.questions.waiting == {}


# -- the keyring -------------------------------------------------------------------------------------------------------


def item_of(rig: Rig, kind: str = "password") -> tuple[str, str]:
    return connection_id(rig.connection.path), kind


async def test_what_is_in_the_keyring_is_not_asked_of_the_person(rig: Rig) -> None:
    rig.keyring.items[item_of(rig)] = Secret("stored")

    assert await rig.ask_password() == {"secret": "stored", "save": True, "stored": True}
    assert (rig.windows.most_open, rig.said) == (0, [])


async def test_whoever_is_asked_anew_is_asked_and_not_the_keyring(rig: Rig) -> None:
    rig.keyring.items[item_of(rig)] = Secret("refused")
    rig.questions.clicked(rig.connection.path)

    asked = asyncio.create_task(rig.helper.ask_password(rig.connection, ASK_ANEW, again=True))
    await rig.windows.close_with({"secret": "pw", "save": True})

    assert (await asked)["secret"] == "pw"


async def test_a_locked_keyring_asks_when_the_person_is_ready_for_it(rig: Rig) -> None:
    rig.keyring.items[item_of(rig)] = Secret("stored")
    rig.keyring.is_locked = True
    asked = rig.ask_password()
    await until(lambda: rig.said)
    still_locked = rig.keyring.is_locked

    rig.questions.open(rig.connection.path)

    assert (await asked)["secret"] == "stored"
    assert still_locked
    assert rig.windows.most_open == 0


async def test_whoever_does_not_unlock_the_keyring_is_asked_for_the_password(rig: Rig) -> None:
    rig.keyring.items[item_of(rig)] = Secret("stored")
    rig.keyring.is_locked = rig.keyring.is_declined = True
    rig.questions.clicked(rig.connection.path)

    asked = rig.ask_password()
    await rig.windows.close_with({"secret": "pw", "save": False})

    assert await asked == {"secret": "pw", "save": False, "stored": False}


@pytest.mark.parametrize(
    ("hints", "exists", "saved_in"),
    [
        ({"keyring": True}, True, "keyring"),
        ({"keyring": True}, False, "fallback"),
        ({"keyring": False}, True, "system"),
        ({"keyring": True, "save_forbidden": True}, True, ""),
    ],
)
async def test_the_window_says_where_a_saved_password_goes(
    rig: Rig, hints: dict[str, bool], exists: bool, saved_in: str
) -> None:
    rig.keyring.exists = exists
    rig.questions.clicked(rig.connection.path)

    asked = rig.ask_password(**hints)
    await until(lambda: rig.windows.open)
    shown = rig.windows.open[0][1]["saved_in"]
    await rig.windows.close_with(None)
    with pytest.raises(BusError):
        await asked

    assert shown == saved_in


async def test_the_helper_has_a_password_saved_and_forgotten(rig: Rig) -> None:
    hints = to_variants({"name": "Office", "server": "vpn.example.org:443", "username": "mika"})

    await rig.helper.ask("SaveSecret", "osa{sv}s", [rig.connection.path, "password", hints, "pw"])
    kept = dict(rig.keyring.items)
    await rig.helper.ask("ForgetSecrets", "oas", [rig.connection.path, []])

    assert kept == {item_of(rig): Secret("pw")}
    assert rig.keyring.labels == ["Tsunagu: Office (mika, vpn.example.org:443)"]
    assert rig.keyring.items == {}


async def refusal(rig: Rig, member: str = "SaveSecret") -> str:
    """The name of the error."""
    save = "osa{sv}s", [rig.connection.path, "password", to_variants({"name": "Office"}), "pw"]
    forget = "oas", [rig.connection.path, []]
    signature, body = save if member == "SaveSecret" else forget
    with pytest.raises(BusError) as refused:
        await rig.helper.ask(member, signature, body)
    return refused.value.name.removeprefix(ERROR_PREFIX)


async def test_without_a_keyring_and_with_one_that_stays_locked_or_fails_the_helper_is_told_so(rig: Rig) -> None:
    rig.keyring.exists = False
    errors = [await refusal(rig)]
    rig.keyring.exists = rig.keyring.is_locked = rig.keyring.is_declined = True
    errors += [await refusal(rig), await refusal(rig, "ForgetSecrets")]
    rig.keyring.is_broken = True
    errors += [await refusal(rig), await refusal(rig, "ForgetSecrets")]

    assert errors == ["NoKeyring", "Cancelled", "Cancelled", "KeyringFailed", "KeyringFailed"]
    assert rig.said == []  # whoever had it saved is told by the helper


@pytest.mark.parametrize(
    ("promised", "then", "error"),
    [
        ("keyring", "exists", "KeyringFailed"),
        ("keyring", "is_locked", "Cancelled"),
        ("keyring", "is_broken", "KeyringFailed"),
        ("fallback", "exists", "NoKeyring"),
    ],
)
async def test_what_the_window_has_said_is_kept_or_told(rig: Rig, promised: str, then: str, error: str) -> None:
    rig.keyring.exists = promised == "keyring"
    rig.questions.clicked(rig.connection.path)
    asked = rig.ask_password(keyring=True)
    await rig.windows.close_with({"secret": "pw", "save": True})
    await asked
    setattr(rig.keyring, then, then != "exists" or promised == "fallback")
    rig.keyring.is_declined = True

    assert await refusal(rig) == error
    titles = [notice.title for notice in rig.said if isinstance(notice, Notice)]
    assert titles == (["The password of Office is not in your keyring"] if promised == "keyring" else [])
    assert rig.keyring.items == {}


@pytest.mark.parametrize(
    ("member", "signature", "rest"),
    [("SaveSecret", "osa{sv}s", ["password", {}, "evil"]), ("ForgetSecrets", "oas", [[]])],
)
async def test_nobody_but_the_helper_changes_the_keyring(
    rig: Rig, bus: PrivateBus, member: str, signature: str, rest: list[Any]
) -> None:
    rig.keyring.items[item_of(rig)] = Secret("mine")
    stranger = MessageBus(bus.address)
    await stranger.connect()
    [(agent, path)] = rig.helper.agents

    with pytest.raises(BusError) as refused:
        await call(stranger, agent, path, AGENT, member, signature, [rig.connection.path, *rest])

    assert refused.value.name == ERROR_PREFIX + "NotAuthorized"
    assert rig.keyring.items == {item_of(rig): Secret("mine")}
    await close(stranger)


# -- somebody else at the screen ---------------------------------------------------------------------------------------


class Seat:
    """A scripted logind; our session is c1."""

    def __init__(self, bus: MessageBus, script: logind.Script) -> None:
        self.bus = bus
        self._script = script

    def switch_to(self, session: str) -> None:
        self._script.Switch(session)


@pytest.fixture
async def seat(rig: Rig, bus: PrivateBus) -> AsyncIterator[Seat]:
    connection = MessageBus(bus.address)
    await connection.connect()
    seat = Seat(connection, await logind.appear(connection))
    for session in ("c1", "c2"):
        seat.switch_to(session)
    await until(lambda: not rig.turn.is_ours)
    yield seat
    await close(connection)


async def away(asked: asyncio.Task[Any]) -> None:
    with pytest.raises(BusError) as refused:
        await asked
    assert refused.value.name == ERROR_PREFIX + "Away"


async def test_a_question_to_somebody_who_is_away_is_not_shown_and_can_be_asked_again(rig: Rig, seat: Seat) -> None:
    rig.questions.clicked(rig.connection.path)
    await away(rig.ask_password())
    await away(asyncio.create_task(rig.helper.ask_trust(rig.connection)))
    shown = rig.windows.most_open, list(rig.said)

    seat.switch_to("c1")
    await until(lambda: rig.back)
    asked = rig.ask_password()
    await rig.windows.close_with({"secret": "pw", "save": False})

    assert (await asked)["secret"] == "pw"
    assert shown == (0, [])
    assert rig.back == 1


async def test_the_keyring_answers_for_somebody_who_is_away_unless_it_is_locked(rig: Rig, seat: Seat) -> None:
    assert seat
    rig.keyring.items[item_of(rig)] = Secret("stored")

    assert (await rig.ask_password())["secret"] == "stored"
    rig.keyring.is_locked = True
    await away(rig.ask_password())


async def test_a_window_closes_when_somebody_else_comes_and_opens_again_when_its_turn_is_back(
    rig: Rig, seat: Seat
) -> None:
    seat.switch_to("c1")
    await until(lambda: rig.turn.is_ours)
    rig.questions.clicked(rig.connection.path)
    asked = rig.ask_password()
    await until(lambda: rig.windows.open)

    seat.switch_to("c2")
    await away(asked)
    closed = not rig.windows.open
    rig.now += JUST_CLICKED_S
    seat.switch_to("c1")
    await until(lambda: rig.back == 2)
    again = rig.ask_password()
    await rig.windows.close_with({"secret": "pw", "save": False})

    assert (await again)["secret"] == "pw"
    assert closed
    assert rig.said == []  # it was no surprise


async def test_a_notification_is_taken_back_when_somebody_else_comes_and_is_there_again_afterwards(
    rig: Rig, seat: Seat
) -> None:
    seat.switch_to("c1")
    await until(lambda: rig.turn.is_ours)
    asked = rig.ask_password()
    await until(lambda: rig.said)

    seat.switch_to("c2")
    await away(asked)
    before = [type(said) for said in rig.said]
    seat.switch_to("c1")
    await until(lambda: rig.back == 2)
    again = rig.ask_password()
    await until(lambda: len(rig.said) == 3)
    again.cancel()

    assert before == [Notice, Withdraw]
    assert isinstance(rig.said[2], Notice)


async def test_an_old_sessions_name_is_no_matter_and_without_logind_it_is_always_our_turn(
    rig: Rig, bus: PrivateBus, seat: Seat
) -> None:
    for session in ("auto", "c2"):
        seat.switch_to(session)
    ours = MessageBus(bus.address)
    await ours.connect()
    turn = Turn({"XDG_SESSION_ID": "of yesterday"})
    stop = turn.watch(ours)
    await until(lambda: not turn.is_ours)

    await close(seat.bus)

    await until(lambda: turn.is_ours and rig.turn.is_ours)
    stop()
    await close(ours)


# -- who may ask -------------------------------------------------------------------------------------------------------


async def test_only_the_helper_may_ask(rig: Rig, bus: PrivateBus) -> None:
    stranger = MessageBus(bus.address)
    await stranger.connect()
    [(agent, path)] = rig.helper.agents
    body = [rig.connection.path, "password", to_variants({"name": "Office"}), 0]

    with pytest.raises(BusError) as refused:
        await call(stranger, agent, path, AGENT, "GetSecrets", "osa{sv}u", body)

    assert refused.value.name == ERROR_PREFIX + "NotAuthorized"
    assert not rig.windows.open
    await close(stranger)


async def test_nobodys_card_is_opened_for_another_user(rig: Rig) -> None:
    rig.client.views = {path: replace(view, owner=os.getuid() + 1) for path, view in rig.client.views.items()}

    with pytest.raises(BusError) as refused:
        await rig.helper.ask("Sign", "oa{sv}s", [rig.connection.path, {}, "ab" * 20])

    assert refused.value.name == ERROR_PREFIX + "NotAuthorized"


async def test_a_card_whose_software_is_missing_is_told(rig: Rig) -> None:
    rig.client.views = {path: replace(view, owner=os.getuid()) for path, view in rig.client.views.items()}
    card = to_variants({"module": "/nowhere/module.so", "certificate": "x", "key": "y", "name": "Office"})

    with pytest.raises(BusError) as refused:
        await rig.helper.ask("Sign", "oa{sv}s", [rig.connection.path, card, "ab" * 20])

    assert refused.value.name == ERROR_PREFIX + "NoSecureDeviceSpecified"
    assert "/nowhere/module.so" in refused.value.text
