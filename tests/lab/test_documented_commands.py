"""Every command that the README and the guide show is run, in the order of the page, against a real server.

What stands for something else there (a server's name, a file somebody was given) is put in its place first, each by a
row of a table.  Heavy ones (``make``) are only tried dry, by test_documents.
"""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.documents import blocks
from tests.identity import make_identity, rsa_key
from tests.lab.sandbox import CHECKOUT
from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import Stack
from tsunagu import account_file
from tsunagu.account_file import Account
from tsunagu.model import ConnectionSettings, State

NEW_PASSWORD, PASSPHRASE = "Another one 2", "open sesame"
PAGES = ("README.md", "docs/guide.md", "docs/guide.ja.md", "docs/dbus-api.md")
PATIENCE_S = 60

MEANT = {  # what a page says: what it is in the lab
    r"vpn\.example\.org(:443)?": f"{SERVER}:443",
    r"--hub OFFICE": f"--hub {HUB}",
    r"--user mika": f"--user {USER}",
    r"--from-vpnclient": "--from-vpnclient vpn_client.config",  # it lies elsewhere than the official client's
    r"^sudo ": "",  # root runs these
    r"hook-firewall\.sh ": f"{CHECKOUT}/docs/examples/hook-firewall.sh ",
    r"/etc/tsunagu/": "../etc/",  # of the lab's helper
}
AFTERWARDS = {  # a page shows what this server does not take; the next command finds things as they were
    "tsunagu certificate office me.p12": [
        "tsunagu set office auth=password",
        "tsunagu password office --stdin < new.txt",
    ],
}
NOT_AN_ERROR = {"tsunagu doctor": (0, 1)}  # it finds fault with the lab
ANSWERS = {  # to what a terminal asks, by the end of the question
    r"Password for .*: $": PASSWORD,
    r"Password to store for .*: $": PASSWORD,
    r"Old password of .*: $": PASSWORD,
    r"New password( once more)?: $": NEW_PASSWORD,
    r"Passphrase for .*: $": PASSPHRASE,
    r"\[y/N\] $": "y",
}


def shown(page: str) -> Iterator[str]:
    """The lines of a page's blocks of shell, in their order."""
    for _, block in blocks(page):
        for line in block.replace("\\\n", "").splitlines():
            if command := re.sub(r"\s+#.*", "", line).strip():
                yield command


@dataclass
class Reader:
    """Somebody who types what a page shows, at a terminal."""

    stack: Stack
    folder: Path
    failed: list[str] = field(default_factory=list)

    def types(self, line: str) -> str:
        """The output."""
        for said, meant in MEANT.items():
            line = re.sub(said, meant, line)
        watches = "--watch" in line
        user = "root" if "/hooks.d/" in line else self.stack.person
        status, output = self._in_terminal(line, user, until="}\r\n" if watches else None)
        wanted = (130,) if watches else NOT_AN_ERROR.get(line, (0,))
        if status not in wanted:
            self.failed.append(f"{line}: exit status {status}\n{output}")
        return output

    def _in_terminal(self, line: str, user: str, until: str | None) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            self.stack.command("sh", "-c", f"cd {self.folder} && exec {line}", user=user),
            env=self.stack.environment | {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        output, answered = "", 0
        deadline = time.monotonic() + PATIENCE_S
        try:
            while process.poll() is None or select.select([ours], [], [], 0)[0]:
                assert time.monotonic() < deadline, f"{line}: {output}"
                if not select.select([ours], [], [], 0.1)[0]:
                    continue
                try:
                    output += os.read(ours, 4096).decode(errors="replace")
                except OSError:  # how the other end of a terminal closes
                    break
                if until and until in output:
                    os.killpg(process.pid, signal.SIGINT)
                    until = None
                for question, answer in ANSWERS.items():
                    if re.search(question, output[answered:]):
                        answered = len(output)
                        os.write(ours, f"{answer}\n".encode())
            return process.wait(PATIENCE_S), output
        finally:
            os.close(ours)


@pytest.fixture
def reader(own_stack: Stack) -> Reader:
    """With the files that the pages name."""
    folder = own_stack.folder / "reader"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/tsunagu").write_text(f'#!/bin/sh\nexec {sys.executable} -m tsunagu_tray.cli "$@"\n')
    (folder / "bin/tsunagu").chmod(0o755)
    branch = ConnectionSettings(name="branch", host="vpn.example.org", hub="BRANCH", username="mika")
    authority, me = make_identity("Company CA", rsa_key()), make_identity("mika", rsa_key())
    for name, content in {
        "password.txt": f"{PASSWORD}\n".encode(),
        "new.txt": f"{NEW_PASSWORD}\n".encode(),
        "office.vpn": account_file.serialise(Account(settings=branch)),
        "company-ca.pem": authority.certificate.encode(),
        "me.p12": me.pkcs12(PASSPHRASE.encode()),
        "script.txt": b"AccountList\n",
        "vpn_client.config": b"declare root\n{\n\tdeclare AccountDatabase\n\t{\n\t}\n}\n",
    }.items():
        (folder / name).write_bytes(content)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, own_stack.person)
    return Reader(own_stack, folder)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_works_in_its_order(page: str, reader: Reader, own_server: VpnServer) -> None:
    lines = list(shown(page))
    assert lines

    for line in lines:
        if line.startswith(("make ", "sudo apt ", "journalctl ")):
            continue  # test_documents and tests/package
        output = reader.types(line)
        if line.startswith("tsunagu connect"):
            assert "Address: 192.168." in output, output
            assert own_server.ping()
        elif line.startswith("tsunagu disconnect"):
            assert reader.stack.state("office") is State.IDLE
        for further in AFTERWARDS.get(line, []):
            reader.types(further)

    assert reader.failed == []
