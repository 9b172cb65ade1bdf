"""The official client's configuration file; ``tests/recorded`` has setting files, here put into one."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu import account_file
from tsunagu.client_config import parse_config
from tsunagu.setting_text import InvalidFile
from tsunagu_tray.texts import Texts

RECORDED = sorted((Path(__file__).parents[1] / "recorded/vpn-files").glob("*.vpn"))


def config(*accounts: str, more: str = "") -> bytes:
    folders = "".join(f"declare Account{number}\n{{\n{text}\n}}\n" for number, text in enumerate(accounts))
    return f"declare root\n{{\ndeclare AccountDatabase\n{{\n{folders}}}\n{more}}}\n".encode()


def inner(path: Path) -> str:
    """What is between the braces of root."""
    text = path.read_text("utf-8-sig")
    return text[text.index("{") + 1 : text.rindex("}")].replace("\r", "")


def test_every_account_is_the_one_of_its_setting_file() -> None:
    found = parse_config(config(*map(inner, RECORDED)))

    assert list(found.accounts) == [account_file.parse(path.read_bytes()) for path in RECORDED]
    assert (found.refused, found.authorities) == ({}, "")


def test_a_bad_account_is_told_by_name_and_line_and_the_others_are_there() -> None:
    good = inner(RECORDED[0])
    bad = re.sub("uint AuthType [0-9]+", "uint AuthType 9", good)

    found = parse_config(config(bad, good))

    [(name, error)] = found.refused.items()
    assert name == found.accounts[0].settings.name
    assert re.fullmatch(r"Line [0-9]+: This kind of authentication \(9\) is not supported", str(error))


def test_authorities_are_taken_over_as_pem() -> None:
    authority = "declare RootCA\n{\ndeclare Certificate0\n{\nbyte X509 MAA=\n}\n}\n"

    assert parse_config(config(more=authority)).authorities.startswith("-----BEGIN CERTIFICATE-----\nMAA=")
    with pytest.raises(InvalidFile, match="not in DER form"):
        parse_config(config(more=authority.replace("MAA=", "AAAA")))


def test_another_file_is_refused_in_both_languages() -> None:
    with pytest.raises(InvalidFile, match="no AccountDatabase") as refused:
        parse_config(RECORDED[0].read_bytes())

    assert "設定ファイルではありません" in Texts("ja").say(str(refused.value))


@given(st.data())
def test_a_damaged_file_is_refused_or_read(data: st.DataObject) -> None:
    text = config(inner(RECORDED[0]), inner(RECORDED[1]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    with suppress(InvalidFile):
        found = parse_config(text[:start] + data.draw(st.binary(max_size=4)) + text[end:])

        assert len(found.accounts) + len(found.refused) <= 2
