"""The user's own files: preferences, what is remembered, autostart."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsunagu.errors import StorageFailed
from tsunagu_tray.autostart import ENTRY, Autostart
from tsunagu_tray.memory import Memory, Remembered
from tsunagu_tray.preferences import Click, IconStyle, Notifications, Preferences, preferences_file

CHOSEN = Preferences(notifications=Notifications.TROUBLE, click=Click.OPEN, click_connection="c1", icon=IconStyle.LIGHT)


def environment(folder: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": f"{folder}/own", "XDG_CONFIG_DIRS": f"{folder}/a:{folder}/b"}


def test_what_is_chosen_is_there_the_next_time(tmp_path: Path) -> None:
    file = preferences_file(environment(tmp_path))
    assert file.values == Preferences()

    file.change(notifications=CHOSEN.notifications, click=CHOSEN.click)
    file.change(click_connection="c1", icon=IconStyle.LIGHT)

    assert preferences_file(environment(tmp_path)).values == CHOSEN
    assert [path.name for path in file.path.parent.iterdir()] == ["preferences.json"]


def test_another_program_reads_the_change(tmp_path: Path) -> None:
    one, other = preferences_file(environment(tmp_path)), preferences_file(environment(tmp_path))
    one.change(icon=IconStyle.DARK)

    assert other.read().icon is IconStyle.DARK


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["icon", "click"]), inner),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_damaged_file_says_so_counts_as_none_and_is_replaced(tmp_path: Path, text: bytes) -> None:
    file = preferences_file(environment(tmp_path))
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_bytes(text)

    file.read()

    assert isinstance(file.values, Preferences)
    assert not file.problem or file.values == Preferences()
    file.change(icon=IconStyle.DARK)
    assert preferences_file(environment(tmp_path)).values.icon is IconStyle.DARK


def test_a_file_of_another_kind_is_a_problem(tmp_path: Path) -> None:
    file = preferences_file(environment(tmp_path))
    file.path.parent.mkdir(parents=True)
    file.path.write_text('{"icon": "pink"}')

    assert file.read() == Preferences()
    assert "pink" in file.problem


def test_what_cannot_be_written_is_told_and_counts_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("no folder")
    file = preferences_file(environment(tmp_path))

    with pytest.raises(StorageFailed, match=r"own.* cannot be written: Not a directory"):
        file.change(icon=IconStyle.DARK)

    assert file.values.icon is IconStyle.DARK


def test_what_is_only_remembered_may_be_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tsunagu").write_text("no folder")
    memory = Memory({"XDG_STATE_HOME": str(tmp_path)}, "tray", Remembered())

    memory.remember(last_used="c1")

    assert memory.values.last_used == "c1"
    assert "cannot be written" in caplog.text


# -- autostart --------------------------------------------------------------------------------------------------------


def put(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["[Desktop Entry]", "Type=Application", "Exec=x", *lines, "[Other]", "Hidden=true"]))


def after(autostart: Autostart, switched: bool | None) -> bool:
    """Whether it is on after that."""
    if switched is not None:
        autostart.switch(switched)
    return autostart.is_on


def test_without_any_entry_nothing_starts_and_one_of_ones_own_does(tmp_path: Path) -> None:
    autostart, own = Autostart(environment(tmp_path)), tmp_path / "own" / ENTRY

    assert after(autostart, None) is False
    assert after(autostart, True) is True
    assert "Exec=" in own.read_text()
    assert after(autostart, False) is False
    assert not own.exists()


def test_the_systems_entry_is_hidden_by_ones_own_and_comes_back(tmp_path: Path) -> None:
    put(tmp_path / "b" / ENTRY)
    autostart, own = Autostart(environment(tmp_path)), tmp_path / "own" / ENTRY

    assert after(autostart, None) is True
    assert after(autostart, False) is False
    assert "Hidden=true" in own.read_text()
    assert after(autostart, True) is True
    assert not own.exists()


@pytest.mark.parametrize("line", ["Hidden=true", "Hidden = true", "X-GNOME-Autostart-enabled=false"])
def test_what_the_administrator_has_switched_off_can_be_switched_on(tmp_path: Path, line: str) -> None:
    put(tmp_path / "a" / ENTRY, line)
    put(tmp_path / "b" / ENTRY)
    autostart = Autostart(environment(tmp_path))

    assert after(autostart, None) is False, "the first entry counts alone"
    assert after(autostart, True) is True


def test_a_command_with_odd_characters_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: '/opt/a b/100%$"\\')

    Autostart(environment(tmp_path)).switch(True)

    line = next(x for x in (tmp_path / "own" / ENTRY).read_text().splitlines() if x.startswith("Exec="))
    assert line == r'Exec="/opt/a b/100%%\\$\\"\\\\"'
