"""What the doctor says of a machine: nothing bad where all is well, and the worst first."""

from dataclasses import replace

import pytest

from tsunagu.finding import Finding
from tsunagu_tray.doctor import Facts, judge
from tsunagu_tray.texts import Texts

WELL = Facts()
ENGLISH, JAPANESE = Texts("en"), Texts("ja")


def test_of_a_machine_where_all_is_well_there_is_nothing_to_say() -> None:
    assert judge(WELL, ENGLISH) == []


@pytest.mark.parametrize(
    ("ill", "key", "level"),
    [
        (replace(WELL, helper="no answer"), "helper", "error"),
        (replace(WELL, not_examined="you may not"), "not_examined", "warning"),
        (replace(WELL, missing_files=("/usr/x",)), "file", "warning"),
        (replace(WELL, clock=0), "clock", "error"),
        (replace(WELL, has_session=False, has_panel=False, has_keyring=False), "session", "info"),
        (replace(WELL, has_panel=False), "panel", "warning"),
        (replace(WELL, has_notifications=False), "notifications", "warning"),
        (replace(WELL, has_keyring=False), "keyring", "warning"),
    ],
)
def test_each_illness_has_its_sentence(ill: Facts, key: str, level: str) -> None:
    [finding] = judge(ill, ENGLISH)
    [also] = judge(ill, JAPANESE)

    assert (finding.key, finding.level) == (key, level)
    assert finding.text != also.text


def test_a_missing_device_is_the_helpers_to_find_where_it_is_there() -> None:
    assert judge(replace(WELL, has_tun=False), ENGLISH) == []
    assert [finding.key for finding in judge(replace(WELL, has_tun=False, helper="gone"), ENGLISH)] == ["helper", "tun"]


def test_what_the_helper_found_is_told_in_the_readers_language() -> None:
    found = replace(WELL, by_helper=(Finding("data_path", "info", "The data path is compiled"),))

    [finding] = judge(found, JAPANESE)

    assert finding.text == "コンパイル済みの通信処理を使用しています"


def test_the_worst_comes_first() -> None:
    facts = Facts(has_keyring=False, helper="gone", by_helper=(Finding("lockdown", "error", "x"),))

    assert [finding.level for finding in judge(facts, ENGLISH)] == ["error", "error", "warning"]
