"""The Debian packages in a clean system: they install, work, upgrade under a tunnel, and leave nothing."""

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.server import LAN, VpnServer
from tests.lab.waiting import wait_for
from tests.package.system import BUILT, OFFICE, PACKAGES, TYPED, System, newer, where_built
from tsunagu import __version__


@pytest.fixture
def system(server: VpnServer) -> Iterator[System]:
    assert len(PACKAGES) == 2, "`make test-package` builds them"
    with System(server.cli) as system:
        yield system


def test_an_installed_tsunagu_connects_and_an_upgrade_leaves_its_tunnel_alone(
    server: VpnServer, system: System, tmp_path: Path
) -> None:
    system.install(PACKAGES)
    for command in ("tsunagu", "tsunagu-tray", "tsunagu-window"):
        assert system.run(command, "--version") == f"tsunagu {__version__}\n"
    assert "tsunagu-tunnel" in system.run("getent", "passwd", "tsunagu-tunnel")
    system.start_bus()
    system.start_helper()

    system.run("tsunagu", *OFFICE, "--fingerprint", server.fingerprint(), stdin=TYPED)
    system.run("tsunagu", "connect", "office", "--wait")

    assert server.ping(LAN)
    session = _status(system)["session_name"]

    system.install([newer(package, tmp_path) for package in PACKAGES])

    assert server.ping(LAN)
    assert _status(system)["session_name"] == session

    system.stop_helper()  # what systemd does at an upgrade is a restart
    system.start_helper()

    wait_for(lambda: _status(system)["addresses"], 30, "the connection to come back")
    assert server.ping(LAN)
    assert "no user tsunagu-tunnel" not in system.helper_log()


def test_nothing_is_left_after_a_purge(system: System) -> None:
    before = system.files()
    system.install(PACKAGES)
    installed = system.files()
    system.start_bus()
    system.start_helper()
    system.run("tsunagu", *OFFICE, stdin=TYPED)
    system.stop_helper()

    system.run("dpkg", "--remove", "tsunagu", "tsunagu-helper")

    assert any(path.startswith("var/lib/tsunagu/connections/") for path in system.files())

    system.run("dpkg", "--purge", "tsunagu", "tsunagu-helper")

    after = system.files()
    assert {path: after.get(path) for path in before | after if before.get(path) != after.get(path)} == {}
    assert "usr/bin/tsunagu" in installed


def test_the_helper_imports_nothing_that_its_environment_does_not_name(system: System) -> None:
    system.install(PACKAGES)
    [python] = (system.root / "usr/lib/tsunagu/lib").iterdir()
    intruder = system.root / f"usr/local/lib/{python.name}/dist-packages/intruder.py"
    intruder.parent.mkdir(parents=True, exist_ok=True)
    intruder.touch()
    look = "from importlib.util import find_spec; print(*(bool(find_spec(x)) for x in ('intruder', 'dbus_next')))"

    assert system.run("/usr/lib/tsunagu/bin/python", "-I", "-c", look) == "False True\n"


def test_the_data_path_is_compiled(system: System) -> None:
    system.install(PACKAGES)

    system.run("/usr/lib/tsunagu/bin/python", "-I", "-c", "import tsunagu_tunnel.fastpath")


def test_programs_of_others_can_use_the_client_module(system: System) -> None:
    system.install(PACKAGES)

    system.run("/usr/lib/tsunagu/bin/python", "-I", "-c", "import tsunagu_client")


def test_the_papers_name_what_is_bundled_and_what_has_changed(system: System) -> None:
    system.install(PACKAGES)
    documents = system.root / "usr/share/doc"
    [libraries] = (system.root / "usr/lib/tsunagu/lib").glob("python3*/site-packages")
    bundled = {path.name.partition("-")[0] for path in libraries.glob("*.dist-info") if not path.is_symlink()}

    for package in ("tsunagu", "tsunagu-helper"):
        papers = (documents / package / "copyright").read_text()
        named = re.findall(r"^Files: wheels/(.+)-\*$", papers, re.MULTILINE)
        assert {name.replace("?", "_") for name in named} == bundled - {"tsunagu"}
        assert ("License: Apache-2.0 or BSD-3-Clause" in papers) is ("cryptography" in bundled)
        changes = gzip.decompress((documents / package / "CHANGELOG.md.gz").read_bytes()).decode()
        assert "The first version that does the whole main job." in changes


def test_lintian_has_nothing_to_say(tmp_path: Path) -> None:
    [changes, *files] = (*BUILT.glob("dist/*.changes"), *BUILT.glob("dist/*.buildinfo"), *PACKAGES)
    for file in (changes, *files):
        shutil.copy(file, tmp_path)

    said = where_built(tmp_path, "lintian", "--allow-root", changes.name)

    assert said.returncode == 0, said.stdout
    homepage = "appstream-metadata-validation-failed"  # what that is about, test_files says
    assert [line for line in said.stdout.splitlines() if homepage not in line] == []


def test_a_second_build_elsewhere_gives_the_same_packages(tmp_path: Path) -> None:
    tree = tmp_path / "elsewhere"
    shutil.copytree(BUILT / "build/deb/tsunagu", tree, symlinks=True, copy_function=shutil.copy)

    log = where_built(tmp_path, "sh", "-ec", "cd elsewhere; dpkg-buildpackage --build=binary --no-sign")

    assert log.returncode == 0, log.stdout + log.stderr
    assert {path.name: _sha256(path) for path in tmp_path.glob("*.deb")} == {
        path.name: _sha256(path) for path in PACKAGES
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _status(system: System) -> dict[str, object]:
    status: dict[str, object] = json.loads(system.run("tsunagu", "status", "office", "--json"))
    return status
