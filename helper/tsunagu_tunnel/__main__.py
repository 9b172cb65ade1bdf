"""Takes the TAP and the control socket, gives up all privileges, confines itself, then runs one attempt."""

import argparse
import contextlib
import logging
import os
import signal
import socket
import sys
from random import SystemRandom

from tsunagu.control import Failed, encode
from tsunagu_tunnel.confinement import confine
from tsunagu_tunnel.privileges import PrivilegesRemain, drop_privileges
from tsunagu_tunnel.worker import Worker

LOG = logging.getLogger("tsunagu_tunnel")

UNEXPECTED = 23  # of the error table
NICENESS = -20  # as the reference client has it: a tunnel must not be the slowest part of a busy machine's network


def main() -> int:
    """Run; the exit status is 0 after an orderly end, 1 after a failed attempt, 2 if it could not begin."""
    parser = argparse.ArgumentParser(prog="tsunagu_tunnel", description=__doc__)
    parser.add_argument("--tap-fd", type=int, help="inherited descriptor of the TAP, where there is one")
    for name, what in (
        ("control-fd", "inherited descriptor of the socket to the helper"),
        ("uid", "user to become"),
        ("gid", "group to become"),
    ):
        parser.add_argument(f"--{name}", type=int, required=True, help=what)
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s", level=logging.INFO)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the helper, which then tells us
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    # What is imported late, and may lie where only root can read.
    "a".encode("idna")
    control = socket.socket(fileno=arguments.control_fd)
    try:
        drop_privileges(arguments.uid, arguments.gid)
        confine()
    except PrivilegesRemain as error:
        LOG.critical("not started: %s", error)
        control.send(encode(Failed(code=UNEXPECTED, detail=str(error))))
        return 2
    return Worker(control, arguments.tap_fd, random=SystemRandom()).run()


if __name__ == "__main__":
    sys.exit(main())
