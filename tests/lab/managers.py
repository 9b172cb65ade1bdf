"""NetworkManager and systemd-networkd as on a desktop, in the lab's namespaces; not installed, or at least not touched.

Each gets a configuration of its own that would have it manage every NIC, beside the file that ships with Tsunagu, and
keeps what it remembers in folders that are gone afterwards.
"""

import shutil
from pathlib import Path

from tests.lab.name_service import FOLDERS
from tests.lab.sandbox import CHECKOUT
from tests.lab.stack import Stack
from tests.lab.waiting import wait_for

NETWORK_MANAGER = "org.freedesktop.NetworkManager"
NM_POLICY = next(
    path for folder in FOLDERS if (path := folder / f"usr/share/dbus-1/system.d/{NETWORK_MANAGER}.conf").exists()
)
NETWORKD = "org.freedesktop.network1"
NETWORKD_POLICY = Path("/usr/share/dbus-1/system.d/org.freedesktop.network1.conf")
_NM_CONFIGURATION = """[main]
plugins=keyfile
dhcp=internal
dns=default
rc-manager=file
[keyfile]
path={folder}/system-connections
[connectivity]
{connectivity}
"""

# Neither finds udev in here; both do without where /sys cannot be written, as in containers.
_BEGIN = """
mount -o remount,ro /sys
mount -t tmpfs tmpfs /var/lib
mkdir /var/lib/NetworkManager
export LD_LIBRARY_PATH=$1
shift
exec "$@"
"""


def start_network_manager(stack: Stack, *, with_our_file: bool = True, connectivity: str = "enabled=false") -> None:
    """In the client's namespace."""
    folder = stack.folder / "NetworkManager"
    (folder / "conf.d").mkdir(parents=True)
    (folder / "NetworkManager.conf").write_text(_NM_CONFIGURATION.format(folder=folder, connectivity=connectivity))
    if with_our_file:
        shutil.copy(CHECKOUT / "packaging/networkmanager/90-tsunagu.conf", folder / "conf.d")
    files = (f"--config={folder}/NetworkManager.conf", f"--config-dir={folder}/conf.d")
    _start(stack, "NetworkManager", found("usr/sbin/NetworkManager"), "--no-daemon", *files)
    wait_for(lambda: stack.owned(NETWORK_MANAGER), 30, f"NetworkManager: {stack.log('NetworkManager')}")


def network_manager(stack: Stack) -> dict[str, str]:
    """What NetworkManager does with each NIC."""
    lines = nmcli(stack, "--terse", "--fields", "DEVICE,STATE", "device").splitlines()
    return dict(line.split(":", 1) for line in lines)


def nmcli(stack: Stack, *arguments: str) -> str:
    """What it prints."""
    return stack.run_as_root("env", f"LD_LIBRARY_PATH={_libraries()}", found("usr/bin/nmcli"), *arguments).stdout


def start_networkd(stack: Stack, *, with_our_file: bool = True) -> None:
    """In the client's namespace; it is to give every NIC of ours an address by DHCP, but for our file."""
    state, folder = Path("/run/systemd/netif"), Path("/run/systemd/network")
    for path in (*(state / name for name in ("links", "leases", "lldp")), folder):
        path.mkdir(parents=True, exist_ok=True)
    for path in (state, *state.iterdir()):
        shutil.chown(path, "systemd-network", "systemd-network")
    (folder / "50-all.network").write_text("[Match]\nName=tsunagu*\n[Network]\nDHCP=yes\n")
    (folder / "50-office.network").write_text("[Match]\nName=office0\n[Network]\nAddress=10.44.0.2/24\n")
    ours = CHECKOUT / "packaging/networkd/10-tsunagu.network"
    (folder / ours.name).unlink(missing_ok=True)
    if with_our_file:
        shutil.copy(ours, folder)
    _start(stack, "networkd", found("lib/systemd/systemd-networkd"))
    wait_for(lambda: stack.owned(NETWORKD), 30, f"systemd-networkd: {stack.log('networkd')}")


def networkctl(stack: Stack) -> dict[str, str]:
    """What networkd does with each NIC."""
    lines = stack.run_as_root(found("usr/bin/networkctl"), "--no-pager", "--no-legend", "list").stdout.splitlines()
    return {fields[1]: fields[4] for line in lines if len(fields := line.split()) == 5}


def found(name: str) -> str:
    """A file of one of these packages."""
    return str(next(path for folder in FOLDERS if (path := folder / name).exists()))


def _libraries() -> str:
    return ":".join(str(path) for folder in FOLDERS[1:] for path in folder.glob("usr/lib/*-linux-gnu*"))


def _start(stack: Stack, name: str, *command: str) -> None:
    private = ("--mount", "--propagation", "private", "sh", "-ec", _BEGIN, name, _libraries())
    stack.start_program(name, Path("/usr/bin/unshare"), *private, *command)
