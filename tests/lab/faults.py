"""Servers that are not what a VPN client hopes for, on the lab server's machine.

``with fault(server, "ssh") as port:`` has one; the kinds are the functions below.
``python -m tests.lab.faults KIND PORT [NUMBER]`` runs one by itself.
"""

import datetime as dt
import functools
import itertools
import socket
import ssl
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.lab.server import VpnServer
from tests.lab.waiting import wait_for

VPN_SERVER = ("127.0.0.1", 443)  # what the relays stand before
_ports = itertools.count(9001)


@contextmanager
def fault(server: VpnServer, kind: str, number: int = 0) -> Iterator[int]:
    """A server of this kind for the time of a ``with``; its port."""
    port = next(_ports)
    program = server.start_program(
        f"fault-{port}", sys.executable, "-m", "tests.lab.faults", kind, f"{port}", f"{number}"
    )
    try:
        wait_for(lambda: f":{port} " in server.run(server.srv, "ss", "-Hltn").stdout, 30, f"the {kind} server")
        yield port
    finally:
        server.end_program(program)


# -- kinds: each gets a connection and the number ----------------------------------------------------------------------


def silent(client: socket.socket, _number: int) -> None:
    """Takes the connection and never says a word."""
    while client.recv(65536):
        pass


def closing(client: socket.socket, _number: int) -> None:
    """Hangs up at once."""
    client.shutdown(socket.SHUT_WR)
    silent(client, 0)


def resetting(client: socket.socket, _number: int) -> None:
    """Hangs up at once, and rudely."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def ssh(client: socket.socket, _number: int) -> None:
    """Says what an SSH server says."""
    client.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
    silent(client, 0)


def http(client: socket.socket, _number: int) -> None:
    """A web server without TLS, as it answers a TLS client."""
    client.recv(65536)
    client.sendall(
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<h1>Bad Request</h1>"
    )


def https(client: socket.socket, _number: int) -> None:
    """A web server with TLS: a sign-in page of a hotel, say."""
    with _tls(client) as tls:
        while request := tls.recv(65536):
            if b"\r\n\r\n" in request or b"VPNCONNECT" in request:
                page = b"<html><title>Welcome to the Grand Hotel</title></html>"
                tls.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)
                )


def garbage(client: socket.socket, number: int) -> None:
    """TLS, and then ``number`` octets without sense in an answer of the right form."""
    with _tls(client) as tls:
        tls.recv(65536)
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % number)
        for _ in range(0, number, 65536):
            tls.sendall(b"\xff" * min(number, 65536))
        silent(tls, 0)


def tls_garbage(client: socket.socket, _number: int) -> None:
    """Something like a TLS record, but not quite."""
    client.recv(65536)
    client.sendall(b"\x16\x03\x03\x40\x00" + b"\xff" * 0x4000)
    silent(client, 0)


def cutting(client: socket.socket, number: int) -> None:
    """The real server, until that many octets have come from it."""
    _relay(client, number, stall=False)


def stalling(client: socket.socket, number: int) -> None:
    """Likewise, but then it just falls silent."""
    _relay(client, number, stall=True)


KINDS: dict[str, Callable[[socket.socket, int], None]] = {
    kind.__name__.replace("_", "-"): kind
    for kind in (silent, closing, resetting, ssh, http, https, garbage, tls_garbage, cutting, stalling)
}


# -- the inside --------------------------------------------------------------------------------------------------------


def _relay(client: socket.socket, octets: int, *, stall: bool) -> None:
    with socket.create_connection(VPN_SERVER) as server:
        upward = threading.Thread(target=_pump, args=(client, server), daemon=True)
        upward.start()
        while octets and (data := server.recv(min(octets, 65536))):
            client.sendall(data)
            octets -= len(data)
        if stall:
            upward.join()
        client.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def _tls(client: socket.socket) -> ssl.SSLSocket:
    return _tls_context().wrap_socket(client, server_side=True)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """With a certificate of its own that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hotel.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        file.flush()
        context.load_cert_chain(Path(file.name))
    return context


def main(kind: str, port: str, number: str = "0") -> None:
    """Serve for ever, each connection in a thread."""

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            KINDS[kind](client, int(number))

    with socket.create_server(("", int(port))) as listening:
        while True:
            client, _address = listening.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
