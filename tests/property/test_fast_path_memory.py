"""The compiled data path keeps to its memory and gives back what it took: its tests again, under AddressSanitizer."""

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reference_path import VNET

pytest.importorskip("tsunagu_tunnel.fastpath", reason="there was no compiler")

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "helper/tsunagu_tunnel/fastpath.pyx"
RUN = """
import importlib.util, sys
import pytest
spec = importlib.util.spec_from_file_location("tsunagu_tunnel.fastpath", sys.argv[1])
import tsunagu_tunnel
sys.modules[spec.name] = tsunagu_tunnel.fastpath = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tsunagu_tunnel.fastpath)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-W", "ignore", *sys.argv[2:]]))
"""


@pytest.mark.timeout(600)
def test_no_octet_beyond_its_buffers_is_touched(tmp_path: Path) -> None:
    module = tmp_path / "fastpath.so"
    flags = ["-fsanitize=address", "-fno-omit-frame-pointer", "-O1"]
    subprocess.run([sys.executable, "packaging/compile.py", str(module), *flags], check=True, cwd=ROOT)
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout
    environment = os.environ | {
        "LD_PRELOAD": library.strip(),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=99",  # the interpreter never frees all
        "PYTHONMALLOC": "malloc",
    }
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            RUN,
            str(module),
            *(f"{Path(__file__).parent}/test_fast_path{part}.py" for part in ("", "_link", "_datagrams")),
        ],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    assert "AddressSanitizer" not in done.stderr


def test_memory_is_given_back() -> None:
    from tsunagu_tunnel import fastpath

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)

        def use() -> None:
            tap = fastpath.Tap(ours.fileno())
            feeder = tap.feeder(dhcp=True)
            theirs.send(bytes(VNET.size) + bytes(200))
            feeder.feed(memoryview(b"\0\0\0\1\0\0\0\x14" + bytes(20)))
            theirs.recv(1000)
            assert len(tap.read_block()) == 208

        for _ in range(200):  # what the interpreter keeps
            use()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(2000):  # each takes more than half a megabyte
            use()

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes
