"""Connect by name, wait for the address and print it: connect.py NAME."""

import sys

from tsunagu_client import Client, VpnError

try:
    with Client() as vpn:
        print(vpn.connect(sys.argv[1]).address)
except VpnError as error:
    sys.exit(str(error))
except TimeoutError:
    sys.exit("Not connected within a minute")
