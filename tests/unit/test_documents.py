"""What the documentation says is so: pages from tables are fresh, links lead somewhere, commands are commands."""

import argparse
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from tests import demo, pictures
from tests.documents import DOCS, PAGES, blocks, shown
from tests.lab import test_documented_commands
from tests.settings_page import OFFICIAL, OTHERWISE
from tsunagu.model import ConnectionSettings
from tsunagu_tray.command_line import parser
from tsunagu_tray.settings_text import changed
from tsunagu_tray.texts import Texts

ROOT = DOCS.parent
PAGES_OF_ALL = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
ENGLISH = Texts("en")
SETTINGS = ConnectionSettings(name="office", host="vpn.example.org", hub="OFFICE", username="mika")

BY_HAND = "waybar"  # of a panel that the tests do not bring


@pytest.mark.parametrize("page", PAGES)
def test_a_page_from_a_table_is_fresh(page: str) -> None:
    assert (DOCS / page).read_text() == PAGES[page](), "run: python -m tests.documents"


def test_the_page_of_settings_names_commands_and_settings_that_there_are() -> None:
    [deeds] = [action.choices for action in parser(ENGLISH)._actions if isinstance(action, argparse._SubParsersAction)]
    named = [word for *_, terminal in OFFICIAL for word in re.findall("`([^`]+)`", terminal)]
    named += [word for command, _ in OTHERWISE.values() for word in re.findall("`([^`]+)`", command)]

    keys = {word.partition("=")[0] for word in named if "=" in word}
    commands = {word.removeprefix("tsunagu ").split()[0] for word in named if "=" not in word}

    assert keys <= {field.name for field in fields(ConnectionSettings)}
    assert commands <= deeds.keys()


@pytest.mark.parametrize("path", PAGES_OF_ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub("`[^`\n]*`", "", text))

    broken = [link for link in links if "://" not in link and not (path.parent / link.partition("#")[0]).exists()]

    assert broken == []


def test_every_picture_is_shown_and_one_of_two_commands_takes_it_anew() -> None:
    windows = {"-".join(of) for of in pictures.all_pictures()}
    for folder, makes, taken in (
        (demo.SAVED_PICTURES, "make demo PICTURES=1", {*demo.TAKEN, BY_HAND}),
        (pictures.FOLDER, "make pictures", windows),
    ):
        there = {path.stem for path in (ROOT / folder).glob("*.png")}

        assert there == {path.stem for path in shown(ROOT / folder)}, (
            "a page shows what is not there, or nobody shows it"
        )
        assert there <= taken, f"{makes} does not take this one"


def test_a_decision_has_a_number_of_its_own_and_one_that_is_named_exists() -> None:
    numbers = [path.name.partition("-")[0] for path in (DOCS / "decisions").glob("[0-9]*.md")]
    named = {number for path in PAGES_OF_ALL for number in re.findall(r"decision\s(\d{4})", path.read_text())}

    assert sorted(numbers) == sorted(set(numbers))
    assert named <= set(numbers)


def test_every_block_on_a_page_is_run_by_a_test() -> None:
    """Beside these three, ``make`` alone is shown, which is tried dry below."""
    run = {(page, "sh") for page in test_documented_commands.PAGES}
    run |= {("docs/protocol.md", "sh"), ("docs/python.md", "python")}  # test_example and test_examples

    found = {
        (page, language)
        for page in (str(path.relative_to(ROOT)) for path in PAGES_OF_ALL)
        for language, text in blocks(page)
        if not all(line.startswith("make ") for line in text.splitlines())
    }

    assert found == run


def test_the_manual_pages_examples_are_among_what_is_run() -> None:
    pages = "".join((ROOT / page).read_text() for page in test_documented_commands.PAGES)
    [(_, example)] = blocks("packaging/man/tsunagu.1")

    assert [line for line in example.splitlines() if line not in pages] == []


def commands() -> Iterator[tuple[str, str]]:
    """(page, command line) of everything shown in a block of shell."""
    for page in (str(path.relative_to(ROOT)) for path in PAGES_OF_ALL):
        for _, block in blocks(page):
            for line in block.replace("\\\n", "").splitlines():
                if line.startswith("tsunagu "):
                    yield page, line


@pytest.mark.parametrize(("page", "line"), list(commands()))
def test_every_command_that_is_shown_is_one(page: str, line: str) -> None:
    assert page
    words = shlex.split(line, comments=True)
    if "<" in words:
        words = words[: words.index("<")]

    options = parser(ENGLISH).parse_args(words[1:])

    if words[1] == "set":
        own = [word for word in options.assignments if word != "proxy=system"]
        changed(SETTINGS, own, ENGLISH)


def lines(pattern: str) -> list[str]:
    """What is shown anywhere, in blocks and in sentences, and matches this."""
    found = {line for path in PAGES_OF_ALL for line in re.findall(pattern, path.read_text(), re.MULTILINE)}
    return sorted(line for line in found if "CHANGELOG" not in line)


@pytest.mark.parametrize("line", lines(r"(?:^|`)(make [a-z][^`\n#|]*)"))
def test_make_knows_what_is_shown(line: str) -> None:
    """Dry: they take minutes, and the rest of the tests is what most of them run."""
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *shlex.split(line)[1:]],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", lines(r"`(tsunagu [a-z][^`\n]*)`"))
def test_a_command_in_a_sentence_is_one(line: str) -> None:
    """Its name and its options; what follows may stand for something."""
    known = parser(ENGLISH).commands()
    name, *words = shlex.split(line.replace("…", ""))[1:]
    options = {option for action in known[name]._actions for option in action.option_strings}

    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("unit", lines(r"(?:journalctl -u|systemctl [a-z-]+) ([a-z-]*tsunagu[a-z-]*)"))
def test_a_unit_that_is_named_is_shipped(unit: str) -> None:
    assert (ROOT / f"packaging/systemd/{unit}.service").exists()
