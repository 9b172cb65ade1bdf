"""Secrets agents on a real bus: who is asked, in which order, and how a question ends."""

import asyncio
import pwd

import pytest

from tests.bus.conftest import ANOTHER_USER, ORDINARY_USER, ConnectAs
from tests.bus.objects import ScriptedAgent
from tests.lab.system_bus import SystemBus
from tsunagu.bus_names import AGENT_PATH, ASK_ANEW, connection_path
from tsunagu.control import Signed
from tsunagu.errors import Cancelled, KeyringFailed, NoAgent, NoKeyring, TunnelError
from tsunagu.model import AuthType, Login, Secret
from tsunagu_dbus import MessageBus, close
from tsunagu_helper import agents as agents_module
from tsunagu_helper.agents import Agents, SecretAnswer

PATH = connection_path("abc")
HINTS: dict[str, str | bool] = {"name": "Office", "save_forbidden": False}


class Desk:
    """The helper's side and the agents of several users."""

    def __init__(self, helper: MessageBus, connect_as: ConnectAs) -> None:
        self.registered: list[int] = []
        self.agents = Agents(helper, self.registered.append)
        self._connect_as = connect_as

    async def agent_of(self, uid: int, answer: str | None) -> tuple[ScriptedAgent, MessageBus]:
        bus = await self._connect_as(uid)
        agent = ScriptedAgent()
        agent.answer = answer
        bus.export(AGENT_PATH, agent)
        self.agents.register(bus.unique_name, uid, AGENT_PATH)
        return agent, bus

    async def ask_secret(self, uid: int = ORDINARY_USER, *, again: bool = False, stored: bool = False) -> SecretAnswer:
        return await self.agents.ask_secret(uid, PATH, "password", HINTS, again, stored)


@pytest.fixture
async def desk(system_bus: SystemBus, connect_as: ConnectAs) -> Desk:
    assert system_bus.address
    return Desk(await connect_as(0), connect_as)


async def test_the_owners_agent_is_asked_and_told_what_it_is_about(desk: Desk) -> None:
    agent, _ = await desk.agent_of(ORDINARY_USER, "tiger")
    stranger, _ = await desk.agent_of(ANOTHER_USER, "wrong")

    answer = await desk.ask_secret(again=True)

    assert answer == SecretAnswer(Secret("tiger"), save=True)
    assert "tiger" not in repr(answer)
    assert agent.asked.get_nowait() == ("GetSecrets", (PATH, "password", {**HINTS, "again": True}, 1))
    assert stranger.asked.empty()
    assert desk.registered == [ORDINARY_USER, ANOTHER_USER]


async def test_the_newest_agent_is_asked_first_and_roots_answers_for_everyone(desk: Desk) -> None:
    await desk.agent_of(ORDINARY_USER, "old")
    await desk.agent_of(ORDINARY_USER, "new")
    assert (await desk.ask_secret()).secret == Secret("new")

    await desk.agent_of(0, "root's")
    assert (await desk.ask_secret()).secret == Secret("root's")
    assert (await desk.ask_secret(ANOTHER_USER)).secret == Secret("root's")


async def test_an_agent_that_fails_leaves_the_question_to_the_next(desk: Desk) -> None:
    await desk.agent_of(ORDINARY_USER, "tiger")
    await desk.agent_of(ORDINARY_USER, "fail")
    await desk.agent_of(ORDINARY_USER, "x" * 2000)  # no password of a person
    _, gone = await desk.agent_of(ORDINARY_USER, "gone")
    gone.unexport(AGENT_PATH)

    assert (await desk.ask_secret()).secret == Secret("tiger")


async def test_a_person_who_is_away_is_asked_where_else_that_person_is_and_it_is_said_if_nowhere(desk: Desk) -> None:
    await desk.agent_of(ORDINARY_USER, "away")
    with pytest.raises(NoAgent, match="somebody else is at the screen"):
        await desk.ask_secret()

    await desk.agent_of(ORDINARY_USER, "over SSH")
    await desk.agent_of(ORDINARY_USER, "away")
    assert (await desk.ask_secret()).secret == Secret("over SSH")


async def test_nobody_to_ask_is_said_at_once(desk: Desk) -> None:
    await desk.agent_of(ANOTHER_USER, "tiger")

    with pytest.raises(NoAgent):
        await desk.ask_secret()


async def test_an_agent_that_leaves_the_bus_is_forgotten(desk: Desk) -> None:
    agent, bus = await desk.agent_of(ORDINARY_USER, None)
    asking = asyncio.create_task(desk.ask_secret())
    await agent.asked.get()

    await close(bus)

    with pytest.raises(NoAgent):
        await asking
    with pytest.raises(NoAgent):
        await desk.ask_secret()
    assert desk.agents._agents == {}


