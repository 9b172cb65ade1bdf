"""Every sentence that arrives in English is known, and told in Japanese."""

import argparse
import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tsunagu
import tsunagu_helper
import tsunagu_tray
import tsunagu_tunnel
from tsunagu import errors
from tsunagu.error_table import ERRORS
from tsunagu.errors import InvalidSettings, TunnelError, VpnError
from tsunagu.model import NO_SECRETS, ConnectionSettings, Proxy, ProxyKind, Secret
from tsunagu_helper.agents import NOBODY, NOBODY_AT_THE_SCREEN
from tsunagu_helper.connection import NOT_SAVED
from tsunagu_helper.keyring import FAILED
from tsunagu_tray.arriving_details import SYSTEM
from tsunagu_tray.command_line import parser
from tsunagu_tray.texts import Texts

SAYERS = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VpnError)}
FOR_LOGS = {"__main__.py", "agent.py"}  # a helper that cannot begin; what the tray's agent answers the helper
JAPANESE = Texts("ja")
VALID: dict[str, Any] = {"name": "Office", "host": "vpn.example.org", "hub": "DEMO", "username": "mika"}


def sentences() -> Iterator[tuple[str, str]]:
    """(where, sentence with a 7 for what varies) of every error and history entry whose words stand in the code."""
    for package in (tsunagu, tsunagu_helper, tsunagu_tray):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            if path.name in FOR_LOGS:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                    place = {"Tell": 1, "Finding": 2}.get(node.func.id, 0)  # of the sentence among the arguments
                    said = node.args[place : place + 1]
                    if node.func.id in SAYERS | {"Tell", "Finding", "_told"} - {"TunnelError"}:
                        for text in (text for value in said for text in _texts(value)):
                            yield f"{path.name}:{node.lineno}", text + ": 7" * (node.func.id == "_told")


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts)
            if re.search("[a-z]", text):
                yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)


def test_a_bus_that_cannot_be_reached_is_told_wholly_in_japanese() -> None:
    said = JAPANESE.say("The system bus cannot be reached at unix:path=/x: no answer; is the service 'dbus' running?")

    assert said.startswith("システムバス (unix:path=/x) に接続できません: ")


@pytest.mark.parametrize(("where", "sentence"), list(sentences()))
def test_every_error_and_history_entry_is_known(where: str, sentence: str) -> None:
    assert is_japanese(JAPANESE.say(sentence)), f"{where}: add this sentence to arriving.py: {sentence}"


@pytest.mark.parametrize("sentence", [*NOT_SAVED.values(), FAILED, NOBODY, NOBODY_AT_THE_SCREEN])
def test_so_is_what_stands_in_a_table(sentence: str) -> None:
    assert is_japanese(JAPANESE.say(sentence).replace("secrets_in=system", ""))


def is_japanese(text: str) -> bool:
    """No English words are left but those that Japanese takes as they are."""
    names = (
        r"Tsunagu|SoftEther|PacketiX|SecureNAT|[a-z.]*example\.org|polkit|root|tsunagu|systemctl|journalctl|dbus|vpncmd"
        r"|systemd-resolved|resolvconf|Landlock|Linux|Python|dunst"
    )
    words = re.findall(r"[a-z]{3,}", re.sub(names + r"|--?[a-z-]+|BEGIN|status|HOST|'[^']*'|\"[^\"]*\"", "", text))
    return bool(re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", text)) and not words


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"host": "a b"},
        {"hub": "\n"},
        {"username": "x" * 256},
        {"port": 0},
        {"carriers": 33},
        {"retry_interval_s": 4},
        {"retry_limit": -1},
        {"carrier_interval_s": 0},
        {"carrier_lifetime_s": -1},
        {"source_port": -1},
        {"source_address": "here"},
        {"server_fingerprint": "ab"},
        {"client_certificate": "x"},
        {"client_certificate": "x" * 99999},
        {"card_certificate": " "},
        {"card_key": " "},
        {"card_module": " "},
        {"card_module": "module.so"},
        {"proxy": {"host": " "}},
        {"proxy": {"port": 0}},
        {"proxy": {"username": " "}},
        {"proxy": {"kind": ProxyKind.SOCKS4, "headers": (("A", "b"),)}},
        {"proxy": {"headers": (("A", "b"),) * 33}},
        {"proxy": {"headers": (("A B", "b"),)}},
        {"proxy": {"headers": (("A", "\n"),)}},
    ],
)
def test_every_wrong_setting_is_explained_in_japanese(changes: dict[str, Any]) -> None:
    proxy = {"kind": ProxyKind.HTTP, "host": "proxy.example.org", "port": 8080} | changes.get("proxy", {})
    with pytest.raises(InvalidSettings) as caught:
        ConnectionSettings(**VALID | changes | {"proxy": Proxy(**proxy)})

    assert is_japanese(JAPANESE.say(str(caught.value))), caught.value


