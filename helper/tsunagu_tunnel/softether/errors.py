"""What goes wrong inside the protocol, as errors of the one table."""

from tsunagu.errors import TunnelError


class ProtocolError(TunnelError):
    """The peer broke the protocol (code 4) or is no VPN server at all (code 2).  Close the connection."""

    def __init__(self, detail: str, code: int = 4) -> None:
        super().__init__(code, detail)
