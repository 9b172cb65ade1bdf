"""What answers on the network behind the hub: ``lan_host.py FOLDER HTTP_PORT ECHO_PORT``, files and an echo."""

import functools
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Echo(StreamRequestHandler):
    """Sends each line back."""

    def handle(self) -> None:
        """One connection."""
        for line in self.rfile:
            self.wfile.write(line)


def main(folder: str, http_port: str, echo_port: str) -> None:
    """Serve for ever."""
    files = functools.partial(SimpleHTTPRequestHandler, directory=folder)
    ThreadingTCPServer.allow_reuse_address = True
    echo = ThreadingTCPServer(("", int(echo_port)), Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("", int(http_port)), files).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
