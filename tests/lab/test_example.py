"""The example in the documentation works against a real server."""

import sys

from tests.lab.sandbox import CHECKOUT
from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer


def test_the_example_logs_in_and_prints_the_welcome(server: VpnServer) -> None:
    code = "import ssl; print(ssl.get_server_certificate(('127.0.0.1', 443)))"
    pem = server.folder / "server.pem"
    pem.write_text(server.run(server.srv, "/usr/bin/python3", "-I", "-c", code).stdout)
    example = CHECKOUT / "docs/examples/welcome.py"

    shown = server.run(
        server.cli, sys.executable, f"{example}", SERVER, HUB, USER, f"{pem}", stdin=f"{PASSWORD}\n"
    ).stdout

    assert f"session SID-{USER.upper()}-" in shown
    assert " build " in shown.splitlines()[0]
    assert len(example.read_text().splitlines()) <= 35