@pytest.mark.parametrize("name", ["password", "proxy_password", "hashed_password", "private_key"])
def test_every_wrong_secret_is_explained_in_japanese(name: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        NO_SECRETS.updated({name: Secret("\0")})

    assert is_japanese(JAPANESE.say(str(caught.value))), caught.value


@pytest.mark.parametrize("code", ERRORS)
def test_a_protocol_error_keeps_its_number_and_its_detail_also_inside_another_sentence(code: int) -> None:
    error = TunnelError(code, "203.0.113.5")

    told = JAPANESE.say(f"Could not connect: {error}; trying again in 15 seconds")
    said = JAPANESE.say(ERRORS[code].sentence)
    assert said != ERRORS[code].sentence
    assert told == f"接続できませんでした: {said}（エラー {code}）: 203.0.113.5。15 秒後に再試行します"


def details() -> Iterator[tuple[str, str]]:
    """(where, words with a 7 for what varies) of what stands in the code behind an error's sentence."""
    for package in (tsunagu_helper, tsunagu_tunnel, tsunagu_tray):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Name(id="TunnelError" | "ErrandFailed" | "CardFailed"), args=[_, told, *_]):
                        yield from ((f"{path.name}:{node.lineno}", text) for text in _texts(told))
                    case ast.Call(func=ast.Name(id="ProtocolError"), args=[told, *_]):
                        yield from ((f"{path.name}:{node.lineno}", text) for text in _texts(told))


@pytest.mark.parametrize(("where", "words"), list(details()))
def test_every_detail_of_ours_is_known(where: str, words: str) -> None:
    told = JAPANESE.say(str(TunnelError(4, words)))

    assert is_japanese(told.partition(": ")[2]), f"{where}: add these words to arriving_details.py: {words}"


@pytest.mark.parametrize("words", SYSTEM)
def test_the_systems_words_are_in_japanese_too(words: str) -> None:
    assert is_japanese(JAPANESE.say(str(TunnelError(1, f"203.0.113.5:443: {words}; [::1]:443: {words}"))))


def test_what_people_meet_is_said_in_the_systems_words() -> None:
    met = "EADDRINUSE ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ETIMEDOUT EACCES ENOENT ENOSPC EROFS EPERM EBUSY"

    assert {os.strerror(getattr(errno, name)) for name in met.split()} <= set(SYSTEM)


def test_what_others_say_is_quoted() -> None:
    said = JAPANESE.say(str(TunnelError(152, "sslv3 alert handshake failure")))

    assert said.endswith("（エラー 152）: 「sslv3 alert handshake failure」")


def test_what_another_program_did_to_a_nic_is_told_in_japanese() -> None:
    for deed in ("renamed tsunagu0 to x", "deleted tsunagu0", "switched tsunagu0 off"):
        assert is_japanese(JAPANESE.say(str(TunnelError(22, f"another program has {deed}"))))


def test_what_a_person_named_stays_as_it_is() -> None:
    assert JAPANESE.say("There is a connection named server already") == "「server」という接続設定は既にあります"


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert isinstance(JAPANESE.say(text), str)


def usage(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield of
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


@pytest.mark.parametrize("command", list(usage(parser(JAPANESE))), ids=lambda command: command.prog)
def test_the_help_is_in_japanese(command: argparse.ArgumentParser) -> None:
    said = [command.description, *(action.help for action in command._actions)]
    said += [group.title for group in command._action_groups if group._group_actions]

    assert [text for text in said if text and not is_japanese(text)] == []
    assert command.format_help().startswith("使い方: tsunagu")


@pytest.mark.parametrize(
    "arguments", [[], ["add"], ["list", "--what"], ["log", "-n", "x"], ["list", "--json=x"], ["no"]]
)
def test_wrong_usage_is_explained_in_japanese(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser(JAPANESE).parse_args(arguments)

    assert caught.value.code == 2
    assert re.search("[\u3040-\u30ff]", capsys.readouterr().err.splitlines()[-1])
