"""``stage.py FOLDER``: make ready in a folder what a package is built from without a network.

That is what git tracks or will, the wheels of all that is needed to build and to run, and Debian's folder where Debian
looks for it, with a changelog: the version from ``shared/tsunagu/__init__.py``, the date of the last commit.  What
software centres tell of each version is the first paragraph of CHANGELOG.md on it.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib.metadata import requires
from pathlib import Path
from xml.sax.saxutils import escape

from install_tree import dependencies, locked
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

GIT = ("git", "-c", "safe.directory=*")  # whoever owns the checkout


def main() -> None:
    """Do it."""
    folder, date = Path(sys.argv[1]), _date()
    shutil.rmtree(folder, ignore_errors=True)
    names = [*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    tracked = subprocess.run(names, check=True, stdout=subprocess.PIPE, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if Path(name).exists():  # or its removal is not committed yet
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, folder / name)
            os.utime(folder / name, (date, date))
    (folder / "packaging/debian").rename(folder / "debian")
    (folder / "debian/changelog").write_text(_changelog(date))
    metainfo = folder / "packaging/desktop/org.tsunagu.Window.metainfo.xml"
    told = releases(Path("CHANGELOG.md").read_text(), date)
    metainfo.write_text(metainfo.read_text().replace("  <releases/>\n", told))
    build_system = tomllib.loads(Path("pyproject.toml").read_text())["build-system"]
    lock = locked(Path("requirements.lock").read_text())
    build = needed(build_system["requires"])
    lists = {"build.txt": build, "requirements.txt": build | needed(dependencies())}
    (folder / "wheels").mkdir()
    for file, names in lists.items():
        (folder / "wheels" / file).write_text("".join(lock[name] for name in sorted(names)))
    download = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    where = ["--require-hashes", "--requirement", f"{folder}/wheels/requirements.txt", "--dest", f"{folder}/wheels"]
    subprocess.run([sys.executable, "-m", "pip", *download, *where], check=True)


def needed(requirements: list[str]) -> set[str]:
    """The names of these libraries, and of those that they need; all are in the Python that runs this."""
    names: set[str] = set()
    left = [*requirements]
    while left:
        requirement = Requirement(left.pop())
        name = canonicalize_name(requirement.name)
        if name not in names and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            names.add(name)
            left += requires(name) or []
    return names


def version() -> str:
    """The one place where it is written."""
    [found] = re.findall(r'^__version__ = "(.+)"$', Path("shared/tsunagu/__init__.py").read_text(), re.MULTILINE)
    return str(found)


def releases(changes: str, date: int) -> str:
    """AppStream's element; a version that is not released yet has the date of the last commit."""
    text = "  <releases>\n"
    for number, when, said in re.findall(r"^## (\S+) \((.+?)\)\n\n(.+?)\n\n", changes, re.MULTILINE | re.DOTALL):
        is_out = re.fullmatch(r"\d{4}-\d\d-\d\d", when)
        day = when if is_out else f"{datetime.fromtimestamp(date, UTC):%Y-%m-%d}"
        kind = "stable" if is_out else "development"
        text += (
            f'    <release version="{number}" date="{day}" type="{kind}">\n'
            f"      <description><p>{escape(' '.join(said.split()))}</p></description>\n    </release>\n"
        )
    return text + "  </releases>\n"


def _date() -> int:
    """Of the last commit: what is built from the same commit is the same, whenever and wherever."""
    seconds = subprocess.run([*GIT, "log", "-1", "--format=%ct"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(seconds)


def _changelog(date: int) -> str:
    """One entry: what has changed is told in CHANGELOG.md, which the package has too."""
    system = platform.freedesktop_os_release()
    short = {"debian": "deb"}.get(system["ID"], system["ID"])
    return (
        f"tsunagu ({version()}~{short}{system['VERSION_ID']}) unstable; urgency=medium\n\n"
        "  * See /usr/share/doc/tsunagu/CHANGELOG.md.gz.\n\n"
        f" -- Tsunagu developers <tsunagu@example.org>  {format_datetime(datetime.fromtimestamp(date, UTC))}\n"
    )


if __name__ == "__main__":
    main()
