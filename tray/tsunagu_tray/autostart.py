"""Whether the desktop starts the tray at log-in: the user's entry over the system's (XDG Autostart Specification)."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tsunagu_tray.preferences import config_home
from tsunagu_tray.programs import our_program
from tsunagu_tray.user_file import remove, write_whole

ENTRY = "autostart/org.tsunagu.Tray.desktop"


class Autostart:
    """Looks at the files anew each time: desktops have dialogs that change them too."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        folders = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
        self._user = config_home(environ) / ENTRY
        self._system = [Path(folder) / ENTRY for folder in folders if folder]

    @property
    def is_on(self) -> bool:
        """As the desktop will see it: the first entry counts, alone."""
        return _starts(next(filter(Path.is_file, (self._user, *self._system)), None))

    def switch(self, on: bool) -> None:
        """Have it started from the next log-in on, or no more.

        Raises:
            StorageFailed: the user's entry could not be written.
        """
        of_system = next(filter(Path.is_file, self._system), None)
        if on == _starts(of_system):
            remove(self._user)
        else:
            write_whole(self._user, _entry(hidden=not on))


def _starts(entry: Path | None) -> bool:
    if entry is None:
        return False
    try:
        text = entry.read_text(errors="replace")
    except OSError:
        return False
    group = text.partition("[Desktop Entry]")[2].partition("\n[")[0]
    values = dict(re.findall(r"^([A-Za-z-]+)[ \t]*=[ \t]*(\S*)", group, re.MULTILINE))
    return values.get("Hidden") != "true" and values.get("X-GNOME-Autostart-enabled") != "false"


def _entry(*, hidden: bool) -> str:
    command = shutil.which("tsunagu-tray")
    words = [command] if command else our_program("tsunagu_tray")
    lines = ["[Desktop Entry]", "Type=Application", "Name=Tsunagu", "Icon=org.tsunagu.Tray", f"Exec={_quoted(words)}"]
    return "\n".join([*lines, f"Hidden={str(hidden).lower()}", ""])


def _quoted(words: list[str]) -> str:
    """As Exec takes them (Desktop Entry Specification): its rules of quoting, then those of any string in the file."""
    quoted = ['"' + re.sub(r'(["`$\\])', r"\\\1", word).replace("%", "%%") + '"' for word in words]
    return " ".join(quoted).replace("\\", "\\\\")