async def test_an_agent_that_left_before_it_was_entered_is_forgotten_too(desk: Desk) -> None:
    _, bus = await desk.agent_of(ORDINARY_USER, "tiger")
    name = bus.unique_name
    await close(bus)

    desk.agents.register(name, ORDINARY_USER, AGENT_PATH)

    with pytest.raises(NoAgent):
        await desk.ask_secret()
    assert desk.agents._agents == {}


async def test_unregistering_is_enough(desk: Desk) -> None:
    _, bus = await desk.agent_of(ORDINARY_USER, "tiger")

    desk.agents.unregister(bus.unique_name)
    desk.agents.unregister(bus.unique_name)

    with pytest.raises(NoAgent):
        await desk.ask_secret()


async def test_a_person_who_declines_is_not_asked_again_by_the_next_agent(desk: Desk) -> None:
    older, _ = await desk.agent_of(ORDINARY_USER, "tiger")
    await desk.agent_of(ORDINARY_USER, "cancel")

    with pytest.raises(Cancelled):
        await desk.ask_secret()
    assert older.asked.empty()


async def test_a_question_that_is_withdrawn_closes_the_window(desk: Desk) -> None:
    agent, _ = await desk.agent_of(ORDINARY_USER, None)
    asking = asyncio.create_task(desk.ask_secret())
    await agent.asked.get()

    desk.agents.cancel(connection_path("another"))
    desk.agents.cancel(PATH)

    with pytest.raises(Cancelled, match="withdrawn"):
        await asking
    assert await agent.asked.get() == ("Cancel", PATH)


async def test_a_task_that_is_cancelled_closes_the_window(desk: Desk) -> None:
    agent, _ = await desk.agent_of(ORDINARY_USER, None)
    asking = asyncio.create_task(desk.agents.ask_trust(ORDINARY_USER, PATH, {"sha256": "00"}))
    assert await agent.asked.get() == ("ConfirmCertificate", (PATH, {"sha256": "00"}))

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await agent.asked.get() == ("Cancel", PATH)


async def test_a_person_has_minutes_but_not_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert agents_module.PERSON_TIMEOUT_S >= 600
    monkeypatch.setattr(agents_module, "PERSON_TIMEOUT_S", 0.1)
    agent, _ = await desk.agent_of(ORDINARY_USER, None)

    with pytest.raises(Cancelled, match="in time"):
        await desk.ask_secret()
    await agent.asked.get()
    assert await agent.asked.get() == ("Cancel", PATH)


@pytest.mark.parametrize("answer", ["once", "pin", "no"])
async def test_a_person_judges_a_certificate(desk: Desk, answer: str) -> None:
    await desk.agent_of(ORDINARY_USER, answer)

    assert await desk.agents.ask_trust(ORDINARY_USER, PATH, {"sha256": "00", "changed": True}) == answer


async def test_an_answer_to_a_certificate_that_is_none_of_the_three_trusts_nothing(desk: Desk) -> None:
    await desk.agent_of(ORDINARY_USER, "yes")

    with pytest.raises(NoAgent):
        await desk.agents.ask_trust(ORDINARY_USER, PATH, {"sha256": "00"})


async def test_a_user_cannot_fill_the_registry(desk: Desk) -> None:
    for number in range(40):
        desk.agents.register(f":9.{number}", ORDINARY_USER, AGENT_PATH)

    assert len(desk.agents._agents) == agents_module.MAX_AGENTS_OF_A_USER
    assert ":9.39" in desk.agents._agents


# -- the keyring -------------------------------------------------------------------------------------------------------


async def save(desk: Desk, uid: int = ORDINARY_USER) -> None:
    await desk.agents.save_secret(uid, PATH, "password", HINTS, Secret("tiger"))


async def test_a_secret_for_the_keyring_goes_to_its_owners_agents_only_until_one_has_a_keyring(desk: Desk) -> None:
    first, _ = await desk.agent_of(ORDINARY_USER, "kept")
    second, _ = await desk.agent_of(ORDINARY_USER, "no keyring")
    others = [(await desk.agent_of(uid, "kept"))[0] for uid in (0, ANOTHER_USER)]

    await save(desk)

    for agent in (second, first):
        assert agent.asked.get_nowait() == ("SaveSecret", (PATH, "password", HINTS, "tiger"))
    assert all(agent.asked.empty() for agent in others)


