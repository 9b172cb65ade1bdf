"""Names on the bus, each spelled once: the service, its paths, interfaces and states."""

SERVICE = "org.tsunagu.VPN1"
ROOT_PATH = "/org/tsunagu/VPN1"
CONNECTIONS_PATH = ROOT_PATH + "/connection"  # children: …/<connection id>

MANAGER = SERVICE + ".Manager"
CONNECTION = SERVICE + ".Connection"
AGENT = SERVICE + ".Agent"
ERROR_PREFIX = SERVICE + ".Error."

AGENT_PATH = "/org/tsunagu/VPN1/Agent"  # on the agent's own bus connection

ASK_ANEW = 1  # a flag of the agent's GetSecrets: a stored secret will not do

# polkit actions
ACTION_CONTROL = "org.tsunagu.vpn1.control"  # connect and disconnect one's own connections
ACTION_EDIT = "org.tsunagu.vpn1.edit"  # create, change and remove one's own connections
ACTION_EDIT_SYSTEM = "org.tsunagu.vpn1.edit-system"  # those for everybody
ACTION_EDIT_MACHINE = "org.tsunagu.vpn1.edit-machine"  # have one's own reach everybody on the machine
ACTION_CONTROL_OTHERS = "org.tsunagu.vpn1.control-others"  # both, for connections of other users


def connection_path(connection_id: str) -> str:
    """The object path of a connection."""
    return f"{CONNECTIONS_PATH}/{connection_id}"


def connection_id(path: str) -> str:
    """The id in a connection's object path."""
    return path.removeprefix(CONNECTIONS_PATH + "/")
