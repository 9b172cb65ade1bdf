"""The example in the documentation works against a real server, as it is shown there."""

import re

from tests.lab.sandbox import CHECKOUT
from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer


def test_the_example_logs_in_and_prints_the_welcome(server: VpnServer) -> None:
    document = (CHECKOUT / "docs/protocol.md").read_text()
    shown = re.findall(r"```sh\n(openssl s_client .*?welcome\.py .*?)```", document, re.DOTALL)
    [lines] = shown
    (server.folder / "password.txt").write_text(f"{PASSWORD}\n")
    for word, meant in (
        ("vpn.example.org", SERVER),
        ("OFFICE", HUB),
        ("mika", USER),
        ("server.pem", f"{server.folder}/server.pem"),
        ("password.txt", f"{server.folder}/password.txt"),
    ):
        lines = lines.replace(word, meant)

    said = server.run(server.cli, "sh", "-ec", f"cd {CHECKOUT}\n{lines}").stdout.splitlines()

    assert " build " in said[0]
    assert said[1].startswith(f"SID-{USER.upper()}-")
    assert len((CHECKOUT / "docs/examples/welcome.py").read_text().splitlines()) <= 30
