"""What the documentation says is so: pages from tables are fresh, links lead somewhere, commands are commands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import DOCS, PAGES
from tsunagu.model import ConnectionSettings
from tsunagu_tray.command_line import parser
from tsunagu_tray.settings_text import changed
from tsunagu_tray.texts import Language, Texts

ROOT = DOCS.parent
PAGES_OF_ALL = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
ENGLISH = Texts(Language.EN)
SETTINGS = ConnectionSettings(name="office", host="vpn.example.org", hub="OFFICE", username="mika")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_from_a_table_is_fresh(page: str) -> None:
    assert (DOCS / page).read_text() == PAGES[page](), "run: python -m tests.documents"


@pytest.mark.parametrize("path", PAGES_OF_ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub("`[^`\n]*`", "", text))

    broken = [link for link in links if "://" not in link and not (path.parent / link.partition("#")[0]).exists()]

    assert broken == []


def commands() -> Iterator[tuple[str, str]]:
    """(page, command line) of everything shown in a block of shell."""
    for path in PAGES_OF_ALL:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL):
            for line in block.replace("\\\n", "").splitlines():
                if line.startswith("tsunagu "):
                    yield str(path.relative_to(ROOT)), line


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


def test_make_has_every_target_that_is_shown() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in PAGES_OF_ALL:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL):
            assert set(re.findall(r"^make ([a-z-]+)", block, re.MULTILINE)) <= targets, path
