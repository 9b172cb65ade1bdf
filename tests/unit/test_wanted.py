"""What people want up, in a file that a crash leaves whole and a reboot takes away."""

from pathlib import Path

import pytest

from tsunagu_helper.wanted import Wanted


def test_the_first_life_since_the_boot_knows_that_it_is_the_first(tmp_path: Path) -> None:
    assert Wanted(tmp_path / "run").restore() is None
    assert Wanted(tmp_path / "run").restore() == frozenset()


def test_what_is_wanted_outlives_the_helper(tmp_path: Path) -> None:
    wanted = Wanted(tmp_path)
    wanted.restore()
    for connection_id, is_wanted in (("a", True), ("b", True), ("a", False), ("c", False)):
        wanted.remember(connection_id, is_wanted)

    assert Wanted(tmp_path).restore() == frozenset("b")


def test_it_is_written_only_where_it_changes(tmp_path: Path) -> None:
    wanted = Wanted(tmp_path)
    wanted.remember("a", True)
    before = (tmp_path / "wanted.json").stat().st_ino

    wanted.remember("a", True)

    assert (tmp_path / "wanted.json").stat().st_ino == before


@pytest.mark.parametrize("text", ["", "{}", "[1]", '"a"', "[" * 100_000, "\xff"])
def test_a_damaged_file_keeps_everything_down_and_nothing_from_working(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "wanted.json").write_bytes(text.encode("latin-1"))
    wanted = Wanted(tmp_path)

    assert wanted.restore() == frozenset()
    assert "is of no use" in caplog.text
    wanted.remember("a", True)
    assert Wanted(tmp_path).restore() == frozenset("a")


def test_a_place_that_cannot_be_written_to_costs_no_connection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    wanted = Wanted(tmp_path / "file" / "run")

    wanted.remember("a", True)

    assert "could not be noted" in caplog.text
