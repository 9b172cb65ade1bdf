"""Who a person is, proven to a real server with what it takes to prove it."""

import base64
import shutil
import subprocess

import pytest

from tests.identity import Identity, make_identity, rsa_key
from tests.lab.radius import RADIUS_PASSWORD, RADIUS_USER, radius
from tests.lab.server import ANONYMOUS_USER, HUB, PASSWORD, SERVER, VpnServer
from tests.lab.smart_card import CERTIFICATE, KEY, MODULE, PIN, make_card
from tests.lab.stack import NAME, Stack
from tests.lab.test_protocol import log_in, user_with_certificate
from tests.lab.waiting import wait_for
from tsunagu.control import Established
from tsunagu.model import AuthType, State
from tsunagu_tunnel.softether.md4 import nt_hash

PLAIN = ("--auth", "plain-password")


def test_a_password_of_radius_opens_the_door(server: VpnServer, stack: Stack) -> None:
    with radius(server) as asked:
        stack.add(NAME, *PLAIN, user=RADIUS_USER, password=RADIUS_PASSWORD)

        stack.connect()

        assert server.ping()
        assert "Access-Accept" in asked.log()
        assert RADIUS_PASSWORD not in stack.helper_log()
        stack.disconnect()


def test_a_wrong_password_of_radius_is_asked_for_and_not_tried_again(server: VpnServer, stack: Stack) -> None:
    with radius(server) as asked:
        stack.add(NAME, *PLAIN, user=RADIUS_USER, password="wrong")

        refused = stack.cli("connect", NAME, "--wait")

        assert "(error 9)" in refused.stderr
        assert f"tsunagu password {NAME}" in refused.stderr
        assert asked.log().count("Sent Access-Reject") == 1
        stack.done("password", NAME, "--stdin", stdin=RADIUS_PASSWORD)
        stack.connect()
        assert stack.state() is State.UP
        stack.disconnect()


def test_a_server_nobody_vouches_for_never_sees_a_plain_password(server: VpnServer, stack: Stack) -> None:
    with radius(server) as asked:
        stack.add(NAME, *PLAIN, user=RADIUS_USER, password=RADIUS_PASSWORD, trusted=False)
        another = stack.cli("connect", NAME, "--wait")
        stack.done("trust", NAME, "--fingerprint", "ab" * 32)
        changed = stack.cli("connect", NAME, "--wait")

        assert "(error 85)" in another.stderr
        assert "(error 85)" in changed.stderr
        assert "Access-Request" not in asked.log()
        assert "negotiating" not in stack.helper_log()


# -- the server's certificate ------------------------------------------------------------------------------------------


def show(server: VpnServer, certificate: Identity) -> None:
    """Have the VPN server show this one from now on."""
    for name, text in (("shown.crt", certificate.certificate), ("shown.key", certificate.key)):
        (server.folder / name).write_text(text)
    server.vpncmd(f"ServerCertSet /LOADCERT:{server.folder}/shown.crt /LOADKEY:{server.folder}/shown.key")


def test_an_authority_of_ones_own_vouches_for_the_server_until_it_is_removed(
    own_server: VpnServer, own_stack: Stack
) -> None:
    authority = make_identity("Lab Authority", rsa_key())
    show(own_server, make_identity("vpn", rsa_key(), issuer=authority, address=SERVER))
    (own_stack.folder / "authority.pem").write_text(authority.certificate)
    own_stack.add(trusted=False)
    before = own_stack.cli("connect", NAME, "--wait")
    others = own_stack.cli("ca", "add", f"{own_stack.folder}/authority.pem", user="root")
    still = own_stack.cli("connect", NAME, "--wait")

    own_stack.done("ca", "add", f"{own_stack.folder}/authority.pem")

    assert all("(error 85)" in refused.stderr for refused in (before, still)), others.stderr
    own_stack.connect()
    assert own_server.ping()
    own_stack.disconnect()
    [listed] = own_stack.json("ca", "list")
    assert listed["subject"] == "Lab Authority"
    own_stack.done("ca", "remove", listed["sha256"])
    assert own_stack.json("ca", "list") == []
    assert "(error 85)" in own_stack.cli("connect", NAME, "--wait").stderr


