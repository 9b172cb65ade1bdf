"""The kill switch's file, damaged: what blocks goes on blocking, and the helper runs."""

from pathlib import Path

import pytest

from tsunagu_helper import lockdown
from tsunagu_helper.lockdown import FILE, Lockdown


@pytest.mark.parametrize(
    "text", ["", "# [1]", "# 5", '# {"a": 1}', '# {"a": ["x"]}', '# {"a": [1, true]}', "\xff", "# " + "[" * 99999]
)
async def test_a_damaged_file_stops_nobody(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    loaded: list[str] = []

    async def nft(rules: str) -> None:
        loaded.append(rules)

    monkeypatch.setattr(lockdown, "_nft", nft)
    found = Lockdown(tmp_path, 1234)

    await found.restore()
    assert (found.holders, loaded) == ({}, [])
    await found.lift_all()

    assert "delete table" in loaded[0]
    assert not (tmp_path / FILE).exists()
