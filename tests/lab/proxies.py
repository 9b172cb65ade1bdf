"""Real proxies on the lab server's machine, as Debian has them: tinyproxy (HTTP), Dante (SOCKS4), MicroSocks (SOCKS5).

From there they reach ``HIDDEN``, which the client does not.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.lab.server import SERVER, VpnServer
from tests.lab.waiting import wait_for
from tsunagu.model import Proxy, ProxyKind

USER, PASSWORD = "mika", "open-sesame"

_ports = itertools.count(3128)

_TINYPROXY = """\
Listen {address}
Port {port}
Timeout 600
LogLevel Info
"""
_DANTE = """\
logoutput: stderr
internal: {address} port = {port}
external: veth-srv
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: root
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"""


@contextmanager
def proxy(server: VpnServer, kind: ProxyKind, *, with_password: bool = False) -> Iterator[Proxy]:
    """One of that kind for the time of a ``with``; with a password, it lets nobody but USER through."""
    made = Proxy(kind=kind, host=SERVER, port=next(_ports), username=USER if with_password else "")
    name = f"proxy-{made.port}"
    configuration = Path(server.folder, f"{name}.conf")
    match kind:
        case ProxyKind.HTTP:
            account = f"BasicAuth {USER} {PASSWORD}\n" if with_password else ""
            configuration.write_text(_TINYPROXY.format(address=SERVER, port=made.port) + account)
            command = ["tinyproxy", "-d", "-c", str(configuration)]
        case ProxyKind.SOCKS4:
            configuration.write_text(_DANTE.format(address=SERVER, port=made.port))
            command = ["danted", "-f", str(configuration), "-p", f"{configuration}.pid"]
        case ProxyKind.SOCKS5:
            account = f"-u {USER} -P" if with_password else ""
            command = ["microsocks", "-i", SERVER, "-p", str(made.port), *account.split()]
            command += [PASSWORD] if with_password else []
    program = server.start_program(name, *command)
    try:
        wait_for(
            lambda: f"{SERVER}:{made.port} " in server.run(server.srv, "ss", "-Hltn").stdout, 10, f"{kind.value} proxy"
        )
        yield made
    finally:
        server.end_program(program)


def stranger(made: Proxy) -> Proxy:
    """The same proxy, by somebody it does not know."""
    return replace(made, username="jun")