@pytest.mark.parametrize(("fault", "code"), [("name", 149), ("date", 106)])
def test_whom_an_authority_vouches_for_has_to_have_the_right_name_and_date(
    own_server: VpnServer, own_stack: Stack, fault: str, code: int
) -> None:
    authority = make_identity("Lab Authority", rsa_key())
    address = "192.0.2.7" if fault == "name" else SERVER
    show(own_server, make_identity("vpn", rsa_key(), issuer=authority, address=address, expired=fault == "date"))
    (own_stack.folder / "authority.pem").write_text(authority.certificate)
    own_stack.done("ca", "add", f"{own_stack.folder}/authority.pem")
    own_stack.add(trusted=False)

    refused = own_stack.cli("connect", NAME, "--wait")

    assert f"(error {code})" in refused.stderr
    assert "negotiating" not in own_stack.helper_log()


def test_a_server_that_shows_another_certificate_than_before_is_not_spoken_to(
    own_server: VpnServer, own_stack: Stack
) -> None:
    own_stack.add()
    own_stack.connect()
    own_stack.disconnect()
    before = own_stack.helper_log().count("negotiating")
    show(own_server, make_identity("another", rsa_key()))

    refused = own_stack.cli("connect", NAME, "--wait")

    assert "(error 85)" in refused.stderr
    assert own_stack.helper_log().count("negotiating") == before
    own_stack.done("trust", NAME, "--yes")
    own_stack.connect()
    assert own_server.ping()


def test_an_old_server_is_spoken_to_only_where_the_settings_allow_it(own_server: VpnServer, own_stack: Stack) -> None:
    own_server.grow_old()
    own_stack.add(retry_limit=0)

    refused = own_stack.cli("connect", NAME, "--wait")

    assert "(error 150)" in refused.stderr
    own_stack.done("set", NAME, "old_tls=yes")
    own_stack.connect()
    assert own_server.ping()
    assert own_stack.status()["tls_version"] == "TLSv1.1"


# -- smart cards -------------------------------------------------------------------------------------------------------


@pytest.fixture
def card_stack(server: VpnServer, stack: Stack) -> Stack:
    """Mika has a connection by smart card, and the card is in the reader."""
    mika = make_identity("mika", rsa_key())
    if "mika" not in server.vpncmd(f"Hub {HUB}", "UserList"):
        server.vpncmd(f"Hub {HUB}", "UserCreate mika /GROUP:none /REALNAME:none /NOTE:none")
    (server.folder / "mika.crt").write_text(mika.certificate)
    server.vpncmd(f"Hub {HUB}", f"UserCertSet mika /LOADCERT:{server.folder}/mika.crt")
    folder = stack.folder / "card"
    folder.mkdir()
    stack.environment |= make_card(folder, mika, user=stack.person)
    stack.add(NAME, "--auth", "smart-card", user="mika", password=None)
    stack.update(NAME, card_module=MODULE, card_certificate=CERTIFICATE, card_key=KEY)
    return stack


def connect_with(stack: Stack, pin: str) -> "subprocess.CompletedProcess[str]":
    return stack.cli("connect", NAME, "--wait", "--pin-stdin", stdin=f"{pin}\n")


@pytest.mark.parametrize("key", [KEY, ""])
def test_a_smart_card_opens_the_door(server: VpnServer, card_stack: Stack, key: str) -> None:
    card_stack.update(NAME, card_key=key)

    connected = connect_with(card_stack, PIN)

    assert connected.returncode == 0, connected.stderr + card_stack.helper_log()
    assert server.ping()
    assert card_stack.status()["session_name"].startswith("SID-MIKA-")
    assert PIN not in card_stack.helper_log()


def test_a_wrong_pin_is_told_and_never_tried_again(card_stack: Stack) -> None:
    refused = connect_with(card_stack, "000000")

    assert refused.returncode == 1
    assert "(error 25)" in refused.stderr
    assert card_stack.state() is State.IDLE
    assert card_stack.helper_log().count("negotiating") == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [({"card_certificate": "no such"}, 26), ({"card_key": "no such"}, 27), ({"card_module": "/etc/hostname"}, 40)],
)
def test_what_is_missing_on_the_card_is_told(card_stack: Stack, change: dict[str, str], code: int) -> None:
    card_stack.update(NAME, **change)

    refused = connect_with(card_stack, PIN)

    assert f"(error {code})" in refused.stderr


