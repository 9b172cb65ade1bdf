"""What the protocol offers beyond the main job, against a real server."""

import base64
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.identity import Identity, make_identity, rsa_key
from tests.lab.server import FILE_SHA256, HUB, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.control import Established, Failed, Start, decode, encode
from tsunagu.model import AuthType, ConnectionSettings, HashedPassword, Secret, Secrets, State
from tsunagu.policy import POLICY
from tsunagu.sha0 import hash_password


def log_in(
    server: VpnServer,
    auth: AuthType,
    *,
    user: str = USER,
    certificate: str = "",
    secret: str | None = None,
    hashed_password: HashedPassword | None = None,
    private_key: str | None = None,
    proxy_password: str | None = None,
    host: str = SERVER,
    card_takes_s: float = 0,
    **modes: Any,
) -> Established | Failed:
    """What becomes of a login from the client's machine."""
    settings = ConnectionSettings(
        name="x", host=host, hub=HUB, username=user, auth=auth, client_certificate=certificate, **modes
    )
    start = Start(
        settings=settings,
        secrets=Secrets(
            password=Secret(secret) if secret is not None else None,
            hashed_password=hashed_password,
            private_key=Secret(private_key) if private_key is not None else None,
            proxy_password=Secret(proxy_password) if proxy_password is not None else None,
        ),
        mac="5e:00:00:00:00:01",
        accepted_fingerprint=server.fingerprint(),
        machine_id="00" * 16,
    )
    program = (sys.executable, "-m", "tests.lab.log_in", f"{card_takes_s}")
    done = server.run(server.cli, *program, stdin=encode(start).decode(), timeout_s=110)
    answer = decode(done.stdout.encode())
    assert isinstance(answer, Established | Failed)
    return answer


def user_with_certificate(server: VpnServer, name: str, identity: Identity) -> None:
    """A user of the hub who logs in with that certificate only."""
    path = Path(server.folder, f"{name}.pem")
    path.write_text(identity.certificate)
    server.vpncmd(
        f"Hub {HUB}", f"UserCreate {name} /GROUP:none /REALNAME:none /NOTE:none", f"UserCertSet {name} /LOADCERT:{path}"
    )


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_a_certificate_opens_the_door_to_its_user_only(server: VpnServer, bits: int) -> None:
    carol, other = make_identity("carol", rsa_key(bits)), make_identity("carol", rsa_key())
    user = f"carol{bits}"
    user_with_certificate(server, user, carol)

    welcome = log_in(server, AuthType.CERTIFICATE, user=user, certificate=carol.certificate, private_key=carol.key)
    refused = log_in(server, AuthType.CERTIFICATE, user=user, certificate=other.certificate, private_key=other.key)

    assert isinstance(welcome, Established)
    shown = x509.load_der_x509_certificate(base64.b64decode(welcome.session.client_certificate))
    assert shown.public_bytes(Encoding.PEM).decode() == carol.certificate
    assert welcome.session.session_name.startswith(f"SID-{user.upper()}-")
    assert isinstance(refused, Failed)
    assert refused.code == 9


def test_a_password_may_travel_plain_or_as_its_hash(server: VpnServer) -> None:
    hashed = HashedPassword(hash_password(USER, PASSWORD).hex())

    assert isinstance(log_in(server, AuthType.PLAIN_PASSWORD, secret=PASSWORD), Established)
    assert isinstance(log_in(server, AuthType.PASSWORD, hashed_password=hashed), Established)
    refused = log_in(server, AuthType.PLAIN_PASSWORD, secret="wrong")
    assert isinstance(refused, Failed)
    assert refused.code == 9


def test_a_compressed_session_carries_everything(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, compress=True)
    stack.connect()

    assert server.ping()
    assert server.fetch() == FILE_SHA256
    status = stack.status()
    assert status["compressed"] is True
    assert status["compression_saved_percent"] == 0  # the file is random
    assert server.session(status["session_name"])["Use of Compression"].startswith("Yes")


def test_a_half_duplex_session_with_four_carriers_carries_everything(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, "--carriers", "4", half_duplex=True)
    stack.connect()
    wait_for(lambda: stack.status()["carriers"] == 4, 20, "four carriers")

    assert server.ping()
    assert server.fetch() == FILE_SHA256
    status = stack.status()
    assert status["half_duplex"] is True
    assert status["sending_carriers"] + status["receiving_carriers"] == 4
    assert status["sending_carriers"] == status["receiving_carriers"] == 2
    known = server.session(status["session_name"])
    assert known["Half Duplex TCP Connection Mode"].startswith("Yes")
    assert known["Number of TCP Connections"] == "4"


def test_a_bridge_is_granted_and_a_monitor_only_with_permission(server: VpnServer) -> None:
    bridge = log_in(server, AuthType.PASSWORD, secret=PASSWORD, bridge_mode=True)
    monitor = log_in(server, AuthType.PASSWORD, secret=PASSWORD, monitor_mode=True)
    usual = log_in(server, AuthType.PASSWORD, secret=PASSWORD)

    assert isinstance(bridge, Established)
    assert bridge.session.bridge_mode
    assert isinstance(monitor, Failed)
    assert monitor.code == 107
    assert isinstance(usual, Established)
    assert not usual.session.bridge_mode


