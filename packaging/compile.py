"""Compile, while the wheel is built, the translations, and the data path where that is possible.

Alone: ``compile.py`` does the translations in place; ``compile.py MODULE [FLAG...]`` does the data path.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("helper/tsunagu_tunnel/fastpath.pyx")
CATALOGUES = Path("tray/tsunagu_tray/locale")


class Compile(BuildHookInterface[Any]):
    """Hatchling's hook: beside the sources for an editable install, else in the wheel alone."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling passes both
        """Before the wheel is put together."""
        compile_catalogues(Path(self.root))
        build_data["artifacts"].append(f"{CATALOGUES}/*/LC_MESSAGES/*.mo")
        module = SOURCE.with_name(f"{SOURCE.stem}{sysconfig.get_config_var('EXT_SUFFIX')}")
        try:
            compile_module(Path(self.root) / SOURCE, Path(self.root) / module)
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"The data path stays plain Python, for nothing could be compiled: {error}")
            return
        build_data["artifacts"].append(str(module))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def compile_catalogues(root: Path) -> None:
    """``po/LANGUAGE.po`` to what gettext reads; what is marked as fuzzy stays out."""
    for source in sorted((root / "po").glob("*.po")):
        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.stem)
        compiled = root / CATALOGUES / source.stem / "LC_MESSAGES/tsunagu.mo"
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with compiled.open("wb") as file:
            write_mo(file, catalogue)


def compile_module(source: Path, module: Path, *flags: str) -> None:
    """Cython, then the C compiler with these further flags.

    Raises:
        ImportError: there is no Cython.
        OSError, subprocess.CalledProcessError: there is no compiler or no Python.h, or they failed.
    """
    from Cython.Compiler.Main import compile as cythonize

    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    with tempfile.TemporaryDirectory() as folder:
        c = str(Path(folder) / f"{source.stem}.c")
        if cythonize(str(source), output_file=c).num_errors:
            raise OSError("Cython refused the source")
        include = f"-I{sysconfig.get_path('include')}"
        packagers = " ".join(os.environ.get(name, "") for name in ("CPPFLAGS", "CFLAGS", "LDFLAGS")).split()
        new = module.with_name(f".{module.name}.new")
        command = [
            *compiler,
            "-O3",
            "-fPIC",
            "-shared",
            "-fno-strict-aliasing",
            *packagers,
            "-g0",
            f"-ffile-prefix-map={folder}=.",  # the same module, wherever it is made
            include,
            *flags,
            c,
            "-o",
            str(new),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        new.replace(module)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        compile_module(SOURCE, Path(sys.argv[1]), *sys.argv[2:])
    else:
        compile_catalogues(Path())
