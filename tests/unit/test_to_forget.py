"""What keyrings are to forget, in its file."""

from pathlib import Path

import pytest

from tsunagu.model import SecretKind
from tsunagu_helper import to_forget as to_forget_module
from tsunagu_helper.to_forget import ToForget

MIKA, JUN = 1001, 1002
PASSWORD, PROXY_PASSWORD = SecretKind.PASSWORD, SecretKind.PROXY_PASSWORD


def test_it_outlives_the_helper_and_is_private(tmp_path: Path) -> None:
    before = ToForget(tmp_path)
    before.note(MIKA, "a1", SecretKind)
    before.note(JUN, "b2", [PROXY_PASSWORD])

    after = ToForget(tmp_path)

    assert after.of(MIKA) == {"a1": (PASSWORD, PROXY_PASSWORD)}
    assert after.of(JUN) == {"b2": (PROXY_PASSWORD,)}
    assert (tmp_path / "to-forget.json").stat().st_mode & 0o777 == 0o600


def test_what_is_forgotten_or_kept_there_anew_is_struck_out_and_the_rest_stays(tmp_path: Path) -> None:
    noted = ToForget(tmp_path)
    noted.note(MIKA, "a1", [PASSWORD])
    noted.note(MIKA, "a1", [PROXY_PASSWORD])
    noted.note(MIKA, "b2", [PASSWORD])

    noted.strike(MIKA, "a1", [PASSWORD])
    noted.strike(MIKA, "b2", SecretKind)
    noted.strike(JUN, "a1", SecretKind)

    assert ToForget(tmp_path).of(MIKA) == noted.of(MIKA) == {"a1": (PROXY_PASSWORD,)}


def test_a_user_cannot_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_forget_module, "MAX_OF_A_USER", 2)
    noted = ToForget(tmp_path)
    for connection_id in ("a1", "b2", "c3"):
        noted.note(MIKA, connection_id, [PASSWORD])

    assert [*noted.of(MIKA)] == ["b2", "c3"]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"1001": []}', '{"1001": {"a1": ["pin"]}}', '{"1001": {"a1": [[]]}}', "[" * 100_000]
)
def test_a_damaged_file_is_no_reason_not_to_go_on(tmp_path: Path, text: str) -> None:
    (tmp_path / "to-forget.json").write_text(text)
    noted = ToForget(tmp_path)
    noted.note(MIKA, "a1", [PASSWORD])

    assert ToForget(tmp_path).of(MIKA) == {"a1": (PASSWORD,)}


def test_on_a_full_disk_it_is_remembered_as_long_as_the_helper_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(to_forget_module, "write_whole", full)
    noted = ToForget(tmp_path)
    noted.note(MIKA, "a1", [PASSWORD])

    assert noted.of(MIKA) == {"a1": (PASSWORD,)}
