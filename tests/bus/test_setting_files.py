"""The official client's setting files through the command line: in with all secrets, out without them unless given."""

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bus.command import Run
from tests.fakes_bus import FakeHelper
from tsunagu.account_file import parse, serialise
from tsunagu.model import NO_SECRETS

RECORDED = Path(__file__).parents[1] / "recorded/vpn-files"


def contents_and_mode(path: Path) -> tuple[bytes, int]:
    return path.read_bytes(), stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.vpn")), ids=lambda path: path.stem)
async def test_a_file_is_taken_over_with_its_secrets_and_given_back_without(
    tsunagu: Run, helper: FakeHelper, path: Path, tmp_path: Path
) -> None:
    account = parse(contents_and_mode(path)[0])

    imported = await tsunagu("import", str(path), "--name", "Office")
    exported = await tsunagu("export", "Office", "--output", str(tmp_path / "out.vpn"))

    assert (imported.status, imported.err) == (exported.status, exported.err) == (0, "")
    keyed = await tsunagu("export", "Office", "--key", "key.pem")
    assert (keyed.status, keyed.out) == (1, "")
    assert "--with-secrets" in keyed.err
    [connection] = helper.connections.values()
    assert connection.settings == replace(account.settings, name="Office")
    assert connection.secrets == {name: getattr(account.secrets, name).value for name in account.secrets.names()}
    expected = serialise(replace(account, settings=connection.settings, secrets=NO_SECRETS))
    assert contents_and_mode(tmp_path / "out.vpn") == (expected, 0o600)


@pytest.mark.parametrize(("name", "password"), [("plain_password", "p@ssw0rd"), ("std_password", "secret")])
async def test_with_the_password_given_again_the_file_is_the_same_as_before(
    tsunagu: Run, helper: FakeHelper, name: str, password: str
) -> None:
    path = RECORDED / f"{name}.vpn"
    await tsunagu("import", str(path))

    exported = await tsunagu("export", name, "--with-secrets", stdin=f"{password}\n")

    assert exported.out.encode() == path.read_bytes()
    assert helper.connections


async def test_a_private_key_goes_out_from_its_own_file(tsunagu: Run, helper: FakeHelper, tmp_path: Path) -> None:
    path = RECORDED / "certificate.vpn"
    private_key = parse(path.read_bytes()).secrets.private_key
    assert private_key is not None
    (tmp_path / "carol.key").write_text(private_key.value)
    await tsunagu("import", str(path))

    without = await tsunagu("export", "certificate", "--with-secrets")
    exported = await tsunagu("export", "certificate", "--with-secrets", "--key", str(tmp_path / "carol.key"))

    assert without.status == 1
    assert "--key" in without.err
    assert exported.out.encode() == path.read_bytes()
    assert helper.connections


async def test_a_hostile_file_is_refused_with_its_line_and_nothing_is_saved(
    tsunagu: Run, helper: FakeHelper, tmp_path: Path
) -> None:
    text = (RECORDED / "anonymous.vpn").read_bytes()
    (tmp_path / "bad.vpn").write_bytes(re.sub(rb"uint Port \d+", b"uint Port 70000", text))

    english = await tsunagu("import", str(tmp_path / "bad.vpn"))
    japanese = await tsunagu("import", str(tmp_path / "bad.vpn"), LC_ALL="ja_JP.UTF-8")
    missing = await tsunagu("import", str(tmp_path / "none.vpn"))

    assert english.status == missing.status == 1
    assert re.fullmatch("tsunagu: Line [0-9]+: The port must lie between 1 and 65535\n", english.err)
    assert "行目" in japanese.err
    assert "none.vpn" in missing.err
    assert not helper.connections


async def test_a_file_that_is_there_already_is_left_alone(tsunagu: Run, helper: FakeHelper, tmp_path: Path) -> None:
    helper.add("Office")
    (tmp_path / "mine.vpn").write_text("precious")

    refused = await tsunagu("export", "Office", "--output", str(tmp_path / "mine.vpn"))

    assert refused.status == 1
    assert "mine.vpn" in refused.err
    assert (tmp_path / "mine.vpn").read_text() == "precious"