def test_carriers_that_are_old_are_replaced_while_the_session_lives_on(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, "--carriers", "2", carrier_lifetime_s=2)
    stack.connect()
    session = stack.status()["session_name"]

    wait_for(lambda: stack.helper_log().count("closing a carrier") >= 2, 20, "two old carriers to be closed")

    assert server.ping()
    assert server.fetch() == FILE_SHA256
    assert stack.status()["session_name"] == session
    assert stack.status()["established_count"] == 1


@pytest.mark.parametrize("form", ["two files", "encrypted key", "pkcs12"])
def test_a_person_connects_with_a_certificate_in_files(server: VpnServer, stack: Stack, form: str) -> None:
    dora = make_identity("dora", rsa_key(), passphrase=b"" if form == "two files" else b"hush")
    user = f"dora-{form.split()[0]}"
    user_with_certificate(server, user, dora)
    files = {"dora.crt": dora.certificate.encode(), "dora.key": dora.key.encode(), "dora.p12": dora.pkcs12(b"hush")}
    for name, contents in files.items():
        (stack.folder / name).write_bytes(contents)
    certificate, key = stack.folder / "dora.crt", ["--key", f"{stack.folder / 'dora.key'}"]
    if form == "pkcs12":
        certificate, key = stack.folder / "dora.p12", []
    options = ["--auth", "certificate", "--certificate", f"{certificate}", *key, "--key-passphrase-stdin"]
    stack.add(NAME, *options, user=user, password=None, first_line="hush")

    stack.connect()

    assert server.ping()
    assert stack.status()["session_name"].startswith(f"SID-{user.upper()}-")
    assert stack.status()["saved_secrets"] == ["private_key"]
    settings = stack.json("show", NAME)
    assert settings["client_certificate"] == dora.certificate
    assert "PRIVATE KEY" not in str(settings)
    assert "PRIVATE KEY" not in stack.helper_log()


def test_a_certificate_with_its_chain_opens_the_door_where_the_hub_knows_the_authority(
    server: VpnServer, stack: Stack
) -> None:
    authority = make_identity("Lab Authority", rsa_key())
    fumi = make_identity("fumi", rsa_key(), issuer=authority)
    known = server.folder / "authority.crt"
    known.write_text(authority.certificate)
    server.vpncmd(
        f"Hub {HUB}",
        f"CAAdd {os.path.relpath(known)}",  # a slash in front would be an option's
        "UserCreate fumi /GROUP:none /REALNAME:none /NOTE:none",
        "UserSignedSet fumi /CN:none /SERIAL:none",
    )
    (stack.folder / "fumi.p12").write_bytes(fumi.pkcs12(b"hush", authority))
    options = ["--auth", "certificate", "--certificate", f"{stack.folder}/fumi.p12", "--key-passphrase-stdin"]
    stack.add(NAME, *options, user="fumi", password=None, first_line="hush")

    stack.connect()

    assert stack.status()["session_name"].startswith("SID-FUMI-")
    assert stack.json("show", NAME)["client_certificate"] == fumi.certificate + authority.certificate


def test_a_connection_is_changed_to_a_certificate_and_an_unknown_one_is_refused_once(stack: Stack) -> None:
    emil = make_identity("emil", rsa_key())
    both = stack.folder / "emil.pem"
    both.write_text(emil.certificate + emil.key)
    stack.add()
    stack.done("certificate", NAME, f"{both}")

    refused = stack.cli("connect", NAME, "--wait")

    assert refused.returncode == 1
    assert "(error 9)" in refused.stderr
    assert stack.state() is State.IDLE
    assert stack.helper_log().count("ended by error 9") == 1


def test_the_welcome_is_told_whole(own_server: VpnServer, own_stack: Stack) -> None:
    own_server.say("Welcome.\nMaintenance on Sunday")
    own_server.vpncmd(
        f"Hub {HUB}", f"UserPolicySet {USER} /NAME:MaxIP /VALUE:7", f"UserPolicySet {USER} /NAME:CheckMac /VALUE:yes"
    )
    own_stack.add()

    connected = own_stack.done("connect", NAME, "--wait")

    assert "Welcome.\nMaintenance on Sunday\n" in connected
    status = own_stack.status()
    assert status["message"] == "Welcome.\nMaintenance on Sunday"
    certificate = base64.b64decode(status["server_certificate"])
    assert hashlib.sha256(certificate).hexdigest() == own_server.fingerprint()
    assert status["client_certificate"] == ""
    assert status["underlay"] == "TCP over IPv4"
    policy = {entry["key"]: entry for entry in own_stack.json("policy", NAME)}
    assert set(policy) == set(POLICY)
    assert policy["MaxIP"]["value"] == 7
    assert policy["CheckMac"]["value"] is True
    assert policy["NoBridge"]["value"] is True  # it was not asked for
    assert "Unique MAC addresses" in own_stack.done("policy", NAME)
