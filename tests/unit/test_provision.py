"""What an administrator puts into a directory, and what of it is refused with a sentence that says why."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.documents import blocks
from tsunagu_helper.provision import _parse, provided

OFFICE = {"name": "Office", "host": "vpn.example.org", "hub": "OFFICE", "username": "mika", "connect_at_start": True}


def put(directory: Path, content: Any = OFFICE, name: str = "office.json") -> Path:
    path = directory / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(0o644)
    return path


def problem_with(directory: Path) -> str:
    found, [problem] = provided(directory)
    assert not any(found.values())
    return problem


def test_the_manual_pages_example_is_a_connection(tmp_path: Path) -> None:
    example, _hook = (text for _, text in blocks("packaging/man/tsunagu.5"))
    put(tmp_path, example)

    found, problems = provided(tmp_path)

    assert (problems, [settings and settings.name for settings in found.values()]) == ([], ["Company"])


def test_a_file_is_a_connection(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path, OFFICE | {"name": "Home", "addressing": "none", "carriers": 8}, "home.json")
    put(tmp_path, "", "README")

    found, problems = provided(tmp_path)

    assert problems == []
    assert {key: settings.name if settings else "" for key, settings in found.items()} == {
        "home": "Home",
        "office": "Office",
    }


def test_no_directory_is_no_problem(tmp_path: Path) -> None:
    assert provided(tmp_path / "none") == ({}, [])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (OFFICE | {"hubb": "X"}, 'there is no setting "hubb"'),
        (OFFICE | {"password": "tiger"}, 'there is no setting "password"'),
        (OFFICE | {"port": "443"}, '"port" cannot be "443": int expected'),
        (OFFICE | {"auth": "magic"}, '"auth" cannot be "magic"'),
        (OFFICE | {"port": 0}, "The port must lie between 1 and 65535"),
        ({"name": "Office", "host": "vpn.example.org", "username": "mika"}, 'the setting "hub" is missing'),
        ([OFFICE], "it is not a JSON object"),
        ("{", "Expecting"),
        ('{"foreign": "\\ud83d"}', "surrogates not allowed"),
        ("[" * 50000, ""),
    ],
)
def test_what_cannot_be_used_is_told_with_file_and_key(tmp_path: Path, content: Any, complaint: str) -> None:
    path = put(tmp_path, content)

    problem = problem_with(tmp_path)

    assert str(path) in problem
    assert complaint in problem


@pytest.mark.parametrize("name", ["my office.json", "../x.json".replace("/", "_"), "x" * 33 + ".json"])
def test_a_name_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    put(tmp_path, OFFICE, name)

    assert "letters and digits" in problem_with(tmp_path)


def test_what_others_than_root_can_write_is_not_believed(tmp_path: Path) -> None:
    path = put(tmp_path)
    path.chmod(0o664)
    assert "chmod go-w" in problem_with(tmp_path)
    path.chmod(0o644)
    tmp_path.chmod(0o777)
    assert "others than root can write" in problem_with(tmp_path)
    tmp_path.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(path, 1000, 1000)
        assert "chown root" in problem_with(tmp_path)


def test_a_link_or_a_pipe_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.json")

    found, problems = provided(tmp_path)

    assert found == {"link": None, "pipe": None}
    assert len(problems) == 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*OFFICE, "proxy", "port"]) | st.text(), inner),
    )
)
def test_whatever_it_says_the_answer_is_settings_or_a_sentence(content: Any) -> None:
    with suppress(ValueError):
        assert _parse(json.dumps(content)).name
