"""The catalogues in ``po/`` are complete, keep what is put into sentences, and are compiled."""

import re
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests import messages
from tsunagu_tray.catalogue import Catalogue, Message, languages
from tsunagu_tray.texts import SENTENCES

TEMPLATE = messages.template()
CATALOGUES = [pytest.param(messages.catalogue(path), id=path.stem) for path in messages.FILES]
MAY_BE_LEFT_OUT = {"kind:"}  # argparse's name of a type
POLISH = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\n"

msgid "{count:,} packet"
msgid_plural "{count:,} packets"
msgstr[0] "{count:,} pakiet"
msgstr[1] "{count:,} pakiety"
msgstr[2] "{count:,} pakietów"

msgctxt "button"
msgid "_Rename"
msgstr "Z_mień"
"""


def entries(of: Catalog) -> dict[tuple[str | None, str], Entry]:
    return {(entry.context, english(entry)[0]): entry for entry in of if entry.id}


def english(entry: Entry) -> tuple[str, ...]:
    return (entry.id,) if isinstance(entry.id, str) else tuple(entry.id)


def translations(entry: Entry) -> tuple[str, ...]:
    return (entry.string or "",) if isinstance(entry.string, str | None) else tuple(entry.string)


def fields(sentence: str) -> set[str]:
    return {f"{name}:{form}" for _, name, form, _ in string.Formatter().parse(sentence) if name is not None}


def mnemonics(label: str) -> int:
    return len(re.findall("_[A-Za-z]", label))


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_a_language_has_every_message_and_no_other(catalogue: Catalog) -> None:
    theirs, ours = entries(catalogue), entries(TEMPLATE)

    assert theirs.keys() - ours.keys() == set(), "run: make messages"
    assert ours.keys() - theirs.keys() == set(), "run: make messages, then translate"
    assert [key for key, entry in theirs.items() if entry.fuzzy or not all(translations(entry))] == []
    assert all(english(entry) == english(ours[key]) for key, entry in theirs.items())


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_a_translation_puts_the_same_values_in(catalogue: Catalog) -> None:
    for entry in entries(catalogue).values():
        for said in translations(entry):
            assert fields(said) <= fields(english(entry)[-1])
            assert fields(english(entry)[-1]) - fields(said) <= MAY_BE_LEFT_OUT


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_a_label_keeps_a_key_that_chooses_it(catalogue: Catalog) -> None:
    labels = {said if isinstance(said, str) else said.one for said in SENTENCES.values()}

    for entry in entries(catalogue).values():
        if entry.id in labels:
            assert {mnemonics(said) for said in translations(entry)} == {mnemonics(english(entry)[0])}


@pytest.mark.parametrize("path", messages.FILES, ids=lambda path: path.stem)
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    compiled = Catalogue(path.stem)

    for entry in entries(messages.catalogue(path)).values():
        one, many = (*english(entry), "")[:2]
        assert compiled.find(Message(one, many, entry.context)) == translations(entry)[0], "run: make messages"


def test_a_further_language_is_one_more_file_with_its_own_plural_forms(tmp_path: Path) -> None:
    (tmp_path / "pl.po").write_text(POLISH)
    compiled = tmp_path / "pl/LC_MESSAGES/tsunagu.mo"
    compiled.parent.mkdir(parents=True)
    with (tmp_path / "pl.po").open("rb") as source, compiled.open("wb") as file:
        write_mo(file, read_po(source, locale="pl"))
    polish = Catalogue("pl_PL.UTF-8", folder=tmp_path)
    packets = Message("{count:,} packet", "{count:,} packets")

    assert [polish.find(packets, count) for count in (1, 3, 5)] == [
        "{count:,} pakiet", "{count:,} pakiety", "{count:,} pakietów"
    ]  # fmt: skip
    assert polish.find(Message("_Rename", context="button")) == "Z_mień"
    assert polish.find("_Rename") == "_Rename"


def test_english_has_its_plural_without_a_catalogue() -> None:
    packets = Message("{count:,} packet", "{count:,} packets")

    assert [Catalogue("en").find(packets, count) for count in (0, 1, 2)] == [packets.many, packets.one, packets.many]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, []),
        ({"LANG": "ja_JP.UTF-8"}, ["ja_JP.UTF-8"]),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, []),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "ja"}, ["ja"]),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": ""}, ["ja_JP.UTF-8"]),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de:ja:en:fr"}, ["de", "ja"]),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "ja"}, ["ja"]),
        ({"LANG": "C.UTF-8", "LANGUAGE": "ja"}, []),
        ({"LC_ALL": "C", "LANGUAGE": "ja"}, []),
        ({"LANGUAGE": "ja"}, []),
    ],
)
def test_the_environment_chooses_as_it_does_for_gettext(environment: dict[str, str], expected: list[str]) -> None:
    assert languages(environment) == expected


@pytest.mark.parametrize("locale", ["jam_JM", "de_DE.UTF-8", "en_GB"])
def test_where_there_is_no_catalogue_all_is_english(locale: str) -> None:
    assert not Catalogue(locale).translates
