"""``python -m tsunagu_tray.desktop_settings``: GNOME's proxy settings as JSON; nothing where there are none."""

import json
import sys

from gi.repository import Gio

SCHEMA = "org.gnome.system.proxy"


def main() -> None:
    """Print them: they may hold a password, so only to a pipe."""
    source = Gio.SettingsSchemaSource.get_default()
    if source is None or source.lookup(SCHEMA, True) is None:
        return
    top = Gio.Settings.new(SCHEMA)
    http = top.get_child("http")
    found = {"mode": top.get_string("mode"), "ignore_hosts": top.get_strv("ignore-hosts"), "account": []}
    for kind in ("http", "https", "socks"):
        child = top.get_child(kind)
        found[kind] = [child.get_string("host"), child.get_int("port")]
    if http.get_boolean("use-authentication"):
        found["account"] = [http.get_string("authentication-user"), http.get_string("authentication-password")]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
