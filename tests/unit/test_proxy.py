"""What proxies hear, and what their answers mean."""

import base64

import pytest

from tsunagu.errors import Remedy, TunnelError
from tsunagu.model import Proxy, ProxyKind, Secret
from tsunagu_tunnel.proxy import Dialogue, HttpDialogue, Socks4Dialogue, Socks5Dialogue, Target, dialogue_for

NAMED = Target("vpn.example.org", 443)
IPV4 = Target("192.0.2.7", 992)
IPV6 = Target("2001:db8::7", 5555)
REPLY = b"\5\0\0\1\0\0\0\0\0\0"  # SOCKS5: the way is open


def refusal(dialogue: Dialogue, answer: bytes) -> TunnelError:
    with pytest.raises(TunnelError) as caught:
        dialogue.receive_data(answer)
    return caught.value


# -- HTTP -------------------------------------------------------------------------------------------------------------


def test_an_http_proxy_is_asked_as_the_official_client_asks() -> None:
    lines = HttpDialogue(NAMED).data_to_send().decode().split("\r\n")

    assert lines[0] == "CONNECT vpn.example.org:443 HTTP/1.0"
    assert lines[1:] == [
        "User-Agent: Tsunagu",
        "Host: vpn.example.org",
        "Content-Length: 0",
        "Proxy-Connection: Keep-Alive",
        "Pragma: no-cache",
        "",
        "",
    ]


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert HttpDialogue(IPV6).data_to_send().startswith(b"CONNECT [2001:db8::7]:5555 HTTP/1.0\r\n")


def test_a_user_of_an_http_proxy_proves_it_with_basic_authentication() -> None:
    data = HttpDialogue(NAMED, username="mika", password="påss:word").data_to_send().decode()

    [line] = [line for line in data.split("\r\n") if line.startswith("Proxy-Authorization: Basic ")]
    assert base64.b64decode(line.split()[-1]).decode() == "mika:påss:word"


def test_a_user_name_that_basic_authentication_cannot_carry_is_told() -> None:
    with pytest.raises(TunnelError, match="must not have a colon") as told:
        HttpDialogue(NAMED, username="mika:x", password="hush")

    assert told.value.code == 38


def test_headers_of_the_settings_come_first_and_win() -> None:
    headers = [("user-agent", "Mozilla/5.0"), ("X-Office", "7")]

    data = HttpDialogue(NAMED, headers=headers).data_to_send().decode()

    assert data.split("\r\n")[1:3] == ["user-agent: Mozilla/5.0", "X-Office: 7"]
    assert data.lower().count("user-agent") == 1


@pytest.mark.parametrize("status", ["200 Connection established", "204", "299 Whatever"])
def test_any_success_opens_the_way(status: str) -> None:
    dialogue = HttpDialogue(NAMED)

    assert not dialogue.receive_data(f"HTTP/1.1 {status}\r\nVia: x\r\n".encode())
    assert dialogue.receive_data(b"\r\n")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!", 19),
        (b"HTTP/1.0 401 Unauthorized\r\n\r\n", 19),
        (b"HTTP/1.0 403 Filtered\r\n\r\n<html>", 18),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", 18),
        (b"HTTP/1.1\r\n\r\n", 18),
        (b"HTTP/1.1 2\xb2\xb2 x\r\n\r\n", 18),
        (b"HTTP/1.1 200 OK\r\n\r\nand more", 18),
        (b"SSH-2.0-x", 18),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000, 18),
        (b"", 18),
    ],
)
def test_what_else_an_http_proxy_may_say_has_its_number(answer: bytes, code: int) -> None:
    error = refusal(HttpDialogue(NAMED, username="mika", password="hush"), answer)

    assert error.code == code
    assert "hush" not in str(error)


@pytest.mark.parametrize(
    ("challenge", "code"),
    [
        ("Basic realm=x", 19),
        ('Negotiate, NTLM, basic realm="a, b", charset="UTF-8"', 19),
        ("Negotiate\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Basic realm=x", 19),
        ('Digest realm="basic, Basic", qop="auth", nonce=x', 18),
        ("Negotiate\r\nProxy-Authenticate: NTLM", 18),
        ("", 19),
    ],
)
def test_a_proxy_that_takes_no_plain_password_is_told_as_that(challenge: str, code: int) -> None:
    answer = f"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: {challenge}\r\n\r\n"

    assert refusal(HttpDialogue(NAMED, username="mika", password="hush"), answer.encode()).code == code


def test_a_proxys_refusal_of_a_password_asks_for_another() -> None:
    assert refusal(HttpDialogue(NAMED), b"HTTP/1.1 407 No\r\n\r\n").remedy is Remedy.ASK_SECRET


