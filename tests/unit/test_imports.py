"""What our programs do without: memory, and code in root's process that is not ours to answer for."""

import subprocess
import sys

import pytest


def loaded(module: str) -> set[str]:
    """All that a program has in it when it has begun."""
    code = f"import {module}, sys; print(*sys.modules)"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("program", ["tsunagu_tray.__main__", "tsunagu_tray.cli", "tsunagu_helper.__main__"])
def test_no_program_of_ours_but_the_windows_loads_glib_or_a_toolkit(program: str) -> None:
    assert not loaded(program) & {"gi", "gi.repository", "gi.repository.GLib", "Xlib", "tkinter"}


def test_the_tray_draws_without_pictures_formats() -> None:
    assert not {name for name in loaded("tsunagu_tray.__main__") if name.endswith("ImagePlugin")}


def test_who_wants_glib_beside_the_bus_has_it() -> None:
    code = "import tsunagu_dbus, sys; assert 'gi' not in sys.modules; import gi"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=True)
