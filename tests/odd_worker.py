"""A worker for tests: speaks control messages, well or badly, as its first argument says.  Standard library only."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from typing import Any

SESSION = {
    "server_address": "203.0.113.5", "server_port": 443, "server_product": "Test\x1b[31m Server", "server_version": 501,
    "server_build": 9999, "session_name": "SID-ALICE-1", "connection_name": "CID-1", "session_key": "00" * 20,
    "message": "Welcome\nall", "policy": {"MaxMac": 3},
}  # fmt: skip
LEASE = {"address": "192.168.77.23", "prefix_length": 24, "server": "192.168.77.1", "lifetime_s": 600}
STATISTICS = {"carriers": 1, "sent": {"unicast_packets": 5}, "received": {}, "wire_sent_octets": 100}

arguments = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
control = socket.socket(fileno=int(arguments["--control-fd"]))


def say(kind: str, **content: object) -> None:
    """One message to the helper."""
    control.send(json.dumps({"type": kind, **content}).encode())


def hear() -> dict[str, Any]:
    """One message from the helper; it is gone: leave."""
    data = control.recv(131072)
    if not data:
        sys.exit(0)
    message: dict[str, Any] = json.loads(data)
    return message


def establish() -> None:
    """An attempt that goes well."""
    say("Progress", phase="connecting", detail="203.0.113.5")
    say("Established", session=SESSION)
    say("Leased", lease=LEASE)


def serve() -> None:
    """Answer until told to stop."""
    while (kind := hear()["type"]) != "Stop":
        if kind == "ReportStatistics":
            say("StatisticsReport", statistics=STATISTICS)


if sys.argv[1] == "fails before it hears":
    say("Failed", code=23, detail="as it was")
    sys.exit(2)
start = hear()
match sys.argv[1]:
    case "good":
        establish()
        serve()
    case "changes password":
        say("PasswordChanged")
    case "lists hubs":
        say("HubsListed", hubs=["LAB", "STAFF"])
    case "surroundings":
        print(json.dumps([sorted(os.environ), os.getcwd(), os.getsid(0) == os.getpid()]), file=sys.stderr)
        print(json.dumps(sorted(os.listdir("/proc/self/fd"))), file=sys.stderr)
        frame = os.read(int(arguments["--tap-fd"]), 3).decode()
        print(json.dumps([start["secrets"]["password"], frame]), file=sys.stderr)
        say("Failed", code=1)
    case "fails":
        say("Failed", code=9, detail="as\nasked")
    case "untrusted":
        say("Failed", code=85, certificate="REVS")
    case "fails-and-stays":
        say("Failed", code=1)
        time.sleep(600)
    case "crashes":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        establish()
        os.kill(os.getpid(), signal.SIGSEGV)
    case "raises":
        raise RuntimeError("a bug\x1b[31m")
    case "closes-and-stays":
        control.close()
        time.sleep(600)
    case "ignores-stop":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        establish()
        while True:
            hear()
    case "ignores-statistics":
        establish()
        while hear()["type"] != "Stop":
            pass
    case "garbage":
        control.send(b"\x80\x81 not json")
        time.sleep(600)
    case "too-long":
        control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400_000)
        control.send(b" " * 140_000)
        time.sleep(600)
    case "flood":
        while True:
            say("Progress", phase="connecting", detail="x" * 1000)
    case "chatter":
        for _ in range(5000):
            print("x" * 1000, file=sys.stderr)
        say("Failed", code=1)
    case "leaves-a-child":
        child = subprocess.Popen(["sleep", "600"])
        say("Progress", phase="connecting", detail="child")
        print(child.pid, file=sys.stderr, flush=True)
    case raw:
        control.send(raw.encode())  # this very message
        time.sleep(600)