async def test_without_a_keyring_and_with_one_that_stays_locked_nothing_is_kept(desk: Desk) -> None:
    with pytest.raises(NoAgent):
        await save(desk)
    await desk.agent_of(ORDINARY_USER, "no keyring")
    with pytest.raises(NoKeyring):
        await save(desk)

    await desk.agent_of(ORDINARY_USER, "cancel")
    with pytest.raises(Cancelled):
        await save(desk)


@pytest.mark.parametrize("how", ["fails", "has gone", "leaves meanwhile", "hangs"])
async def test_an_agent_that_fails_is_not_one_without_a_keyring(
    desk: Desk, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "hangs":
        monkeypatch.setattr(agents_module, "SAVE_TIMEOUT_S", 0.3)
    await desk.agent_of(ORDINARY_USER, "no keyring")
    agent, bus = await desk.agent_of(ORDINARY_USER, "fail" if how == "fails" else None)
    if how == "has gone":
        bus.unexport(AGENT_PATH)
    saving = asyncio.create_task(save(desk))
    if how == "leaves meanwhile":
        await agent.asked.get()
        await close(bus)

    with pytest.raises(KeyringFailed):
        await saving


async def test_all_of_the_owners_agents_are_told_to_forget(desk: Desk) -> None:
    own, _ = await desk.agent_of(ORDINARY_USER, "kept")
    _, gone = await desk.agent_of(ORDINARY_USER, "kept")
    gone.unexport(AGENT_PATH)
    stranger, _ = await desk.agent_of(ANOTHER_USER, "kept")

    assert await desk.agents.forget_secrets(ORDINARY_USER, PATH, ["password"])
    assert not await desk.agents.forget_secrets(pwd.getpwnam("daemon").pw_uid, PATH, ["password"])

    assert own.asked.get_nowait() == ("ForgetSecrets", (PATH, ["password"]))
    assert stranger.asked.empty()


@pytest.mark.parametrize(
    ("username", "auth", "login"),
    [
        ("mika", "plain-password", Login("mika", AuthType.PLAIN_PASSWORD)),
        ("", "", None),
        ("mi\nka", "password", "senseless"),
        ("mika", "anonymous", "senseless"),
        ("mika", "what?", "senseless"),
    ],
)
async def test_who_logs_in_may_be_chosen_by_whoever_answers(
    desk: Desk, username: str, auth: str, login: Login | str | None
) -> None:
    agent, _ = await desk.agent_of(ORDINARY_USER, "tiger")
    agent.chosen = {"username": username, "auth": auth}

    if login == "senseless":
        with pytest.raises(NoAgent):
            await desk.ask_secret()
    else:
        assert (await desk.ask_secret()).login == login


async def test_a_stored_secret_will_do_unless_it_is_said_that_it_will_not(desk: Desk) -> None:
    agent, _ = await desk.agent_of(ORDINARY_USER, "tiger")

    await desk.ask_secret(stored=True)
    await desk.ask_secret()

    flags = [agent.asked.get_nowait()[1][3] for _ in range(2)]  # type: ignore[index]  # of GetSecrets
    assert flags == [0, ASK_ANEW]


# -- smart cards -------------------------------------------------------------------------------------------------------

CARD: dict[str, str] = {"name": "Office", "module": "/usr/lib/module.so", "certificate": "mika's", "key": ""}


async def test_a_card_is_asked_for_at_its_owners_only_and_never_as_root(desk: Desk) -> None:
    own, _ = await desk.agent_of(ORDINARY_USER, "c2ln")
    roots, _ = await desk.agent_of(0, "cm9vdA==")

    signed = await desk.agents.ask_signature(ORDINARY_USER, PATH, CARD, "ab" * 20)

    assert signed == Signed(certificate="Q0VSVA==", signature="c2ln")
    assert own.asked.get_nowait() == ("Sign", (PATH, CARD, "ab" * 20))
    assert roots.asked.empty()
    with pytest.raises(NoAgent):
        await desk.agents.ask_signature(ANOTHER_USER, PATH, CARD, "ab" * 20)
    assert roots.asked.empty()


async def test_a_wrong_pin_is_told_at_once_and_no_other_agent_asked(desk: Desk) -> None:
    second, _ = await desk.agent_of(ORDINARY_USER, "c2ln")
    await desk.agent_of(ORDINARY_USER, "card: SecurePinLoginFailed")

    with pytest.raises(TunnelError) as refused:
        await desk.agents.ask_signature(ORDINARY_USER, PATH, CARD, "ab" * 20)

    assert (refused.value.code, refused.value.detail) == (25, "locked")
    assert second.asked.empty()