def test_without_a_card_in_the_reader_that_is_told(card_stack: Stack) -> None:
    tokens = card_stack.folder / "card" / "tokens"
    tokens.rename(tokens.with_name("drawer"))
    tokens.mkdir()
    shutil.chown(tokens, card_stack.person)

    refused = connect_with(card_stack, PIN)

    assert "(error 24)" in refused.stderr
    assert "no card in the reader" in refused.stderr


def test_roots_command_does_not_open_the_card_of_another(card_stack: Stack) -> None:
    refused = card_stack.cli("connect", NAME, "--wait", "--pin-stdin", stdin=f"{PIN}\n", user="root")

    assert "(error 24)" in refused.stderr
    assert "nothing here to ask" in refused.stderr


def test_a_person_may_take_longer_for_the_pin_than_the_server_waits(server: VpnServer) -> None:
    nao = make_identity("nao", rsa_key())
    user_with_certificate(server, "nao", nao)

    welcome = log_in(
        server,
        AuthType.SMART_CARD,
        user="nao",
        certificate=nao.certificate,
        private_key=nao.key,
        card_takes_s=50,  # the server's patience with a silent client has ended by then
        card_certificate=CERTIFICATE,
    )

    assert isinstance(welcome, Established), welcome


# -- one's own password on the server ----------------------------------------------------------------------------------

NEW = "a new pässword"


def test_ones_own_password_is_changed_on_the_server(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, user=server.add_user("kei"))
    stack.add("old", user="kei")
    wrong = stack.cli("passwd", NAME, "--stdin", stdin=f"not {PASSWORD}\n{NEW}\n")

    stack.done("passwd", NAME, "--stdin", stdin=f"{PASSWORD}\n{NEW}\n")

    assert "(error 69)" in wrong.stderr
    server.vpncmd("Flush")
    [config] = [path for path in server.folder.rglob("vpn_server.config") if not path.parent.name.startswith("backup")]
    assert base64.b64encode(nt_hash(NEW)).decode() in config.read_text("utf-8-sig")  # for those who come by L2TP
    stack.connect()
    assert stack.status()["session_name"].startswith("SID-KEI-")
    stack.disconnect()
    assert "(error 9)" in stack.cli("connect", "old", "--wait").stderr
    assert not any(secret in stack.helper_log() for secret in (PASSWORD, NEW))
    assert not stack.workers()


def test_a_password_is_changed_while_its_user_is_connected(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, user=server.add_user("rin"))
    stack.connect()

    stack.done("passwd", NAME, "--stdin", stdin=f"{PASSWORD}\n{NEW}\n")

    assert server.ping()
    server.disconnect_session()
    wait_for(lambda: "Connected again" in str(stack.json("log", NAME)), 60, "a log-in with the new password")
    stack.disconnect()


def test_a_password_that_is_empty_on_the_server_can_be_changed(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, user=server.add_user("emi"), password=None)
    server.vpncmd(f"Hub {HUB}", "UserPasswordSet emi /PASSWORD:")

    stack.done("passwd", NAME, "--stdin", stdin=f"\n{NEW}\n")

    stack.done("password", NAME, "--stdin", stdin=NEW)
    stack.connect()
    stack.disconnect()


def test_who_may_not_change_a_password_is_told(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, user=server.add_user("yui", FixPassword=True))
    stack.add("anybody", user=ANONYMOUS_USER)
    stack.add("nowhere", hub="NOWHERE")
    stack.add("unseen", trusted=False)

    for name, told in (
        (NAME, "(error 52): the user's policy FixPassword"),
        ("anybody", "(error 68)"),
        ("nowhere", "(error 8)"),
        ("unseen", "trust"),
    ):
        refused = stack.cli("passwd", name, "--stdin", stdin=f"{PASSWORD}\n{NEW}\n")

        assert refused.returncode == 1
        assert told in refused.stderr
