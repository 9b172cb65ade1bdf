"""Sentences that arrive in English from where no reader's language is known: the helper's, and argparse's.

They arrive with their values in them, so they are known again by their shape: ``{name}`` stands for what varies, and a
translation may put it elsewhere.  So errors, the history and the bus carry one plain English sentence.  Names and the
like are put in as they are; what is a phrase of ours (``_PHRASES``) is translated in its turn.  So is what stands
behind a sentence (``_DETAILS``), unless others said it: that is quoted.
``tests/unit/test_arriving.py`` finds sentences that are missing here.
"""

import re
from functools import cache

from tsunagu_tray.arriving_details import DETAILS, QUOTED, SYSTEM
from tsunagu_tray.catalogue import Catalogue, Message

_PHRASES = ("what", "deed", "error")
_DETAILS = ("detail", "why")
_WORDS = re.compile("[A-Za-z]{2}")


def translated(sentence: str, catalogue: Catalogue) -> str:
    """The sentence in the catalogue's language; what is not known stays as it is."""
    if not catalogue.translates:
        return sentence
    if (known := catalogue.find(sentence)) != sentence:
        return known
    for pattern, message in _patterns():
        if found := pattern.fullmatch(sentence):
            values = found.groupdict()
            values |= {name: translated(values[name], catalogue) for name in _PHRASES if name in values}
            values |= {name: detail(values[name], catalogue) for name in _DETAILS if name in values}
            return catalogue.find(message, int(values.get("count", 1))).format(**values)
    return sentence


def detail(words: str, catalogue: Catalogue) -> str:
    """The words of one case: ours and the system's in the catalogue's language, those of others as a quotation."""
    if not catalogue.translates:
        return words
    if (known := translated(words, catalogue)) != words:
        return known
    if "; " in words:
        return "; ".join(detail(part, catalogue) for part in words.split("; "))
    where, _, why = words.partition(": ")
    if (known := translated(why, catalogue)) != why:
        return f"{where}: {known}"
    return catalogue.find(QUOTED).format(words=words) if _WORDS.search(words) else words


@cache
def _patterns() -> list[tuple[re.Pattern[str], str | Message]]:
    """Those with something that varies, the most specific first."""
    varying = [
        (english, message)
        for message in ARRIVING
        for english in ((message.one, message.many) if isinstance(message, Message) else (message,))
        if "{" in english
    ]
    varying.sort(key=lambda row: len(re.sub(r"\{\w+\}", "", row[0])), reverse=True)
    return [(_pattern(english), message) for english, message in varying]


def _pattern(english: str) -> re.Pattern[str]:
    made, known = "", set[str]()
    for odd, part in enumerate(re.split(r"\{(\w+)\}", english)):
        if odd % 2 == 0:
            made += re.escape(part)
        elif part in known:
            made += f"(?P={part})"
        else:
            made += f"(?P<{part}>{'[0-9]{1,9}' if part == 'count' else '.+?'})"
            known.add(part)
    return re.compile(made, re.DOTALL)


