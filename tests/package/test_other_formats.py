"""Wheel, source distribution and RPM package: they hold what they should, and no more."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.lab.sandbox import CHECKOUT
from tests.package.system import PACKAGES
from tsunagu import __version__

SDIST = CHECKOUT / f"dist/tsunagu-{__version__}.tar.gz"


def test_the_source_distribution_has_the_sources_and_nothing_made_from_them() -> None:
    with tarfile.open(SDIST) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]

    assert {"LICENSE", "README.md", "pyproject.toml", "helper/tsunagu_tunnel/fastpath.pyx", "po/ja.po"} <= set(names)
    assert not [
        name for name in names if name.endswith((".so", ".pyc", ".mo")) or name.startswith((".venv", "build", "dist"))
    ]


def test_a_wheel_has_the_compiled_data_path_and_translations() -> None:
    [wheel] = CHECKOUT.glob(f"dist/tsunagu-{__version__}-cp*.whl")

    names = zipfile.ZipFile(wheel).namelist()

    assert [name for name in names if name.startswith("tsunagu_tunnel/fastpath.") and name.endswith(".so")]
    assert "tsunagu_tray/locale/ja/LC_MESSAGES/tsunagu.mo" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "tsunagu",
        "tsunagu_client",
        "tsunagu_dbus",
        "tsunagu_helper",
        "tsunagu_tray",
        "tsunagu_tunnel",
    }


def test_an_installed_wheel_brings_the_commands_and_their_japanese(tmp_path: Path) -> None:
    [wheel] = CHECKOUT.glob(f"dist/tsunagu-{__version__}-cp*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", tmp_path, wheel], check=True)
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/bus", "LANG": "ja_JP.UTF-8"}
    environment = nowhere | {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        command = [f"{tmp_path}/bin/tsunagu", *words]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert said("--version").stdout == f"tsunagu {__version__}\n"
    assert "システムバス" in said("list").stderr


def test_without_a_compiler_a_wheel_is_made_of_python_alone(tmp_path: Path) -> None:
    subprocess.run(["tar", "--extract", "--file", SDIST, "--directory", tmp_path], check=True)
    [tree] = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "made")]

    said = subprocess.run(command, cwd=tree, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True)

    assert [path.name for path in (tmp_path / "made").iterdir()] == [f"tsunagu-{__version__}-py3-none-any.whl"]
    assert "plain Python" in said.stdout + said.stderr


def test_the_rpm_packages_have_the_same_files_as_the_debian_packages() -> None:
    rpm = {line for path in CHECKOUT.glob("dist/*.rpm") for line in _lines("rpm", "-qlp", str(path))}
    deb = {line.split()[5][1:] for path in PACKAGES for line in _lines("dpkg-deb", "--contents", str(path))}

    assert _commands_and_data(rpm) == _commands_and_data(deb)


def _commands_and_data(paths: set[str]) -> set[str]:
    """What both kinds of system have at the same place."""
    places = ("/etc/", "/usr/bin/", "/usr/sbin/", "/usr/share/", "/usr/lib/NetworkManager/")
    own = ("/usr/share/doc", "/usr/share/licenses", "/usr/share/zsh", "/usr/share/python3")
    found = {path.removesuffix(".gz") for path in paths if path.startswith(places) and not path.startswith(own)}
    return {path for path in found if "tsunagu" in Path(path).name}


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
