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

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False  # servers sign their own certificate, seldom with their name: this very one is trusted
context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
context.load_verify_locations(certificate)
with context.wrap_socket(socket.create_connection((host, 443))) as tls:
    handshake = LoginHandshake(login, address=tls.getpeername()[0], port=443, random=SystemRandom())
    welcome = None
    while not isinstance(welcome, Welcome):
        tls.sendall(handshake.data_to_send())
        for event in handshake.receive_data(tls.recv(65536)):  # TunnelError: the server refuses, and says why
            welcome = event

it = welcome.session
print(f"{it.server_product} {it.server_version / 100:.2f} build {it.server_build}")
print(it.session_name, it.message, sep="\n")
