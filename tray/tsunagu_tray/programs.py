"""How a program of ours starts another one."""

import sys


def our_program(module: str, *arguments: str) -> list[str]:
    """This Python with that module, isolated as we are, and in any case without the current folder on its path.

    A window that is opened in a folder of downloads takes no module from there.
    """
    isolation = "-I" if sys.flags.isolated else "-P"
    return [sys.executable, isolation, "-m", module, *arguments]
