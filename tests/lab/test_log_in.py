"""Who a person is, proven to a real server with what it takes to prove it."""

import pytest

from tests.identity import Identity, make_identity, rsa_key
from tests.lab.radius import RADIUS_PASSWORD, RADIUS_USER, radius
from tests.lab.server import SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tsunagu.model import State

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
