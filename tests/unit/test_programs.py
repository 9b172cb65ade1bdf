"""Programs that we start take no module from the folder in which somebody has started us."""

import subprocess
from pathlib import Path

from tsunagu_tray.programs import our_program


def test_a_folder_of_downloads_gives_no_module(tmp_path: Path) -> None:
    for name in ("gi", "json", "tsunagu"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'taken')!r}, 'w').close()\n")

    done = subprocess.run(
        our_program("tsunagu_tray.cli", "--version"), cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.stdout.startswith("tsunagu "), done.stderr
    assert not (tmp_path / "taken").exists()
