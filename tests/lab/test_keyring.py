"""A password in a person's own keyring, from the window to a session on a real server."""

import pwd
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab.keyring import PASSWORD as KEYRING_PASSWORD
from tests.lab.keyring import GnomeKeyring
from tests.lab.screens import VirtualScreen
from tests.lab.server import PASSWORD
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State
from tsunagu_tray.tray_model import Kind


class Person:
    """mika's session: a screen, a keyring, the tray."""

    def __init__(self, stack: Stack, screen: VirtualScreen) -> None:
        self.stack = stack
        self.screen = screen
        bus = {"DBUS_SESSION_BUS_ADDRESS": screen.environment["DBUS_SESSION_BUS_ADDRESS"]}
        self.keyring = GnomeKeyring(screen.folder / "keyring", bus, pwd.getpwnam(stack.person).pw_uid)

    def start_tray(self, kind: Kind = Kind.OFFLINE) -> None:
        bus = {"DBUS_SYSTEM_BUS_ADDRESS": self.stack.bus.address}
        self.tray = self.screen.start("tray", "python", "-m", "tsunagu_tray", environment=bus)
        self.screen.wait_for_icon(kind, 30)

    def click(self) -> None:
        self.screen.click_icon(Kind.OFFLINE)

    def type(self, password: str) -> None:
        self.screen.activate("^Tsunagu$", 30)
        self.screen.type(password)
        self.screen.key("Return")

    def kept(self) -> str:
        return str(self.stack.status()["password_kept"])

    def log_out_and_in(self) -> None:
        """The machine too: helper, tray and keyring are others afterwards."""
        self.screen.stop(self.tray)
        self.keyring.stop()
        self.stack.stop_helper()
        self.stack.forget_boot()
        self.stack.start_helper()
        self.keyring.start()
        self.start_tray()

    def is_on_disk(self, password: str) -> bool:
        """Whether the helper keeps it."""
        files = [path for path in self.stack.state_folder.rglob("*") if path.is_file()]
        return any(f'"{password}"' in path.read_text() for path in files)


@pytest.fixture
def person(stack: Stack) -> Iterator[Person]:
    with VirtualScreen() as screen:
        person = Person(stack, screen)
        yield person
        assert "Traceback" not in screen.log("tray"), screen.log("tray")
        person.keyring.stop()


def test_a_password_typed_once_is_in_the_keyring_and_serves_after_a_restart_of_everything(person: Person) -> None:
    stack = person.stack
    person.keyring.start()
    person.start_tray()
    stack.add(password=None)

    person.click()
    person.screen.wait_until_said("A saved password goes into your keyring.")
    person.type(PASSWORD)
    stack.wait_for_state(State.UP)
    wait_for(lambda: person.kept() == "keyring", 20, "the keyring to have it")
    assert not person.is_on_disk(PASSWORD)
    stack.disconnect()

    person.log_out_and_in()
    person.click()
    stack.wait_for_state(State.UP)
    assert person.screen.windows("^Tsunagu$") == []
    stack.disconnect()

    assert person.keyring.has_items()
    stack.done("remove", NAME)
    assert not person.keyring.has_items()


def test_a_saved_password_that_is_refused_is_asked_for_and_not_tried_again(person: Person) -> None:
    stack = person.stack
    person.keyring.start()
    person.start_tray()
    stack.add(password=None)
    told = stack.done("password", NAME, "--stdin", stdin="wrong\n")

    person.click()
    person.screen.wait_until_said("The server refused the last password")
    refused = [entry for entry in stack.json("log", NAME) if entry["code"] == 9]
    person.type(PASSWORD)
    stack.wait_for_state(State.UP)
    wait_for(lambda: person.kept() == "keyring", 20, "the keyring to have it")
    stack.disconnect()
    person.click()
    stack.wait_for_state(State.UP)

    assert told == "The password is in your keyring\n"
    assert len(refused) == 1
    assert len([entry for entry in stack.json("log", NAME) if entry["code"] == 9]) == 1
    stack.disconnect()


UNLOCK = "^Unlock Login Keyring$"  # its own window


def test_a_locked_keyring_is_unlocked_in_its_window_or_leaves_the_question_to_ours(person: Person) -> None:
    stack, screen = person.stack, person.screen
    person.keyring.start()
    person.start_tray()
    stack.add(password=None)
    stack.done("password", NAME, "--stdin", stdin=f"{PASSWORD}\n")
    person.keyring.lock()

    person.click()
    screen.activate(UNLOCK)
    screen.type(KEYRING_PASSWORD)
    screen.key("Return")
    stack.wait_for_state(State.UP)
    assert screen.windows("^Tsunagu$") == []
    stack.disconnect()
    person.keyring.lock()

    person.click()
    screen.activate(UNLOCK)
    screen.key("Escape")
    person.type(PASSWORD)
    stack.wait_for_state(State.UP)
    screen.activate(UNLOCK)  # to save what was typed
    screen.key("Escape")
    wait_for(lambda: "keyring stayed locked" in stack.done("log", NAME), 20, "the history to say so")
    screen.wait_for_notification(f"The password of {NAME} is not in your keyring")
    assert not person.is_on_disk(PASSWORD)
    stack.disconnect()

    with ThreadPoolExecutor() as beside:
        refusing = beside.submit(stack.cli, "password", NAME, "--stdin", stdin="other\n")
        screen.activate(UNLOCK)
        screen.key("Escape")
        refused = refusing.result()
    assert (refused.returncode, person.is_on_disk("other")) == (1, False)
    assert "secrets_in=system" in refused.stderr


def test_what_was_to_go_into_the_keyring_is_kept_for_it_while_the_tray_is_dead(person: Person) -> None:
    stack, screen = person.stack, person.screen
    person.keyring.start()
    person.start_tray()
    stack.add(password=None)

    person.click()
    screen.wait_until_said("A saved password goes into your keyring.")
    stack.server.freeze()
    person.type(PASSWORD)
    stack.wait_for_state(State.CONNECTING)
    screen.kill(person.tray)
    stack.server.thaw()
    stack.wait_for_state(State.UP)
    wait_for(lambda: "not in your keyring yet" in stack.done("log", NAME), 20, "the history to say so")
    assert (person.kept(), person.is_on_disk(PASSWORD)) == ("", False)

    person.start_tray(Kind.CONNECTED)
    wait_for(lambda: person.kept() == "keyring", 20, "the keyring to have it")

    screen.stop(person.tray)
    stack.disconnect()
    stack.done("remove", NAME)
    stack.stop_helper()
    assert person.keyring.has_items()
    stack.start_helper()
    person.start_tray()
    wait_for(lambda: not person.keyring.has_items(), 20, "the keyring to forget it")


def test_without_a_keyring_the_helper_keeps_it_and_the_window_says_so(person: Person) -> None:
    stack = person.stack
    person.start_tray()
    stack.add(password=None)

    person.click()
    person.screen.wait_until_said("There is no keyring here, so a saved password goes into a file")
    person.type(PASSWORD)
    stack.wait_for_state(State.UP)

    wait_for(lambda: person.kept() == "system", 20, "the helper to have it")
    assert person.is_on_disk(PASSWORD)
    stack.disconnect()
    stack.done("set", NAME, "secrets_in=system")
    person.keyring.start()
    assert stack.done("password", NAME, "--stdin", stdin="a\n") == "The password is in a file that only root can read\n"
    assert stack.done("password", NAME, "--forget") == "No password is saved\n"
