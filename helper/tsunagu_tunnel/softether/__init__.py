"""The SoftEther SSL-VPN protocol, client's side: bytes in, events out.  No socket, no clock, no thread."""
