"""Files that a person chooses: read whole, or written anew."""

from collections.abc import Callable
from pathlib import Path

from tsunagu.errors import InvalidSettings, VpnError
from tsunagu_tray.windows.toolkit import Gtk

MAX_FILE = 1 << 20  # octets; certificates, keys and settings have some thousand

Failed = Callable[[VpnError], None]

_open_choosers: list[Gtk.FileChooserNative] = []  # the toolkit keeps no reference of its own


def choose_file(parent: Gtk.Window, title: str, then: Callable[[bytes], None], failed: Failed) -> None:
    """Let the person choose a file; ``then`` gets what is in it."""
    _choose(parent, title, Gtk.FileChooserAction.OPEN, "", lambda path: read_file(path, then, failed))


def save_file(parent: Gtk.Window, title: str, name: str, data: bytes, failed: Failed) -> None:
    """Let the person choose where this goes."""

    def write(path: Path) -> None:
        try:
            path.write_bytes(data)
        except OSError as error:
            failed(InvalidSettings(f"The file cannot be written: {error.strerror}"))

    _choose(parent, title, Gtk.FileChooserAction.SAVE, name, write)


def read_file(path: Path, then: Callable[[bytes], None], failed: Failed) -> None:
    """What is in a file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE)
    except OSError as error:
        failed(InvalidSettings(f"The file cannot be read: {error.strerror}"))
    else:
        then(data)


def _choose(
    parent: Gtk.Window, title: str, action: Gtk.FileChooserAction, name: str, then: Callable[[Path], None]
) -> None:
    chooser = Gtk.FileChooserNative(title=title, transient_for=parent, action=action, modal=True)
    if name:
        chooser.set_current_name(name)

    def responded(_chooser: Gtk.FileChooserNative, response: int) -> None:
        _open_choosers.remove(chooser)
        if response == Gtk.ResponseType.ACCEPT and (path := chooser.get_file().get_path()):
            then(Path(path))

    chooser.connect("response", responded)
    _open_choosers.append(chooser)
    chooser.show()
