"""The files that a package brings for the desktop and the shells are well-formed, and complete what they claim to."""

import gzip
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.waiting import wait_for
from tests.package.system import PACKAGES, where_built

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
        said = where_built(tree, *command.split(), str(file.relative_to(tree)))

        assert (said.returncode, said.stderr) == (0, ""), f"{said.stdout}{said.stderr}"


def test_software_centres_miss_nothing_but_a_homepage(tree: Path) -> None:
    said = where_built(tree, "sh", "-c", "appstreamcli validate --no-net usr/share/metainfo/*.xml")

    complaints = re.findall(r"^ *[EW]: .*", said.stdout, re.MULTILINE)
    assert [one for one in complaints if "url-homepage-missing" not in one] == []
    assert said.returncode == 0 or complaints


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
    opened, clicked = tmp_path / "opened", Path("tests/recorded/vpn-files/std_password.vpn").resolve()
    window = _program(tmp_path, "tsunagu-window", f'echo "$1" >{opened}\n')
    environment["PATH"] = f"{window.parent}:{path}"
    asked("gio", "open", str(clicked))
    wait_for(lambda: opened.exists() and opened.read_text() == f"{clicked}\n", 30, "the window to be told the file")


def test_there_is_a_manual_page_for_every_command_and_every_kind_of_file(tree: Path) -> None:
    environment = {"MANPATH": f"{tree}/usr/share/man", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    commands = {path.name for folder in ("usr/bin", "usr/sbin") for path in (tree / folder).iterdir()}
    assert {"tsunagu", "tsunagu-tray", "tsunagu-window", "tsunagu-helper"} <= commands

    for words in (*((name,) for name in commands), ("5", "tsunagu")):
        found = subprocess.run(
            ["man", "-w", *words], env=environment, check=True, capture_output=True, text=True
        ).stdout

        assert found.startswith(str(tree)), words
    files = gzip.decompress((tree / "usr/share/man/man5/tsunagu.5.gz").read_bytes()).decode()
    assert [place for place in ("connections.d", "hooks.d") if place not in files] == []


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


def _program(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}")
    program.chmod(0o755)
    return program


def _environment_with_names(folder: Path) -> dict[str, str]:
    _program(folder, "tsunagu", f'[ "$*" = "list --names" ] && cat <<.\n{NAMES}.\n')
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", "TERM": "dumb"}
