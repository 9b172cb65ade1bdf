"""The commands of ``tsunagu`` and their options."""

import argparse
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

from tsunagu import __version__
from tsunagu.model import AuthType
from tsunagu_tray.attempt import CONNECT_TIMEOUT_S
from tsunagu_tray.commands import Commands
from tsunagu_tray.preferences_command import KEYS
from tsunagu_tray.speed_command import DIRECTIONS, MAX_CONNECTIONS
from tsunagu_tray.texts import Texts
from tsunagu_tray.traffic import PORT

Run = Callable[[Commands], Awaitable[int | None]]


class Usage(argparse.ArgumentParser):
    """argparse in the reader's language."""

    texts = Texts("en")

    def translate(self, texts: Texts) -> None:
        """Say everything in this language; called when all options are there."""
        self.texts = texts
        about = texts.say(self.description or "")
        self.description, self.epilog = about[:1].upper() + about[1:], texts.say(self.epilog or "")
        for group in self._action_groups:
            group.title = texts.say(group.title or "")
        for action in self._actions:
            action.help = texts.say(action.help or "")
            if isinstance(action, argparse._SubParsersAction):
                for choice in action._choices_actions:
                    choice.help = texts.say(choice.help or "")
                for added in action.choices.values():
                    added.translate(texts)

    def commands(self) -> dict[str, "Usage"]:
        """By their names."""
        choices = (one.choices for one in self._actions if isinstance(one, argparse._SubParsersAction))
        return dict(next(choices, {}))

    def format_usage(self) -> str:
        return super().format_usage().replace("usage: ", self.texts.say("usage: "), 1)

    def format_help(self) -> str:
        return super().format_help().replace("usage: ", self.texts.say("usage: "), 1)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {self.texts.say(message)}\n")


