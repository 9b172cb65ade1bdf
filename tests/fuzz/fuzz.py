"""``python -m tests.fuzz.fuzz TARGET [OPTION]...``: one target, with libFuzzer's options, until it finds something."""

import sys

import atheris

with atheris.instrument_imports(
    include=["tsunagu", "tsunagu_tunnel", "tsunagu_helper", "tsunagu_tray.traffic", "tsunagu_dbus"]
):
    from tests.fuzz.targets import TARGETS

name, *options = sys.argv[1:]
atheris.Setup([sys.argv[0], *options], next(target for target in TARGETS if target.__name__ == name))
atheris.Fuzz()
