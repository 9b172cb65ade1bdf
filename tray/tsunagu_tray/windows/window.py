"""What all window programs share: a question from stdin, one dialog, the answer to stdout, the end with stdin's end."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from tsunagu_tray.windows.attention import come_up
from tsunagu_tray.windows.toolkit import (
    CONTENT_WIDTH,
    ICON_NAME,
    Adw,
    Gio,
    GLib,
    Gtk,
    facts,
    label,
    own_texts,
    use_style,
)

__all__ = ["CONTENT_WIDTH", "Adw", "Gtk", "Window", "facts", "label"]

APPLICATION_ID = ICON_NAME  # of the .desktop file, so that docks show our name and icon


class Window:
    """Runs one dialog.  Whatever closes it without an answer is Cancel."""

    def __init__(self, build: "Callable[[Window], Adw.MessageDialog]") -> None:
        self.texts = own_texts()
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # what a library prints is not an answer
        self.question: dict[str, Any] = json.loads(sys.stdin.buffer.readline() or b"{}")
        self._build = build
        self._application = Adw.Application(application_id=APPLICATION_ID, flags=Gio.ApplicationFlags.NON_UNIQUE)
        self._application.connect("activate", self._activate)

    def run(self) -> int:
        """Show it until it is answered, cancelled, or nobody waits any longer."""
        GLib.set_prgname(APPLICATION_ID)
        return int(self._application.run([]))

    def answer(self, values: dict[str, Any]) -> None:
        """Give the answer and leave."""
        self._answers.write(json.dumps(values) + "\n")
        self._answers.flush()
        self._application.quit()

    def cancel(self) -> None:
        """Leave without one."""
        self._application.quit()

    def _activate(self, application: Adw.Application) -> None:
        use_style()
        dialog = self._build(self)
        dialog.set_application(application)
        dialog.set_title("Tsunagu")
        dialog.set_icon_name(APPLICATION_ID)
        GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, self._stdin_closed)
        come_up(dialog, self.question.get("wanted_at", time.monotonic()))

    def _stdin_closed(self, _source: int, _condition: GLib.IOCondition) -> bool:
        if os.read(0, 4096):
            return True
        self.cancel()
        return False
