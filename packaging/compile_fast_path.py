"""Compile the data path while the wheel is built; where that is not possible, Tsunagu does without it."""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("helper/tsunagu_tunnel/fastpath.pyx")


class CompileFastPath(BuildHookInterface[Any]):
    """Hatchling's hook: beside the source for an editable install, else in the wheel alone."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling passes both
        """Before the wheel is put together."""
        module = SOURCE.with_name(f"{SOURCE.stem}{sysconfig.get_config_var('EXT_SUFFIX')}")
        try:
            compile_module(Path(self.root) / SOURCE, Path(self.root) / module)
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"The data path stays plain Python, for nothing could be compiled: {error}")
            return
        build_data["artifacts"].append(str(module))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


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
    compile_module(SOURCE, Path(sys.argv[1]), *sys.argv[2:])
