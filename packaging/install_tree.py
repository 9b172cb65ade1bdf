"""Put all of Tsunagu below a folder, as a distribution's package has it; nothing is downloaded.

The programs get a private Python environment, /usr/lib/tsunagu.  A library that the distribution has in a version that
is recent enough is linked into it, alone, so that nothing else on the machine gets into root's Python; one that it
lacks comes from a wheel that lies ready, by the hashes of the lock file.

Runs in the root of the source, by a Python that has the build requirements in it (``stage.py`` lists them).
"""

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

from licences import paragraph
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOME = Path("usr/lib/tsunagu")
LIBRARIES = HOME / f"lib/python{sysconfig.get_python_version()}/site-packages"
PROGRAMS = {  # command: its module
    "usr/bin/tsunagu": "tsunagu_tray.cli",
    "usr/bin/tsunagu-tray": "tsunagu_tray",
    "usr/bin/tsunagu-window": "tsunagu_tray.windows.application",
    "usr/sbin/tsunagu-helper": "tsunagu_helper",
}
FILES = {  # where they go: what
    "etc/xdg/autostart": "desktop/autostart/*.desktop",
    "usr/lib/NetworkManager/conf.d": "networkmanager/*.conf",
    "usr/lib/tsunagu": "nftables/*.nft",
    "usr/lib/systemd/network": "networkd/*.network",
    "usr/lib/systemd/system": "systemd/*.service",
    "usr/lib/sysusers.d": "sysusers/*.conf",
    "usr/lib/tmpfiles.d": "tmpfiles/*.conf",
    "usr/share/applications": "desktop/*.desktop",
    "usr/share/dbus-1/system-services": "dbus/*.service",
    "usr/share/dbus-1/system.d": "dbus/*.conf",
    "usr/share/icons/hicolor/scalable/apps": "icons/apps/*.svg",
    "usr/share/icons/hicolor/symbolic/apps": "icons/symbolic/*.svg",
    "usr/share/metainfo": "desktop/*.metainfo.xml",
    "usr/share/mime/packages": "desktop/*.mime.xml",
    "usr/share/polkit-1/actions": "polkit/*.policy",
}
_METADATA = (".egg-info", ".dist-info")
ALWAYS_LINKED = ("gi", "cairo")  # PyGObject has to fit the distribution's GTK


