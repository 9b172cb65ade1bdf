"""``python -m tests.lab.log_in``: a ``Start`` on standard input; prints the ``Established`` or ``Failed`` it led to.

The worker's own way to a session, without NIC and helper.
"""

import sys
from random import SystemRandom

from tsunagu.control import Established, Failed, Start, decode, encode
from tsunagu.errors import TunnelError
from tsunagu_tunnel.connect import Dialler
from tsunagu_tunnel.dial import Dial, Limits
from tsunagu_tunnel.loop import Loop


def main() -> None:
    """Log in, print, leave."""
    start = decode(sys.stdin.buffer.read())
    assert isinstance(start, Start)
    dialler = Dialler(lambda _phase, _detail: None, limits=Limits(), random=SystemRandom())
    answers: list[bytes] = []

    def attempt() -> Dial[None]:
        opened = yield from dialler.open_session(start)
        opened.stream.close()
        if opened.udp:
            opened.udp[0].socket.close()
        answers.append(encode(Established(session=opened.session)))

    loop = Loop()
    try:
        loop.start(attempt())
        while not answers:
            loop.run_once(float("inf"))
    except TunnelError as error:
        answers.append(encode(Failed(code=error.code, detail=error.detail)))
    finally:
        loop.close()
    print(answers[0].decode())


if __name__ == "__main__":
    main()
