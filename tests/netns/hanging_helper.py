"""A helper to be killed, with a NIC and a worker that does not leave; tells the worker's process id."""

import asyncio
import fcntl
import subprocess
import sys
from ipaddress import IPv4Interface

from tsunagu_helper.lease_policy import AddressPlan, Route
from tsunagu_helper.nic import Nics

TUNSETPERSIST = 0x400454CB  # linux/if_tun.h


async def main(mark: str) -> None:
    """Hang."""
    address = IPv4Interface("192.168.77.23/24")
    nic = await Nics(mark).open("tsunagu0", "5e:00:11:22:33:44")
    nic.set_carrier(True)
    await nic.apply(AddressPlan(addresses=(address,), routes=(Route(address.network),)))
    worker = await asyncio.create_subprocess_exec("sleep", "60", pass_fds=(nic.fd,), stdout=subprocess.DEVNULL)
    fcntl.ioctl(nic.fd, TUNSETPERSIST, 1)
    print(worker.pid, flush=True)
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
