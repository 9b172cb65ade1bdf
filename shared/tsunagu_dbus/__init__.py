"""dbus-next, wrapped once for helper and tray: what it lacks, without its traps, and with types.

Everything of D-Bus is imported from here, so that another library of the same interface stays one package's affair.
"""

import sys

# dbus-next loads GLib where it finds it, for a back end that we do not use: 6 MB in each process, root's among them.
_is_without_glib = "gi" not in sys.modules
if _is_without_glib:
    sys.modules["gi"] = None  # type: ignore[assignment]  # how a module is kept from being found

from dbus_next import DBusError, Message, PropertyAccess, Variant
from dbus_next.service import dbus_property, method
from dbus_next.service import signal as dbus_signal

from tsunagu_dbus.bus import close, connect
from tsunagu_dbus.calls import BusError, Credentials, call, credentials, tell
from tsunagu_dbus.connection import Interface, MessageBus, caller
from tsunagu_dbus.descriptors import receive_descriptor
from tsunagu_dbus.object_tree import ObjectTree, Sight
from tsunagu_dbus.signals import Stop, subscribe, watch_name
from tsunagu_dbus.told import told
from tsunagu_dbus.variants import plain, to_variant, to_variants

if _is_without_glib:
    del sys.modules["gi"]

__all__ = [
    "BusError",
    "Credentials",
    "DBusError",
    "Interface",
    "Message",
    "MessageBus",
    "ObjectTree",
    "PropertyAccess",
    "Sight",
    "Stop",
    "Variant",
    "call",
    "caller",
    "close",
    "connect",
    "credentials",
    "dbus_property",
    "dbus_signal",
    "method",
    "plain",
    "receive_descriptor",
    "subscribe",
    "tell",
    "to_variant",
    "to_variants",
    "told",
    "watch_name",
]
