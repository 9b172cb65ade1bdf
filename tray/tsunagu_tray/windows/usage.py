"""The options of ``tsunagu-window``; needs no toolkit."""

import argparse

from tsunagu import __version__


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser(prog="tsunagu-window", description="The windows of the Tsunagu VPN client.")
    parser.add_argument("--version", action="version", version=f"tsunagu {__version__}")
    parser.add_argument("file", metavar="FILE", nargs="?", help="import the connection in this .vpn file")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--details", metavar="NAME", help="show the status of this connection")
    what.add_argument("--settings", metavar="NAME", help="show the settings of this connection")
    what.add_argument("--preferences", action="store_true", help="show what counts for all connections")
    what.add_argument("--new", action="store_true", help="make a new connection")
    return parser
