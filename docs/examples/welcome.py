"""Log in to a SoftEther VPN server and print its welcome: welcome.py HOST HUB USER SERVER.pem < password.txt."""

import socket
import ssl
import sys
from random import SystemRandom

from tsunagu.model import Secret
from tsunagu_tunnel.softether.auth import StandardPassword
from tsunagu_tunnel.softether.handshake import Login, LoginHandshake, Welcome

host, hub, user, certificate = sys.argv[1:]
credentials = StandardPassword(Secret(sys.stdin.readline().rstrip("\n")))
login = Login(hub=hub, username=user, credentials=credentials, machine_id=bytes(16))

context = ssl.create_default_context(cafile=certificate)
context.check_hostname = False  # servers sign their own certificate, seldom with their name: this very one is trusted
with context.wrap_socket(socket.create_connection((host, 443))) as tls:
    address, port = tls.getpeername()[:2]
    handshake = LoginHandshake(login, address=address, port=port, random=SystemRandom())
    welcome = None
    while not isinstance(welcome, Welcome):
        tls.sendall(handshake.data_to_send())
        for event in handshake.receive_data(tls.recv(65536)):  # TunnelError: the server refuses, and says why
            welcome = event

session = welcome.session
print(f"{session.server_product} {session.server_version / 100:.2f} build {session.server_build}")
print(f"session {session.session_name}, up to {session.max_carriers} TCP connections")
print(session.message)
