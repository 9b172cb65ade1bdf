"""A private system bus with the rules of the real one and the policy file that ships; with a real polkit, if wanted."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.waiting import wait_for

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
POLKIT_BUS_POLICY = Path("/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf")

# /usr/share/dbus-1/system.conf of dbus 1.14 without what makes it a daemon of the machine.
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <auth>EXTERNAL</auth>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
    <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"
          send_member="UpdateActivationEnvironment"/>
    <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Debug.Stats"/>
    <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.systemd1.Activator"/>
  </policy>
  <policy context="default">
    <allow send_destination="org.freedesktop.login1"/>
  </policy>
  <policy user="root">
    <allow own="org.freedesktop.login1"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  {includes}
</busconfig>
"""

# polkitd reads our actions and the test's rules where it always looks, in a mount namespace of its own.
START_POLKIT = """
mount --bind "$1" /usr/share/polkit-1/actions
mount --bind "$2" /etc/polkit-1/rules.d
exec setpriv --pdeathsig KILL -- /usr/lib/polkit-1/polkitd
"""


class SystemBus:
    """dbus-daemon, and polkitd on it, in ``directory``, which must let every user through.  Needs root.

    ``polkit_rules`` is JavaScript for polkit's rules.d; without it, and without logind, polkit says yes to root only.
    """

    def __init__(
        self,
        directory: Path,
        *,
        with_polkit: bool = False,
        polkit_rules: str = "",
        policies: tuple[Path, ...] = (),
    ) -> None:
        self.address = f"unix:path={directory}/system_bus_socket"
        self._directory = directory
        self._with_polkit = with_polkit
        self._polkit_rules = polkit_rules
        self._policies = policies
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Return when the bus answers and polkit, if wanted, is on it."""
        policies = [
            PACKAGING / "dbus/org.tsunagu.VPN1.conf",
            *self._policies,
            *([POLKIT_BUS_POLICY] if self._with_polkit else []),
        ]
        config = self._directory / "system.conf"
        config.write_text(
            CONFIG.format(
                socket=self._directory / "system_bus_socket",
                includes="\n  ".join(f"<include>{policy}</include>" for policy in policies),
            )
        )
        command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address=1"]
        self._run("dbus-daemon", ["setpriv", "--pdeathsig", "KILL", "--", *command], "unix:path=")
        if self._with_polkit:
            actions, rules = self._directory / "actions", self._directory / "rules"
            actions.mkdir(exist_ok=True)
            rules.mkdir(exist_ok=True)
            shutil.copy(PACKAGING / "polkit/org.tsunagu.vpn1.policy", actions)
            (rules / "00-test.rules").write_text(self._polkit_rules)
            script = ["sh", "-ec", START_POLKIT, "polkit", str(actions), str(rules)]
            self._run(
                "polkitd",
                ["unshare", "--mount", "--propagation", "private", "--", *script],
                "Acquired the name org.freedesktop.PolicyKit1",
            )

    def stop(self) -> None:
        """End both; stopping twice is no matter."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait()
        self._processes.clear()
        (self._directory / "system_bus_socket").unlink(missing_ok=True)

    @contextmanager
    def polkit_stopped(self) -> Iterator[None]:
        """While polkit stands still, as when the machine is overloaded."""
        polkitd = self._processes[-1]
        polkitd.send_signal(signal.SIGSTOP)
        yield
        polkitd.send_signal(signal.SIGCONT)

    def kill_polkit(self) -> None:
        """As when it crashes."""
        self._processes[-1].kill()
        self._processes[-1].wait()

    def _run(self, name: str, command: list[str], ready: str) -> None:
        log = self._directory / f"{name}.log"
        with log.open("w") as output:
            environment = {"PATH": os.environ["PATH"], "DBUS_SYSTEM_BUS_ADDRESS": self.address}
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        self._processes.append(process)
        try:
            wait_for(lambda: ready in log.read_text(), 5.0, f"{name}: {log.read_text()}")
        except TimeoutError:
            self.stop()
            raise