ARRIVING: tuple[str | Message, ...] = (
    # -- the protocol's errors --------------------------------------------------------------------------------------
    "{error} (error {code})",
    "{error} (error {code}): {detail}",
    "Error {code}",
    (
        "neither does {address} answer, nor is the name {name} found; if the server has moved, disconnect and connect "
        "again"
    ),
    "another program has renamed {nic} to {name}",
    "another program has deleted {nic}",
    "another program has switched {nic} off",
    # -- wrong settings ---------------------------------------------------------------------------------------------
    "The {what} must have 1 to {limit} characters, without control characters or blanks at its ends",
    "The {what} must be a host name such as vpn.example.org, or an IP address",
    "The {what} must lie between {low} and {high}",
    "server",
    "proxy",
    "name of the connection",
    "name of the virtual hub",
    "user name",
    "user name for the proxy",
    "port",
    "proxy's port",
    "source port",
    "number of TCP connections",
    "number of retries",
    "retry interval in seconds",
    "interval between TCP connections in seconds",
    "lifetime of a TCP connection in seconds",
    "name of the certificate on the smart card",
    "name of the private key on the smart card",
    "The user name for an HTTP proxy must not have a colon in it",
    "Only an HTTP proxy takes headers",
    "The proxy's headers must be at most {limit}",
    "The name of a proxy's header must consist of letters, digits and hyphens",
    "The proxy's header {name} must have at most 1024 characters, without control characters or blanks at its ends",
    "The {what} must be at most {limit}",
    "The {what} must be networks such as 192.168.5.0/24 or 2001:db8::/48, which {value} is not",
    "The {what} must be networks of hosts, which {value} is not",
    "Without routes (routing none) there can be no extra or excluded networks",
    "A {what} has to be given where addresses are static, and only there",
    "The {what} must be an address with its prefix length, such as {example}",
    "The {what} must be one for a host, which {value} is not",
    "fixed address",
    "fixed IPv6 address",
    "The gateway must be an address in the network of the fixed one, which {value} is not",
    "A gateway can be given only beside a fixed address",
    "An IPv6 gateway can be given only where IPv6 is not off",
    "A kill switch takes routing everything: all traffic has to go through the tunnel",
    "The network adapter's name must be tsunagu with up to 8 small letters, digits or underlines behind it",
    "The MAC address must be a locally administered one of 6 octets, such as 5e:00:00:00:00:01",
    "The DNS servers must be IP addresses, which {value} is not",
    "The DNS servers must be other machines, which {value} is not",
    "DNS servers and DNS domains",
    "DNS domains",
    "DNS servers have to be given with dns manual, and only with that",
    "MTU, if it is not 0,",
    "extra networks",
    "excluded networks",
    "The server's fingerprint must have 64 hexadecimal digits (SHA-256)",
    "The source address must be an IPv4 or IPv6 address",
    "The client certificate must have at most {limit} characters",
    "The client certificate must be in PEM form, with nothing but BEGIN CERTIFICATE blocks",
    "A hashed password must have 40 hexadecimal digits",
    "The {what} must have at most {limit} characters, none of them NUL",
    "password",
    "proxy's password",
    "The secrets may have a password or a hashed password, not both",
    (
        "The private key must be in PEM form and without passphrase, with nothing but one BEGIN PRIVATE KEY or BEGIN "
        "RSA PRIVATE KEY block"
    ),
    "Secrets have the names {names}, and no others",
    "The settings are not valid: {error}",
    "The private key is protected by a passphrase, which has to be given",
    "The passphrase is wrong, or the file is damaged",
    "The file holds no certificate that could be read",
    "The file holds no private key that could be read",
    "The file cannot be read: {why}",
    "{file} cannot be removed: {why}",
    "{file} cannot be written: {why}",
    "The file cannot be written: {why}",
    "There is no private key beside the certificate: name the file that holds it",
    "The private key must be an RSA key of 1024 to 4096 bits: VPN servers take no others",
    "The private key does not belong to the certificate",
    "Certificate authorities must be BEGIN CERTIFICATE blocks in PEM form",
    "At most {count} certificate authorities of {size} characters are kept; remove one first",
    "There is no certificate authority with this fingerprint",
    "The certificate authorities could not be read: {why}",
    "The certificate authorities could not be saved: {why}",
    "The path of the smart card's module must begin with /",
    "path of the smart card's module",
    "The secrets must be texts",
    # -- the helper's own errors ------------------------------------------------------------------------------------
    "There is no such connection",
    "There is no such connection any more",
    "There is no such connection any longer",
    "There is a connection named {name} already",
    "{limit} connections are kept for you already; remove one first",
    "The caller is not on the bus any longer",
    (
        "It could not be found out whether you may {deed}: {error}. Try again, or let an administrator look at the "
        "state of polkit"
    ),
    (
        "To {deed}, a password has to be given first, and there is nothing here to ask for it: do it in a desktop "
        "session, or as root"
    ),
    "To {deed}, a password has to be given: you closed the window that asked for it",
    (
        "You may not {deed}: do it in the session at the screen of this machine, or ask an administrator to allow it "
        "in polkit"
    ),
    (
        "Only root and members of the group {group} may {deed} here: ask an administrator to add you to that group, "
        "then log in again"
    ),
    "connect or disconnect VPN connections",
    "change VPN connections",
    "have a VPN connection reach everybody on the machine (traffic, names), or start with it",
    "change VPN connections of the whole machine",
    "control VPN connections of other users",
    "do this",
    (
        "A person has to answer a question first, and there is nothing here to ask it: start the tray icon, or connect "
        "with the command tsunagu in a terminal"
    ),
    (
        "A person has to answer a question first, and somebody else is at the screen now: it is asked when that person "
        "is back there, or connect with the command tsunagu in a terminal"
    ),
    "Only a login with a password can be chosen here",
    "The keyring stayed locked, so the password was not saved; unlock it, or keep it elsewhere: secrets_in=system",
    "The keyring did not answer, so the password was not saved; try again, or keep it elsewhere: secrets_in=system",
    (
        "The keyring did not answer, so the password is not saved yet; start the tray icon again while this connection "
        "stands, or keep it elsewhere: secrets_in=system"
    ),
    (
        "The tray icon has gone, so the password is not in your keyring yet; start the icon again while this "
        "connection stands"
    ),
    "The question was declined",
    "The question was withdrawn",
    "Nobody answered the question in time",
    "The administrator of this machine provides this connection, so it can be used, but not changed or removed",
    "The saved connections could not be read: {why}",
    "The connection {name} could not be saved: {why}",
    "The connection could not be removed: {why}",
    "This machine's id could not be kept: {why}",
    "the disk is full. Free some space, then try again",
    "the disk can only be read. Make it writable, then try again",
    (
        "No DHCP server answered, so the network adapter has no address. Put a DHCP server into the virtual hub's "
        "segment, or switch on SecureNAT's virtual DHCP server on the hub, or set a fixed address on the network "
        "adapter"
    ),
    (
        "The DHCP server behind the hub has not renewed the address in time, so the network adapter has none any more. "
        "Tsunagu goes on asking; see whether that server still runs"
    ),
    "The DHCP server behind the hub has taken the address {address} back; another one is asked for",
    (
        "Another machine behind the hub uses the address {address} already, so it was given back and another one is "
        "asked for; if this happens again, ask who runs that network"
    ),
    "The DHCP server in the hub's segment offered {what}; ask who runs that network",
    (
        "The DHCP server in the hub's segment named no router, so all traffic cannot go through the tunnel; ask who "
        "runs that network, or choose to send only its own traffic through the tunnel"
    ),
    "There is no gateway beside the fixed address, so all traffic cannot go through the tunnel; set one",
    "The hooks still run for what happened before, so they are not run for this",
    "No hooks are run, because {path} cannot be read: {why}",
    "No hooks are run, because {path} is not a directory itself",
    "The hook {path} is not run, because it is a symbolic link; put the program itself there",
    "The hook {path} is not run: {why}",
    (
        "{path} is not used for hooks, because others than root can write it; as root: chown root {path} && chmod go-w "
        "{path}"
    ),
    "The hook {path} could not be started: {why}",
    "The hook {path} was ended, because it took more than {seconds} seconds",
    "The hook {path} failed with exit status {status}; 'journalctl -u tsunagu-helper' shows what it wrote",
    "The network adapter {name} is another connection's own; choose another name",
    "there is no program nft; install the package nftables",
    "{program} does not answer",
    "The kill switch could not be set: {why}",
    "The kill switch could not be kept in {path}: {why}",
    (
        "This network lets nobody out before you have logged in to it: open any web page in a browser, log in there, "
        "then connect again"
    ),
    "What is not for the tunnel is blocked by Tsunagu until {name} is disconnected",
    (
        "All traffic goes through the tunnel of {holder} already; disconnect {holder} first, or let {name} carry only "
        "the traffic to its own networks"
    ),
    (
        "The network {network} behind the hub has numbers of the network {local} at {nic}, so machines of one of the "
        "two cannot be reached; ask for other numbers on either side"
    ),
    (
        "Names under {domains} are not looked up behind the hub, because that takes systemd-resolved; install it, or "
        "set DNS servers of your own for this connection"
    ),
    "Names are looked up through {nic} already; disconnect that connection first",
    "{path} could not be changed: {why}",
    "{path} could not be put back; the original is in {kept}: {why}",
    "systemd-resolved did not take the DNS servers: {why}",
    "resolvconf did not take the DNS servers: {why}",
    (
        "Another program writes {path} again and again, so some names are looked up outside the tunnel; have that "
        "program leave the file alone, or install systemd-resolved"
    ),
    "All traffic could not be led through the tunnel: {why}",
    "Internal error, see the helper's log",
    # -- what happened: the history ---------------------------------------------------------------------------------
    "Connecting to {server}, virtual hub {hub}",
    "Connected to {server}, session {session}",
    "Connected again to {server}, session {session}",
    "The address is {address}",
    "Disconnected",
    "The password on the server is changed",
    "A log-in with a smart card cannot be tried beforehand; save the connection and connect",
    "{limit} servers are being asked for you already; wait until that is done",
    "Only a standard password can be changed here; its administrator, or the domain's, changes any other",
    "The password is being changed already; wait until that is done",
    "The computer goes to sleep",
    "Cancelled",
    "Could not connect: {error}",
    Message(
        "Could not connect: {error}; trying again in {count} second",
        "Could not connect: {error}; trying again in {count} seconds",
    ),
    "The connection has been disconnected: {error}",
    "The connection has been disconnected: {error}; connecting again",
    Message(
        "The connection has been disconnected: {error}; trying again in {count} second",
        "The connection has been disconnected: {error}; trying again in {count} seconds",
    ),
    # -- reaching the helper ----------------------------------------------------------------------------------------
    "The Tsunagu service has stopped meanwhile",
    "The Tsunagu service does not answer; 'journalctl -u tsunagu-helper' may say why",
    "The Tsunagu service did not answer; 'journalctl -u tsunagu-helper' may say why",
    (
        "The Tsunagu service cannot be reached; is it installed, and does 'systemctl status tsunagu-helper' say that "
        "it runs?"
    ),
    "The Tsunagu service answered {name}",
    "The system bus does not let you use the Tsunagu service",
    "There is no connection to the system bus",
    "{error}; is the service 'dbus' running?",
    "The system bus cannot be reached at {address}: {why}",
    "The session bus cannot be reached at {address}: {why}",
    # -- setting files ------------------------------------------------------------------------------------------------
    "Line {number}: {what}",
    "The file is not a configuration file of the official client: it has no AccountDatabase",
    "The certificate of an authority is not in DER form",
    "The file has more than {limit} octets",
    "A header of the proxy lacks its colon",
    "A hashed password must have 20 octets",
    "The password is not text in UTF-8",
    "The value {name} is not in DER form",
    "This kind of {what} ({number}) is not supported",
    "authentication",
    "The value {name} must not be of type {kind}",
    "Nothing may follow the brace that closes root",
    "A brace must follow and open the folder",
    "The same value is in line {number} already",
    "Neither a value (type, name, value) nor the beginning or end of a folder",
    "The outermost folder must be root",
    "Folders may be nested at most {limit} deep",
    "The same folder is in line {number} already",
    "The file ends before the brace that closes root",
    "Two hexadecimal digits must follow a $",
    "Text must be in UTF-8",
    "A value of type byte must be in base64",
    "A value of type bool must be true or false",
    "The number must be a decimal one between 0 and {limit}",
    "What Tsunagu has no setting for in a setting file must be at most {limit} characters",
    "A setting file needs PEM of the kind BEGIN {kind}, not encrypted",
    # -- the command line's help ------------------------------------------------------------------------------------
    "usage: ",
    "Only its owner may choose the smart card's module, because it runs as that person",
    "You ask the Tsunagu service faster than it answers; try again in some seconds",
    # -- the doctor -------------------------------------------------------------------------------------------------
    (
        "There is no user tsunagu-tunnel, so workers run under a number that others might have; run 'sudo "
        "systemd-sysusers', then 'sudo systemctl restart tsunagu-helper'"
    ),
    "The process that faces the network does not start: {error}; 'journalctl -u tsunagu-helper' says more",
    "Workers are not kept from system calls; install the package again",
    (
        "This kernel has no Landlock, so only file modes keep workers from files; Linux 5.13 has it, where 'landlock' "
        "is among the boot option lsm"
    ),
    "Workers start, as user {number}, without capabilities, limited in system calls and files",
    "The data path is plain Python, as the helper's option --plain wants it",
    (
        "The data path is plain Python, which is slow, because its compiled part is missing; install the package for "
        "this processor again"
    ),
    "The data path is compiled",
    "No network adapter can be made: {why}; load the kernel's module: 'sudo modprobe tun'",
    "This kernel's virtual network adapters take no packets of many segments, so tunnels are slower",
    "An earlier run has left this behind: {what}; 'sudo systemctl restart tsunagu-helper' removes it",
    (
        "{program} may take Tsunagu's network adapters over, because {path} is missing; install the package again, "
        "then restart that service"
    ),
    "The kill switch cannot be used; it takes the package nftables and the kernel's module nf_tables: {why}",
    "The kill switch's file is damaged, so what is blocked stays blocked; 'sudo tsunagu unblock' lifts it",
    "The kill switch blocks traffic for no connection; 'sudo tsunagu unblock' lifts it",
    "The kill switch of {name} does not stand; 'journalctl -u tsunagu-helper' says why",
    "The kill switch of {name} is in place",
    (
        "Whoever shares a network with this machine can reach the addresses that it has in tunnels; to keep them away "
        "takes the package nftables and the kernel's module nft_fib_inet: {why}"
    ),
    (
        "Whoever shares a network with this machine can reach the addresses of {name}; "
        "'journalctl -u tsunagu-helper' says why"
    ),
    "The addresses of {name} are reached through the tunnel alone",
    "Names behind hubs are looked up by way of {name}",
    "There is no polkit, so members of the group {name} may use Tsunagu, and nobody else",
    "polkit does not say what you may do: {why}; 'systemctl status polkit' says more",
    "it does not know the action {name}",
    "A damaged settings file is kept as {path}; repair it and move it back to the folder connections, or delete it",
    "No program of yours answers when a password is needed; start the tray icon, or use 'tsunagu connect --wait'",
    # -- wrong usage: argparse's own sentences ----------------------------------------------------------------------
    "the following arguments are required: {names}",
    "unrecognized arguments: {names}",
    "argument {name}: {error}",
    "expected one argument",
    "not allowed with argument {name}",
    "invalid {kind} value: {value}",
    "invalid choice: {value} (choose from {choices})",
    "ambiguous option: {option} could match {matches}",
    "ignored explicit argument {value}",
    *DETAILS,
    *SYSTEM,
)