@dataclass
class Libraries:
    """Where each library is to come from: the distribution's folder, if there is one and it will do, or a wheel."""

    wheels: Path
    distribution: Path | None
    linked: list[str] = field(default_factory=list)  # Debian packages
    links: list[Path] = field(default_factory=list)  # files and folders of theirs
    bundled: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def licences(self) -> str:
        """Of what is bundled."""
        wheels = [_named(name, self._wheels()) for name in sorted(self.bundled)]
        return "".join(paragraph(wheel) for wheel in wheels if wheel)

    def _wheels(self) -> Iterable[Distribution]:
        return distributions(path=[str(path) for path in self.wheels.glob("*.whl")])

    def provide(self, requirement: Requirement) -> None:
        """This one, and what it needs in its turn; its wheel says that, as a distribution's package seldom does."""
        name = canonicalize_name(requirement.name)
        if name in self._seen or not (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            return
        self._seen.add(name)
        wheel = _named(name, self._wheels())
        found = _named(name, distributions(path=[str(self.distribution)])) if self.distribution else None
        if self.distribution and found and requirement.specifier.contains(found.version):
            [metadata] = {part for part in self.distribution.iterdir() if _is_of(part, found)}
            self._link(self.distribution, _output("dpkg-query", "--search", str(metadata)).split(":")[0])
        elif wheel:
            self.bundled.append(name)
        else:
            raise FileNotFoundError(f"there is no wheel of {name} in {self.wheels}")
        for further in (wheel.requires if wheel else None) or []:
            self.provide(Requirement(further))

    def _link(self, folder: Path, package: str) -> None:
        """All that a Debian package has in this folder, and what it needs there that is no library by itself."""
        if package in self.linked:
            return
        self.linked.append(package)
        self.links += _files_in(folder, package)
        needed = _output("dpkg-query", "--show", "--showformat=${Depends}", package)
        for further in re.findall(r"\bpython3-[a-z0-9.+-]+", needed):
            files = [path for path in _files_in(folder, further) if path not in self.links]
            if files and not any(path.suffix in _METADATA for path in files):
                self._link(folder, further)


def main() -> None:
    """Do it, and print which of the distribution's packages are needed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="the folder that stands for /")
    parser.add_argument("--wheels", type=Path, required=True, help="a folder with wheels and their requirements.txt")
    parser.add_argument("--distribution", type=Path, help="where the distribution's Python libraries lie")
    parser.add_argument("--licences", type=Path, help="a file to write, with those of the libraries that are bundled")
    options = parser.parse_args()
    libraries = Libraries(options.wheels, options.distribution)
    for dependency in dependencies():
        libraries.provide(Requirement(dependency))
    if options.licences:
        options.licences.write_text(libraries.licences())
    _environment(options.root, libraries)
    _programs(options.root)
    for folder, pattern in FILES.items():
        for file in sorted(Path("packaging").glob(pattern)):
            _put(options.root / folder / file.name, file.read_text())
    python = str(options.root / HOME / "bin/python")
    _run(python, "-I", "-B", "packaging/describe_commands.py", str(options.root / "usr/share"))
    print("\n".join(libraries.linked))  # the caller reads it


def _environment(root: Path, libraries: Libraries) -> None:
    base = Path(sys.base_prefix) / "bin" / f"python{sysconfig.get_python_version()}"
    gi_folder = Path(_output(str(base), "-c", "import gi; print(gi.__path__[0])").strip()).parent
    (root / HOME / "bin").mkdir(parents=True)
    (root / HOME / "bin/python").symlink_to(base)
    _put(root / HOME / "pyvenv.cfg", f"home = {base.parent}\ninclude-system-site-packages = false\n")
    target = root / LIBRARIES
    target.mkdir(parents=True)
    for path in [*libraries.links, *(gi_folder / name for name in ALWAYS_LINKED)]:
        (target / path.name).symlink_to(path)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-index", "--no-deps"]
    into = [*pip, "install", *offline, "--no-compile", "--target", str(target)]
    with tempfile.TemporaryDirectory() as made:
        wanted = Path(made) / "requirements.txt"
        lock = locked((libraries.wheels / "requirements.txt").read_text())
        wanted.write_text("".join(lock[name] for name in libraries.bundled))
        _run(*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", made, ".")
        _run(*into, *map(str, Path(made).glob("tsunagu-*.whl")))
        shutil.rmtree(target / "bin")  # our commands are made below, and nobody needs the libraries'
        _run(*into, "--find-links", str(libraries.wheels), "--require-hashes", "--requirement", str(wanted))
        shutil.rmtree(target / "bin", ignore_errors=True)
    for path in target.rglob("*"):
        if path.name in ("direct_url.json", "RECORD"):  # they tell of temporary folders
            path.unlink()
        elif path.is_file() and not path.is_symlink():
            path.chmod(0o644)  # some libraries call some of their modules programs
            if path.suffix == ".py" and (text := path.read_bytes()).startswith(b"#!"):
                path.write_bytes(b"#" + text[text.index(b"\n") :])


def _programs(root: Path) -> None:
    for name, module in PROGRAMS.items():
        _put(root / name, f'#!/bin/sh\nexec /{HOME}/bin/python -I -m {module} "$@"\n', 0o755)


def dependencies() -> list[str]:
    """Those of the project, the optional ones too."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    return sum(project["optional-dependencies"].values(), project["dependencies"])


def locked(text: str) -> dict[str, str]:
    """The parts of a lock file by the libraries' names, each with its hashes."""
    parts = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    return {canonicalize_name(part.split("==")[0]): part for part in parts if "==" in part}


def _named(name: str, among: Iterable[Distribution]) -> Distribution | None:
    return next((one for one in among if one.name and canonicalize_name(one.name) == name), None)


def _files_in(folder: Path, package: str) -> list[Path]:
    """The Debian package's, as far as it is installed."""
    found = subprocess.run(["dpkg-query", "--listfiles", package], capture_output=True, text=True, check=False)
    return [path for line in found.stdout.splitlines() if (path := Path(line)).parent == folder]


def _is_of(path: Path, found: Distribution) -> bool:
    name = path.name.partition("-")[0]
    return path.suffix in _METADATA and canonicalize_name(name) == canonicalize_name(found.name)


def _put(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
