"""The sandbox: whatever runs in it, nothing stays, and everyone can read the checkout."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.sandbox import CHECKOUT


@pytest.fixture
def private_checkout(tmp_path: Path) -> Path:
    """Where nobody but root gets in."""
    tmp_path.chmod(0o700)
    return Path(
        shutil.copytree(CHECKOUT, tmp_path / "tsunagu", ignore=shutil.ignore_patterns(".*", "build", "recorded"))
    )


def sandboxed(checkout: Path, script: str) -> "subprocess.CompletedProcess[str]":
    command = ["/usr/bin/python3", "-m", "tests.lab.sandbox", "--", "sh", "-c", script]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60, check=False)


AS_MIKA = "setpriv --reuid=mika --regid=mika --init-groups --"


def test_everyone_can_run_a_checkout_that_lies_in_a_private_folder(private_checkout: Path) -> None:
    done = sandboxed(private_checkout, f"{AS_MIKA} /usr/bin/python3 -c 'import tsunagu; print(tsunagu.__file__)'")

    assert done.stdout == f"{CHECKOUT}/shared/tsunagu/__init__.py\n", done.stderr


def test_a_checkout_made_with_a_strict_umask_is_readable_all_the_same(private_checkout: Path) -> None:
    subprocess.run(["chmod", "-R", "go-rwx", private_checkout], check=True)

    done = sandboxed(private_checkout, f"touch build/picture; {AS_MIKA} /usr/bin/python3 -c 'import tsunagu'")

    assert done.returncode == 0, done.stderr
    assert (private_checkout / "build/picture").exists()


def test_the_command_s_status_is_the_sandbox_s(private_checkout: Path) -> None:
    assert sandboxed(private_checkout, "exit 7").returncode == 7
    assert sandboxed(private_checkout, "kill -TERM $$").returncode == 128 + 15


def test_nothing_stays(private_checkout: Path) -> None:
    before = {"netns": os.listdir("/run/netns"), "tmp": os.listdir("/tmp"), "passwd": Path("/etc/passwd").read_text()}

    traces = "ip netns add left; ip link add left0 type dummy; touch /tmp/left /run/left; echo 'x:' >>/etc/passwd"
    done = sandboxed(private_checkout, f"{traces}; sleep 1234 &")

    assert done.returncode == 0, done.stderr
    assert before == {
        "netns": os.listdir("/run/netns"), "tmp": os.listdir("/tmp"), "passwd": Path("/etc/passwd").read_text()
    }  # fmt: skip
    assert not Path("/sys/class/net/left0").exists()
    assert not Path("/run/left").exists()
    assert b"sleep\x001234" not in {path.read_bytes().rstrip(b"\0") for path in Path("/proc").glob("[0-9]*/cmdline")}