# -- SOCKS4 -----------------------------------------------------------------------------------------------------------


def test_a_socks4_proxy_is_asked_with_an_address_and_a_user() -> None:
    dialogue = Socks4Dialogue(IPV4, username="mika")

    assert dialogue.data_to_send() == b"\4\1\x03\xe0\xc0\x00\x02\x07mika\0"
    assert not dialogue.receive_data(b"\0")
    assert dialogue.receive_data(b"\x5a\0\0\0\0\0\0")


@pytest.mark.parametrize("target", [NAMED, IPV6])
def test_a_socks4_proxy_leads_to_ipv4_addresses_only(target: Target) -> None:
    with pytest.raises(TunnelError) as caught:
        Socks4Dialogue(target)

    assert caught.value.code == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"\0\x5b\0\0\0\0\0\0", 1),
        (b"\0\x5d\0\0\0\0\0\0", 19),
        (b"\4\x5a", 18),
        (b"\0\x5a\0\0\0\0\0\0more", 18),
        (b"", 18),
    ],
)
def test_what_else_a_socks4_proxy_may_say_has_its_number(answer: bytes, code: int) -> None:
    assert refusal(Socks4Dialogue(IPV4), answer).code == code


# -- SOCKS5 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "address"),
    [
        (NAMED, b"\3\x0fvpn.example.org\x01\xbb"),
        (IPV4, b"\1\xc0\x00\x02\x07\x03\xe0"),
        (IPV6, b"\4\x20\x01\x0d\xb8" + bytes(11) + b"\x07\x15\xb3"),
    ],
)
def test_a_socks5_proxy_finds_names_and_addresses_of_both_families(target: Target, address: bytes) -> None:
    dialogue = Socks5Dialogue(target)

    assert dialogue.data_to_send() == b"\5\1\0"
    assert not dialogue.receive_data(b"\5\0")
    assert dialogue.data_to_send() == b"\5\1\0" + address
    assert dialogue.receive_data(REPLY)


def test_a_user_of_a_socks5_proxy_gives_the_password_where_it_is_wanted() -> None:
    dialogue = Socks5Dialogue(IPV4, username="mika", password="hush")

    assert dialogue.data_to_send() == b"\5\2\0\2"
    assert not dialogue.receive_data(b"\5\2")
    assert dialogue.data_to_send() == b"\1\4mika\4hush"
    assert not dialogue.receive_data(b"\1\0")
    assert dialogue.data_to_send().startswith(b"\5\1\0\1")
    assert dialogue.receive_data(b"\5\0\0\3\3abc\0\0")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"\5\xff", 19),
        (b"\5\1", 18),  # GSSAPI
        (b"\4\0", 18),
        (b"HTTP/1.1 400 Bad Request\r\n", 18),
        (b"\5\2\1\1", 19),
        (b"\5\2\5", 18),
        (b"\5\0\5\3\0\1\0\0\0\0\0\0", 1),
        (b"\5\0\5\4\0\1\0\0\0\0\0\0", 1),
        (b"\5\0\5\5\0\1\0\0\0\0\0\0", 1),
        (b"\5\0\5\2\0\1\0\0\0\0\0\0", 18),
        (b"\5\0\5\0\0\7\0\0\0\0\0\0", 18),
        (b"\5\0" + REPLY + b"more", 18),
        (b"", 18),
    ],
)
def test_what_else_a_socks5_proxy_may_say_has_its_number(answer: bytes, code: int) -> None:
    assert refusal(Socks5Dialogue(NAMED, username="mika", password="hush"), answer).code == code


def test_a_proxy_may_not_ask_for_a_password_that_nobody_gave() -> None:
    assert refusal(Socks5Dialogue(NAMED), b"\5\2").code == 18


def test_a_password_that_does_not_fit_is_told_as_that() -> None:
    with pytest.raises(TunnelError) as caught:
        Socks5Dialogue(NAMED, username="mika", password="語" * 100)

    assert caught.value.code == 19


@pytest.mark.parametrize(
    ("kind", "dialogue"),
    [(ProxyKind.HTTP, HttpDialogue), (ProxyKind.SOCKS4, Socks4Dialogue), (ProxyKind.SOCKS5, Socks5Dialogue)],
)
def test_the_settings_decide_which_language_is_spoken(kind: ProxyKind, dialogue: type[Dialogue]) -> None:
    proxy = Proxy(kind=kind, host="proxy", port=3128, username="mika")

    assert type(dialogue_for(proxy, Secret("hush"), IPV4)) is dialogue
