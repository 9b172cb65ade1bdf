"""What the doctor says of a machine: nothing where all is well, and the worst first."""

from dataclasses import replace

import pytest

from tsunagu_tray.doctor import Facts, judge
from tsunagu_tray.texts import SENTENCES

WELL = Facts()


def test_of_a_machine_where_all_is_well_there_is_nothing_to_say() -> None:
    assert judge(WELL) == []


@pytest.mark.parametrize(
    ("ill", "key", "is_bad"),
    [
        (replace(WELL, helper="no answer"), "doctor_helper", True),
        (replace(WELL, missing_files=("/usr/x",)), "doctor_file", False),
        (replace(WELL, has_tun=False), "doctor_tun", True),
        (replace(WELL, clock=0), "doctor_clock", True),
        (replace(WELL, has_worker_user=False), "doctor_user", False),
        (replace(WELL, problems=("spoilt",)), "doctor_store", False),
        (replace(WELL, has_session=False, has_panel=False, has_keyring=False), "doctor_session", False),
        (replace(WELL, has_panel=False), "doctor_panel", False),
        (replace(WELL, has_keyring=False), "doctor_keyring", False),
    ],
)
def test_each_illness_has_its_sentence(ill: Facts, key: str, is_bad: bool) -> None:
    [finding] = judge(ill)

    assert (finding.key, finding.is_bad) == (key, is_bad)
    assert all(text.format(detail=finding.detail) for text in SENTENCES[key])


def test_the_worst_comes_first() -> None:
    findings = judge(Facts(has_keyring=False, has_tun=False, helper="gone", missing_files=("/usr/x",)))

    assert [finding.is_bad for finding in findings] == [True, True, True, False]
