"""A real cluster of two: the lab's server as its controller, which takes no sessions itself, and a member that does.

::

    cli ──veth── srv: controller ──veth── the member's srv
     └──────10.97.0.2──veth──10.97.0.1────────┘

The hub spans the cluster; its SecureNAT gives addresses.
"""

import subprocess

from tests.lab.server import HUB, VpnServer
from tests.lab.waiting import wait_for

MEMBER = "10.97.0.1"  # as clients reach it
INSIDE = "10.96.0.2"  # as the controller does
GATEWAY = "192.168.30.1"  # SecureNAT's

_CONTROLLER = "10.96.0.1"  # as the member reaches it
_PASSWORD = "clusterpw"


class Member(VpnServer):
    """The second server; ``controller`` is to be one from now on."""

    def __init__(self, controller: VpnServer) -> None:
        super().__init__(dhcp=False)
        self.controller = controller

    def start(self) -> None:
        """The server as it was before, after ``kill``."""
        self._start_server()
        self._await_cluster()

    def _wire(self) -> None:
        subprocess.run(["ip", "netns", "add", self.srv], check=True)
        self._ip(self.srv, "link", "set", "lo", "up")
        self._cable("clients", MEMBER, self.controller.cli, "10.97.0.2")
        self._cable("inside", INSIDE, self.controller.srv, _CONTROLLER)

    def _cable(self, nic: str, address: str, peer: str, peers_address: str) -> None:
        cable = f"{nic} netns {self.srv} type veth peer name veth-mem netns {peer}"
        subprocess.run(["ip", "link", "add", *cable.split()], check=True)
        for namespace, end, of_end in ((self.srv, nic, address), (peer, "veth-mem", peers_address)):
            self._ip(namespace, "address", "add", f"{of_end}/24", "dev", end)
            self._ip(namespace, "link", "set", end, "up")

    def _begin(self) -> None:
        self._install()
        self._start_server()
        self.controller.set_admin_password(_PASSWORD)
        self.controller.vpncmd("ClusterSettingController /WEIGHT:100 /ONLY:yes")
        self.vpncmd(
            f"ClusterSettingMember {_CONTROLLER}:5555 /IP:{MEMBER} /PORTS:443 /PASSWORD:{_PASSWORD} /WEIGHT:100"
        )
        self._await_cluster()
        self.controller.vpncmd(f"Hub {HUB}", "SecureNatEnable")

    def _await_cluster(self) -> None:
        def is_there() -> bool:
            try:
                return ",Member," in self.controller.vpncmd("ClusterMemberList")
            except RuntimeError:  # it still starts anew
                return False

        wait_for(is_there, 60, "the member in its cluster")
