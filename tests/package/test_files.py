"""The files that a package brings for the desktop and the shells are well-formed, and complete what they claim to."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from tests.package.system import PACKAGES

NAMES = "Home office\nOffice\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        subprocess.run(["dpkg-deb", "--extract", package, tree], check=True)
    return tree


@pytest.mark.parametrize(
    ("command", "pattern"),
    [
        ("desktop-file-validate", "usr/share/applications/*.desktop"),
        ("desktop-file-validate", "etc/xdg/autostart/*.desktop"),
        ("appstreamcli validate --no-net", "usr/share/metainfo/*.xml"),
        ("man --warnings --encoding=UTF-8 -Tutf8 --ditroff --local-file", "usr/share/man/man*/*"),
        ("bash -n", "usr/share/bash-completion/completions/*"),
        ("zsh --no-exec", "usr/share/zsh/vendor-completions/*"),
        ("fish --no-execute", "usr/share/fish/vendor_completions.d/*"),
    ],
)
def test_a_checker_has_nothing_to_say(tree: Path, command: str, pattern: str) -> None:
    files = sorted(tree.glob(pattern))
    assert files

    for file in files:
        said = subprocess.run([*command.split(), file], capture_output=True, text=True, check=False)

        assert (said.returncode, said.stderr) == (0, ""), f"{said.stdout}{said.stderr}"


def test_a_setting_file_is_known_by_its_contents_and_its_name(tree: Path, tmp_path: Path) -> None:
    share = tree / "usr/share"
    subprocess.run(["update-mime-database", share / "mime"], check=True, capture_output=True)
    subprocess.run(["update-desktop-database", share / "applications"], check=True)
    path = f"{tree}/usr/bin:/usr/bin:/bin"
    environment = {"PATH": path, "XDG_DATA_DIRS": str(share), "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    def asked(*words: str) -> str:
        return subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout

    assert "application/x-softether-vpn" in asked("gio", "info", "tests/recorded/vpn-files/std_password.vpn")
    assert "org.tsunagu.Window.desktop" in asked("gio", "mime", "application/x-softether-vpn")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["conn"], ["connect"]),
        (["connect", "Of"], ["Office"]),
        (["connect", "--wait", "Ho"], [r"Home\ office"]),
        (["connect", "--t"], ["--timeout"]),
        (["ca", "re"], ["remove"]),
        (["set", "Office", "hu"], ["hub="]),
        (["import", "/etc/pass"], ["/etc/passwd"]),
        (["add", "--server", "x", "O"], []),
    ],
)
def test_bash_completes(tree: Path, tmp_path: Path, words: list[str], completed: list[str]) -> None:
    script = f"""
        compopt() {{ :; }}
        . {tree}/usr/share/bash-completion/completions/tsunagu
        COMP_WORDS=(tsunagu "$@") COMP_CWORD=$#
        _tsunagu
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """

    said = _with_names(tmp_path, "bash", "-c", script, "bash", *words).splitlines()

    assert [word for word in said if word and not word.endswith("-")] == completed


@pytest.mark.parametrize(
    ("line", "completed"), [("tsunagu conn", "connect"), ("tsunagu connect Of", "Office"), ("tsunagu ca re", "remove")]
)
def test_fish_completes(tree: Path, tmp_path: Path, line: str, completed: str) -> None:
    script = f"source {tree}/usr/share/fish/vendor_completions.d/tsunagu.fish; complete -C '{line}'"

    said = _with_names(tmp_path, "fish", "--no-config", "-c", script)

    assert [entry.split("\t")[0] for entry in said.splitlines()] == [completed]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("tsunagu conn", "connect "),
        ("tsunagu connect Of", "Office "),
        ("tsunagu connect Ho", r"Home\ office "),
        ("tsunagu connect --ti", "--timeout "),
        ("tsunagu ca re", "remove "),
        ("tsunagu set Office hu", "hub="),
        ("tsunagu import /etc/passw", "/etc/passwd"),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_tab_key_completes(tree: Path, tmp_path: Path, shell: str, typed: str, completed: str) -> None:
    """At a terminal, in the shell itself."""
    ready = "echo re''ady; "
    set_up = {
        "bash": f". {tree}/usr/share/bash-completion/completions/tsunagu; {ready}",
        "zsh": f"fpath=({tree}/usr/share/zsh/vendor-completions $fpath); autoload -U compinit; compinit -u -D; {ready}",
    }[shell]
    options = {"bash": ("--norc", "--noprofile", "-i"), "zsh": ("-f", "-i")}[shell]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [shell, *options],
        env=_environment_with_names(tmp_path) | {"TERM": "xterm", "PS1": "> "},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        os.write(ours, f"{set_up}\n".encode())
        _read_until(ours, "ready\r\n")
        os.write(ours, f"{typed}\t".encode())
        _read_until(ours, completed)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(terminal: int, text: str) -> str:
    """What a terminal shows until this is there, without what moves its cursor."""
    shown = ""
    deadline = time.monotonic() + 30
    while text not in shown:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
            shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07", "", shown)
        assert time.monotonic() < deadline, f"{text} is not in: {shown!r}"
    return shown


def _with_names(folder: Path, *command: str) -> str:
    """Run a shell where ``tsunagu list --names`` has these connections."""
    return subprocess.run(
        command, env=_environment_with_names(folder), cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def _environment_with_names(folder: Path) -> dict[str, str]:
    program = folder / "tsunagu"
    program.write_text('#!/bin/sh\n[ "$*" = "list --names" ] && cat <<.\n' + NAMES + ".\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", "TERM": "dumb"}
