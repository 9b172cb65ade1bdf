"""The helper's log in a real journal: what ``journalctl`` finds of a connection, and what it must not find."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.processes import Processes
from tests.lab.server import PASSWORD
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu_helper.journal import MESSAGE_IDS, SOCKET

JOURNALD = Path("/lib/systemd/systemd-journald")
KEPT = Path("/run/log/journal")

pytestmark = pytest.mark.skipif(not JOURNALD.exists(), reason="needs systemd-journald")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[None]:
    """journald itself, in the sandbox."""
    KEPT.mkdir(parents=True, exist_ok=True)
    Path("/run/systemd/journal").mkdir(parents=True, exist_ok=True)
    processes = Processes(tmp_path)
    processes.start("journald", [str(JOURNALD)], {})
    wait_for(Path(SOCKET).exists, 30, f"journald: {processes.log('journald')}")
    yield
    processes.end_all()
    Path(SOCKET).unlink(missing_ok=True)


def found(*matches: str) -> list[dict[str, Any]]:
    """What journalctl has for these."""
    command = ["journalctl", "--directory", str(KEPT), "--output=json", "--quiet", *matches]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.usefixtures("journal")
def test_the_journal_knows_connections_apart(stack: Stack) -> None:
    stack.stop_helper()
    facts = (stack.folder / "logs/helper").stat()
    stack.environment["JOURNAL_STREAM"] = f"{facts.st_dev}:{facts.st_ino}"
    stack.start_helper()
    stack.add()
    stack.add("Other", user="nobody-there", password="wrong")
    stack.connect()
    stack.cli("connect", "Other", "--wait")

    wait_for(lambda: found(f"MESSAGE_ID={MESSAGE_IDS['failed']}"), 30, "the failure in the journal")
    [connected] = found(f"MESSAGE_ID={MESSAGE_IDS['connected']}")
    assert connected["TSUNAGU_CONNECTION"] == NAME
    assert connected["MESSAGE"].startswith(f"{NAME}: Connected to")
    assert connected["TSUNAGU_NIC"].startswith("tsunagu")
    [failed, *_] = found(f"MESSAGE_ID={MESSAGE_IDS['failed']}")
    assert (failed["TSUNAGU_CONNECTION"], failed["TSUNAGU_CODE"], failed["PRIORITY"]) == ("Other", "9", "3")
    of_office = [entry["MESSAGE"] for entry in found(f"TSUNAGU_CONNECTION={NAME}")]
    assert any("worker:" in text for text in of_office)
    assert not any("Other" in text for text in of_office)
    everything = json.dumps(found())
    assert PASSWORD not in everything
    assert stack.status()["session_key"] not in everything
    stack.disconnect()
