"""The catalogues in ``po/``: ``python -m tests.messages`` brings them up to what the program says; a test compares.

A new language begins as an empty file: ``touch po/de.po``.
"""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from tsunagu.error_table import ERRORS
from tsunagu.policy import POLICY
from tsunagu_tray.arriving import ARRIVING
from tsunagu_tray.arriving_details import QUOTED
from tsunagu_tray.catalogue import Message
from tsunagu_tray.command_line import parser
from tsunagu_tray.texts import SENTENCES, Texts

PO = Path(__file__).parents[1] / "po"
FILES = sorted(PO.glob("*.po"))


class Listener(Texts):
    """Keeps what it is to say."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def say(self, sentence: str) -> str:
        """Take it as it is."""
        self.heard.append(sentence)
        return sentence


def template() -> Catalog:
    """Every message of the program, in the order of its tables."""
    found = Catalog(domain="tsunagu", project="Tsunagu", charset="utf-8")

    def add(message: str | Message, where: str) -> None:
        one, many, context = message if isinstance(message, Message) else (message, "", None)
        found.add((one, many) if many else one, context=context, auto_comments=[where])

    for key, sentence in SENTENCES.items():
        add(sentence, key)
    for entry in ERRORS.values():
        add(entry.sentence, f"error {entry.code}")
        add(entry.advice, f"advice on error {entry.code}")
    for item in POLICY.values():
        add(item.name, f"name of a security policy: {item.key}")
        add(item.meaning, f"meaning of the security policy {item.key}")
    for message in (*ARRIVING, QUOTED):
        add(message, "a message, or a part of one")
    listener = Listener()
    parser(listener)
    for sentence in filter(None, listener.heard):
        add(sentence, "tsunagu --help")
    return found


def catalogue(path: Path) -> Catalog:
    """What the file has."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem, domain="tsunagu")


def main() -> None:
    """New messages come in without a translation or with a guess, marked as fuzzy; those that are gone go."""
    for path in FILES:
        known = catalogue(path)
        known.update(template(), update_creation_date=False)
        with path.open("wb") as file:
            write_po(file, known, ignore_obsolete=True, no_location=True)


if __name__ == "__main__":
    main()
