"""What each command of ``tsunagu`` does, by the name of its method."""

from tsunagu_tray.commands_files import FileCommands
from tsunagu_tray.commands_machine import MachineCommands
from tsunagu_tray.commands_saved import SavedCommands
from tsunagu_tray.commands_sessions import SessionCommands


class Commands(SavedCommands, FileCommands, SessionCommands, MachineCommands):
    """All of them."""
