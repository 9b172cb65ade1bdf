"""``python half_dns.py ADDRESS``: a name server that knows every name by that IPv4 address, and says nothing else."""

import socket
import sys

_A = b"\0\1\0\1"  # type and class of a question about IPv4


def main() -> None:
    """Answer for ever."""
    address = socket.inet_aton(sys.argv[1])
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind((sys.argv[1], 53))
    while True:
        query, asker = line.recvfrom(512)
        end = query.index(0, 12) + 1  # of the name that is asked about
        if query[end : end + 4] == _A:
            head = query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0"  # an answer, no error; one question, one address
            found = b"\xc0\x0c" + _A + b"\0\0\0\x3c\0\4" + address  # the name that was asked about; for 60 s
            line.sendto(head + query[12 : end + 4] + found, asker)


if __name__ == "__main__":
    main()
