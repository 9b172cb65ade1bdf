"""What is typed after ``tsunagu``."""

import pytest

from tsunagu.errors import InvalidSettings
from tsunagu_tray.command_input import parse_fingerprint, parse_server
from tsunagu_tray.command_line import parser
from tsunagu_tray.texts import Texts

ENGLISH = Texts("en")


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("vpn.example.org", "vpn.example.org", 443),
        ("vpn.example.org:5555", "vpn.example.org", 5555),
        ("192.0.2.1:992", "192.0.2.1", 992),
        ("[::1]:443", "::1", 443),
        ("[2001:db8::1]", "2001:db8::1", 443),
        ("2001:db8::1", "2001:db8::1", 443),
    ],
)
def test_servers(typed: str, host: str, port: int) -> None:
    assert parse_server(typed, ENGLISH) == (host, port)


@pytest.mark.parametrize("typed", ["", ":443", "host:", "host:https", "[::1", "[]:443", "host:123456"])
def test_what_is_no_server_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(InvalidSettings, match="HOST:PORT"):
        parse_server(typed, ENGLISH)


def test_fingerprints_are_taken_however_they_are_grouped() -> None:
    plain = "0123456789abcdef" * 4
    grouped = ":".join(plain[i : i + 2] for i in range(0, 64, 2)).upper()

    assert parse_fingerprint(plain, ENGLISH) == parse_fingerprint(grouped, ENGLISH) == plain
    assert parse_fingerprint(grouped.replace(":", " "), ENGLISH) == plain
    for wrong in ("", plain[1:], plain + "0", "g" * 64):
        with pytest.raises(InvalidSettings, match="64"):
            parse_fingerprint(wrong, ENGLISH)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["add", "A"],
        ["connect"],
        ["connect", "A", "--wait", "--timeout", "soon"],
        ["connect", "A", "--wait", "--timeout", "0"],
        ["connect", "A", "--wait", "--timeout", "nan"],
        ["log", "-n", "0"],
        ["status", "--watch", "--interval", "0"],
    ],
)
def test_wrong_usage_is_status_2_with_a_hint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser(Texts("en")).parse_args(arguments)

    assert ended.value.code == 2
    assert "usage: tsunagu" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["list", "add", "remove", "password", "connect", "disconnect", "trust", "status", "log"]
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser(Texts("en")).parse_args([command, "--help"])

    assert ended.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 3