def parser(texts: Texts) -> Usage:
    """The commands and their options."""
    top = Usage(
        prog="tsunagu",
        description="Connect this computer to networks behind SoftEther and PacketiX VPN servers.",
        epilog="Exit status: 0 if it was done; 1 if not, with one sentence why; 2 for wrong usage.",
    )
    top.add_argument("--version", action="version", version=f"tsunagu {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[Commands], Awaitable[int | None]], summary: str, *, data: bool = False
    ) -> Usage:
        added = commands.add_parser(name, help=summary, description=summary)
        added.set_defaults(run=run)
        if data:
            added.add_argument("--json", action="store_true", help="print JSON, for scripts")
        return added

    lister = command("list", Commands.list, "list all connections and their states", data=True)
    lister.add_argument("--names", action="store_true", help="print the names alone, one a line")

    add = command("add", Commands.add, "save a new connection", data=True)
    add.add_argument("name", metavar="NAME", help="what to call it")
    add.add_argument("--server", required=True, metavar="HOST[:PORT]", help="the VPN server; port 443 if none is given")
    add.add_argument("--hub", required=True, help="the virtual hub on it")
    add.add_argument("--user", required=True, help="the user name there")
    kinds = [auth.value for auth in AuthType]
    add.add_argument("--auth", choices=kinds, default="password", help="how the user logs in (default: password)")
    add.add_argument("--anonymous", dest="auth", action="store_const", const="anonymous", help="as --auth anonymous")
    add.add_argument("--carriers", type=int, default=1, metavar="N", help="TCP connections to use, 1 to 32 (default 1)")
    add.add_argument("--fingerprint", metavar="SHA256", help="trust the server's certificate with this fingerprint")
    add.add_argument(
        "--proxy",
        metavar="URL",
        help="go through http://[USER@]HOST:PORT, socks4://... or socks5://...; 'system': the desktop's own",
    )
    add.add_argument(
        "--proxy-header", action="append", default=[], metavar="'NAME: VALUE'", help="send this header to an HTTP proxy"
    )
    add.add_argument(
        "--proxy-password-stdin", action="store_true", help="store the proxy's password, the next line of stdin"
    )
    add.add_argument("--password-stdin", action="store_true", help="store the password that is the first line of stdin")

    def identity(added: Usage, certificate: str) -> None:
        added.add_argument(certificate, metavar="FILE", help="the user's certificate (PEM, DER or PKCS#12)")
        added.add_argument("--key", metavar="FILE", help="its private key, where that is in another file")
        added.add_argument(
            "--key-passphrase-stdin", action="store_true", help="the key's passphrase is the first line of stdin"
        )

    identity(add, "--certificate")

    def named(added: Usage, *, needed: bool = True) -> Usage:
        added.add_argument(
            "name", metavar="NAME", nargs=None if needed else "?", help="the connection's name, or its id"
        )
        return added

    hubs = command("hubs", Commands.hubs, "list the virtual hubs that a server names to everybody", data=True)
    hubs.add_argument("server", metavar="HOST[:PORT]", help="the VPN server; port 443 if none is given")
    hubs.add_argument(
        "--proxy",
        metavar="URL",
        help="go through http://[USER@]HOST:PORT, socks4://... or socks5://...; 'system': the desktop's own",
    )

    named(command("show", Commands.show, "show all settings of a connection", data=True))

    setter = named(command("set", Commands.set, "change settings of a connection"))
    setter.add_argument(
        "assignments", metavar="KEY=VALUE", nargs="+", help="a setting as 'tsunagu show' names it, and its new value"
    )

    named(command("rename", Commands.rename, "give a connection another name")).add_argument(
        "new", metavar="NEW", help="the new name"
    )

    named(
        command("duplicate", Commands.duplicate, "save a connection like another one, without secrets", data=True)
    ).add_argument("new", metavar="NEW", help="the new name")

    importer = command(
        "import", Commands.import_file, "save the connection in a .vpn file, with its secrets", data=True
    )
    importer.add_argument("file", metavar="FILE", nargs="?", help="a setting file of the official client")
    importer.add_argument(
        "--from-vpnclient",
        action="store_true",
        help="take over all connections and authorities of the official client; FILE is its vpn_client.config",
    )
    importer.add_argument("--name", metavar="NAME", help="what to call it, instead of the name in the file")

    exporter = named(command("export", Commands.export, "write a .vpn file that the official client takes"))
    exporter.add_argument("--output", metavar="FILE", help="the new file; standard output if none is given")
    exporter.add_argument(
        "--with-secrets", action="store_true", help="with the password, which has to be given again, or with --key"
    )
    exporter.add_argument("--key", metavar="FILE", help="the private key of the user's certificate")
    exporter.add_argument(
        "--key-passphrase-stdin", action="store_true", help="the key's passphrase is the first line of stdin"
    )

    named(command("remove", Commands.remove, "forget a connection with its password"))

    password = named(command("password", Commands.password, "store a connection's password"))
    password.add_argument("--proxy", action="store_true", help="the one for the proxy on the way to the server")
    given = password.add_mutually_exclusive_group()
    given.add_argument("--stdin", action="store_true", help="read it from the first line of stdin")
    given.add_argument("--forget", action="store_true", help="forget the one that is stored")

    passwd = named(command("passwd", Commands.passwd, "change the user's password on the server"))
    passwd.add_argument("--stdin", action="store_true", help="read the old one and the new one from two lines of stdin")

    identity(named(command("certificate", Commands.certificate, "log in with a client certificate")), "certificate")

    connect = named(command("connect", Commands.connect, "connect"))
    connect.add_argument(
        "--wait",
        action="store_true",
        help="return when connected; if that fails, disconnect and say why. In a terminal, asks for what is needed",
    )
    connect.add_argument(
        "--timeout", type=seconds, default=CONNECT_TIMEOUT_S, metavar="S", help="with --wait: seconds (default 60)"
    )

    ca = command("ca", Commands.ca, "your own certificate authorities, which vouch for servers", data=True)
    ca.add_argument("deed", choices=["list", "add", "remove"], help="what to do")
    ca.add_argument("what", metavar="FILE|SHA256", nargs="?", help="the certificate to add, or the one to remove")

    nic = command("nic", Commands.nic, "the network adapters of your connections", data=True)
    nic.add_argument("deed", choices=["list", "rename", "enable", "disable", "mac"], help="what to do")
    nic.add_argument("nic", metavar="NIC", nargs="?", help="the adapter's name, as the list shows it")
    nic.add_argument("value", metavar="VALUE", nargs="?", help="its new name, or its new MAC address")

    connect.add_argument(
        "--pin-stdin", action="store_true", help="with --wait: a smart card's PIN is the first line of stdin"
    )

    disconnect = command("disconnect", Commands.disconnect, "disconnect, or stop trying")
    which = disconnect.add_mutually_exclusive_group(required=True)
    which.add_argument("name", metavar="NAME", nargs="?", help="the connection's name, or its id")
    which.add_argument("--all", action="store_true", help="all your connections")

    test = named(
        command("test", Commands.test, "try a connection's log-in; nothing else on this machine changes", data=True)
    )
    test.add_argument(
        "--password-stdin", action="store_true", help="try the first line of stdin, not the saved password"
    )

    command("unblock", Commands.unblock, "let traffic pass outside the tunnel again: lift the kill switch")

    shown = named(
        command(
            "show-certificate", Commands.show_certificate, "show the certificate of the server, or your own", data=True
        )
    )
    shown.add_argument("--client", action="store_true", help="the one that the session began with on this side")
    shown.add_argument("--output", metavar="FILE", help="write it to this new file, in PEM")

    trust = named(command("trust", Commands.trust, "trust the server's certificate from now on"))
    trust.add_argument("--fingerprint", metavar="SHA256", help="trust exactly this one, without a question")
    trust.add_argument("--yes", action="store_true", help="trust whatever the server shows, without a question")

    status = command("status", Commands.status, "show all about one connection, or all", data=True)
    named(status, needed=False)
    status.add_argument("--watch", action="store_true", help="go on until interrupted; with --json one object a line")
    status.add_argument(
        "--interval", type=seconds, default=1.0, metavar="S", help="with --watch: seconds between two looks (default 1)"
    )

    named(command("policy", Commands.policy, "show the server's security policy for a connection", data=True))

    told = "show what happened, newest last; 'journalctl -u tsunagu-helper' tells more"
    log = named(command("log", Commands.log, told, data=True), needed=False)
    log.add_argument("-n", "--number", type=count, default=50, metavar="N", help="so many entries (default 50)")

    explain = command("explain", Commands.explain, "say what an error's number means, and what helps", data=True)
    explain.add_argument("number", type=count, metavar="NUMBER", help="the error's number, as messages have it")

    preferences = command("preferences", Commands.preferences, "show or change what counts for all", data=True)
    preferences.add_argument("key", choices=KEYS, nargs="?", help="which one; all if none is given")
    preferences.add_argument("value", metavar="VALUE", nargs="?", help="its new value")

    speed = command("speed", Commands.speed, "measure the throughput to a traffic server", data=True)
    speed.add_argument(
        "server", metavar="HOST[:PORT]", help="where 'tsunagu speed-server' or the official TrafficServer runs"
    )
    speed.add_argument(
        "--through", dest="name", metavar="NAME", help="measure this connection's tunnel: its name, or its id"
    )
    speed.add_argument("--direction", choices=DIRECTIONS, default="both", help="which way data goes (default: both)")
    speed.add_argument(
        "--connections",
        type=int,
        choices=range(1, MAX_CONNECTIONS + 1),
        default=MAX_CONNECTIONS,
        metavar="N",
        help="TCP connections to use, 1 to 32 (default 32); both ways take 2",
    )
    speed.add_argument("--seconds", type=seconds, default=15.0, metavar="S", help="for so long (default 15)")
    speed.add_argument("--ethernet", action="store_true", help="count the headers of Ethernet, IP and TCP, too")
    server = command("speed-server", Commands.speed_server, "be the traffic server of 'tsunagu speed' elsewhere")
    server.add_argument("--port", type=port, default=PORT, metavar="PORT", help="listen there (default 9821)")

    vpncmd = command("vpncmd", Commands.vpncmd, "take commands and scripts of the official client's vpncmd")
    vpncmd.add_argument(
        "words",
        metavar="WORD",
        nargs=argparse.REMAINDER,
        help="as behind vpncmd, for example: localhost /CLIENT /CMD AccountList",
    )
    command("doctor", Commands.doctor, "say what is wrong with this machine and how to mend it", data=True)
    top.translate(texts)
    return top


def seconds(text: str) -> float:
    """A time that is not over yet."""
    if not 0 < (value := float(text)) < float("inf"):
        raise ValueError
    return value


def port(text: str) -> int:
    """A number from 1 to 65535."""
    if not 0 < (value := int(text)) < 65536:
        raise ValueError
    return value


def count(text: str) -> int:
    """At least one."""
    if (value := int(text)) <= 0:
        raise ValueError
    return value
