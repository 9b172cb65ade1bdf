"""The official client takes our setting files, keeps them octet for octet, and connects with them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.server import PASSWORD, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.account_file import parse

CLIENT = "/usr/libexec/softether/vpnclient/vpnclient"
RECORDED = Path(__file__).parents[1] / "recorded/vpn-files"


class OfficialClient:
    """``vpnclient`` on the client's machine, with folders of its own."""

    def __init__(self, server: VpnServer) -> None:
        self._server = server
        folder = server.folder / "official"
        mounts = ["true"]
        for name, place in (("lib", "/var/lib/softether"), ("run", "/run/softether"), ("log", "/var/log/softether")):
            (folder / name).mkdir(parents=True)
            mounts.append(f"mkdir -p {place} && mount --bind {folder}/{name} {place}")
        command = f"{' && '.join(mounts)} && exec {CLIENT} execsvc"
        private = ("unshare", "--mount", "--propagation", "private", "sh", "-c", command)
        self._program = server.start_program_at(server.cli, "vpnclient", *private)
        wait_for(lambda: ":9931 " in server.run(server.cli, "ss", "-Hltn").stdout, 20, "the official client")

    def close(self) -> None:
        """End it."""
        self._server.end_program(self._program)

    def vpncmd(self, *words: str) -> str:
        """One command of its administration tool.

        Raises:
            RuntimeError: it failed.
        """
        command = ("vpncmd", "localhost", "/CLIENT", "/CMD", *words)
        done = self._server.run(self._server.cli, *command, check=False, timeout_s=20)
        if done.returncode != 0:
            raise RuntimeError(f"vpncmd {words} failed:\n{done.stdout}")
        return done.stdout

    def take(self, file: Path) -> None:
        """Import a setting file; a path that begins with a slash would be an option."""
        self.vpncmd("AccountImport", os.path.relpath(file))

    def taken_over(self, file: Path, name: str) -> bytes:
        """What the client writes for a file that it has read."""
        self.take(file)
        again = file.with_suffix(".again")
        self.vpncmd("AccountExport", name, f"/SAVEPATH:{again}")
        return again.read_bytes()


@pytest.fixture
def client(own_server: VpnServer) -> Iterator[OfficialClient]:
    client = OfficialClient(own_server)
    yield client
    client.close()


def test_it_keeps_every_kind_of_file_that_went_through_tsunagu(own_stack: Stack, client: OfficialClient) -> None:
    for path in sorted(RECORDED.glob("*.vpn")):
        name = f"Again-{path.stem}"
        own_stack.done("import", str(path), "--name", name)
        file = own_stack.folder / path.name
        options = []
        if key := parse(path.read_bytes()).secrets.private_key:  # the official client takes no certificate without it
            (own_stack.folder / "key").write_text(key.value)
            options = ["--with-secrets", "--key", f"{own_stack.folder}/key"]
        file.write_text(own_stack.done("export", name, *options), newline="")

        kept = client.taken_over(file, name)

        assert kept.splitlines() == file.read_bytes().splitlines(), path.stem
        own_stack.done("remove", name)


def test_it_connects_with_what_tsunagu_wrote(own_server: VpnServer, own_stack: Stack, client: OfficialClient) -> None:
    own_stack.add()
    own_stack.connect()  # so that the server's certificate is known
    own_stack.disconnect()
    file = own_stack.folder / "ours.vpn"
    text = own_stack.done("export", NAME, "--with-secrets", stdin=f"{PASSWORD}\n")
    file.write_text(text, newline="")
    assert "bool CheckServerCert true" in text
    assert "byte ServerCert " in text
    client.vpncmd("NicCreate", "vpn")
    client.take(file)

    client.vpncmd("AccountConnect", NAME)

    wait_for(lambda: "Session Established" in client.vpncmd("AccountStatusGet", NAME), 30, "the official session")
    assert own_server.sessions()
