"""The window programs on a virtual screen: a real keyboard, and what assistive programs are told."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.lab.desktop import Desktop
from tests.lab.waiting import wait_for

PASSWORD: dict[str, Any] = {
    "path": "/c",
    "name": "Office",
    "server": "vpn.example.org:443",
    "hub": "VPN",
    "username": "alice",
}
PASSWORD |= {"kind": "password", "again": False, "save_forbidden": False, "no_save": False, "saved_in": "keyring"}
PASSWORD |= {"auth": "password", "fixed": True, "seconds_left": 600}
OPEN = PASSWORD | {"fixed": False}  # user name and authentication can be chosen


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    with Desktop(panel="none", notifications="none", size=(900, 800)) as desktop:
        yield desktop


class Shown:
    """A window program that runs."""

    def __init__(self, desktop: Desktop, process: "subprocess.Popen[str]") -> None:
        self._desktop = desktop
        self.process = process

    def keys(self, *keys: str) -> None:
        self._desktop.activate("^Tsunagu$")
        self._desktop.key(*keys)

    def types(self, text: str) -> None:
        self._desktop.activate("^Tsunagu$")
        self._desktop.type(text)

    def answer(self) -> dict[str, Any] | None:
        """What the program said before it ended; it ends by itself."""
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        assert self.process.wait(10) == 0
        return dict(json.loads(out)) if out else None


@contextmanager
def window(desktop: Desktop, kind: str, question: dict[str, Any], **environment: str) -> Iterator[Shown]:
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, "-m", f"tsunagu_tray.windows.{kind}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=desktop.environment | {"PYTHONPATH": paths} | environment,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        wait_for(lambda: desktop.windows("^Tsunagu$"), 30, "the window")
        yield Shown(desktop, process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def test_a_typed_password_arrives_and_enter_is_connect(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD) as shown:
        shown.types("pa55 wörd日")
        shown.keys("Return")

        assert shown.answer() == {"secret": "pa55 wörd日", "save": True}


def test_the_check_box_works_by_its_access_key(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD) as shown:
        shown.types("x")
        shown.keys("alt+n", "alt+p", "Return")

        assert shown.answer() == {"secret": "x", "save": False}


def test_the_check_box_starts_as_it_was_left(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD | {"no_save": True}) as shown:
        shown.types("x")
        shown.keys("Return")

        assert shown.answer() == {"secret": "x", "save": False}


def test_where_saving_is_forbidden_nothing_is_saved(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD | {"save_forbidden": True}) as shown:
        shown.types("x")
        shown.keys("alt+n", "alt+p", "Return")

        assert shown.answer() == {"secret": "x", "save": False}


def test_the_password_of_a_proxy_is_asked_for_as_that(desktop: Desktop) -> None:
    question = PASSWORD | {"kind": "proxy_password", "hub": "", "server": "proxy.example.org:3128"}
    with window(desktop, "password", question) as shown:
        shown.types("x")
        shown.keys("Return")

        assert shown.answer() == {"secret": "x", "save": True}


def test_a_pin_is_never_saved(desktop: Desktop) -> None:
    question = PASSWORD | {"kind": "pin", "server": "Mika's card", "hub": "", "username": "", "save_forbidden": True}
    with window(desktop, "password", question) as shown:
        shown.types("1234")
        shown.keys("alt+n", "alt+p", "Return")

        assert shown.answer() == {"secret": "1234", "save": False}


def test_user_name_and_authentication_are_shown_and_can_be_chosen_by_keyboard(desktop: Desktop) -> None:
    with window(desktop, "password", OPEN) as shown:
        desktop.wait_until_said("Standard password")
        shown.types("pw")
        shown.keys("alt+u")
        shown.types("mika")
        desktop.key("alt+a")
        desktop.wait_until_said("RADIUS or NT domain")
        desktop.key("Down", "Return")
        shown.keys("alt+p", "Return")

        assert shown.answer() == {"secret": "pw", "save": True, "username": "mika", "auth": "plain-password"}


def test_untouched_they_are_answered_as_they_were(desktop: Desktop) -> None:
    with window(desktop, "password", OPEN | {"auth": "plain-password"}) as shown:
        shown.types("pw")
        shown.keys("Return")

        assert shown.answer() == {"secret": "pw", "save": True, "username": "alice", "auth": "plain-password"}


def test_without_a_user_name_there_is_no_answer(desktop: Desktop) -> None:
    with window(desktop, "password", OPEN) as shown:
        shown.types("pw")
        shown.keys("alt+u", "BackSpace", "Return")
        shown.types("jun")
        shown.keys("Return")

        answer = shown.answer()
        assert answer
        assert answer["username"] == "jun"


def test_a_window_that_nobody_touches_says_when_it_closes_and_closes_without_an_answer(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD | {"seconds_left": 8}) as shown:
        desktop.wait_until_said("Without an answer this window closes in 0:0")

        assert shown.answer() is None


def test_the_first_key_stops_the_countdown(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD | {"seconds_left": 20}) as shown:
        desktop.wait_until_said("Without an answer")
        shown.keys("Shift_L")
        wait_for(lambda: not any("Without an answer" in name for name in desktop.said()), 15, "the countdown to go")
        shown.types("pw")
        shown.keys("Return")

        assert shown.answer() == {"secret": "pw", "save": True}


def test_escape_is_cancel(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD) as shown:
        shown.types("x")
        shown.keys("Escape")

        assert shown.answer() is None


def test_an_empty_password_is_none(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD) as shown:
        shown.keys("Return")
        shown.types("x")
        shown.keys("Return")

        assert shown.answer() == {"secret": "x", "save": True}


@pytest.mark.parametrize("kind", ["password", "certificate"])
def test_it_closes_when_nobody_waits_any_longer(desktop: Desktop, kind: str) -> None:
    question = PASSWORD if kind == "password" else certificate()
    with window(desktop, kind, question) as shown:
        assert shown.process.stdin is not None
        shown.process.stdin.close()

        assert shown.answer() is None


def test_the_secret_is_neither_in_arguments_nor_environment(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD) as shown:
        shown.types("s3cr3t")
        folder = f"/proc/{shown.process.pid}"
        for file in ("cmdline", "environ"):
            with open(f"{folder}/{file}", "rb") as opened:
                assert b"s3cr3t" not in opened.read()
        shown.keys("Return")
        assert shown.answer() is not None
        assert shown.process.stderr is not None
        assert "s3cr3t" not in shown.process.stderr.read()


@pytest.mark.parametrize(
    ("keys", "verdict"), [(["alt+a"], "pin"), (["alt+t"], "once"), (["alt+c"], None), (["Escape"], None)]
)
def test_a_certificate_is_judged(desktop: Desktop, keys: list[str], verdict: str | None) -> None:
    with window(desktop, "certificate", certificate()) as shown:
        shown.keys(*keys)

        assert shown.answer() == ({"verdict": verdict} if verdict else None)


@pytest.mark.parametrize("changed", [False, True])
def test_a_careless_enter_trusts_nobody(desktop: Desktop, changed: bool) -> None:
    with window(desktop, "certificate", certificate() | {"changed": changed}) as shown:
        shown.keys("Return")

        assert shown.answer() is None


def test_a_certificate_that_cannot_be_read_is_shown_by_its_fingerprint(desktop: Desktop) -> None:
    with window(desktop, "certificate", certificate() | {"der": "AAAA"}) as shown:
        assert "AB AB" in " ".join(names(desktop))
        shown.keys("Escape")

        assert shown.answer() is None


def test_assistive_programs_are_told_all_that_is_seen(desktop: Desktop) -> None:
    with window(desktop, "password", PASSWORD | {"again": True}, LANG="ja_JP.UTF-8"):
        japanese = names(desktop)
    with window(desktop, "password", PASSWORD | {"again": True}):
        english = names(desktop)

    for words in (
        "Password for Office",
        "Password",
        "Do not save password",
        "Cancel",
        "Connect",
        "vpn.example.org:443",
    ):
        assert any(words in name for name in english), (words, english)
    assert any(name.startswith("The server refused the last password") for name in english)
    assert any("パスワードを保存しない" in name for name in japanese)


def names(desktop: Desktop) -> list[str]:
    """The accessible names on the screen, once all are there."""

    def look() -> list[str] | None:
        found = desktop.said()
        return found if len(found) > 5 else None

    return wait_for(look, 30, "accessible names")


def certificate() -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vpn.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=300))
        .sign(key, hashes.SHA256())
    )
    der = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()
    question = {"path": "/c", "name": "Office", "server": "vpn.example.org:443", "der": der}
    return question | {"sha256": "ab" * 32, "code": 85, "changed": False}
