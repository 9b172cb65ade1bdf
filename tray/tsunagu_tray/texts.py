"""Every sentence the user's side says, by a key, and the language it is said in.

The sentences of the protocol's errors come from ``tsunagu.error_table``; those the helper says, from ``arriving``.
"""

from collections.abc import Mapping
from typing import Any

from tsunagu.error_table import ERRORS
from tsunagu.errors import TunnelError
from tsunagu.model import Phase, State
from tsunagu.policy import PolicyItem
from tsunagu_tray.arriving import detail, translated
from tsunagu_tray.catalogue import Catalogue, Message
from tsunagu_tray.connection_view import LastError
from tsunagu_tray.window_texts import WINDOW_SENTENCES


class Texts:
    """The sentences in one language: ``texts("connected_title", name="Office")``."""

    def __init__(self, *languages: str) -> None:
        self._catalogue = Catalogue(*languages)

    def __call__(self, key: str, **values: Any) -> str:
        """The sentence of that key with the values put in; ``count`` chooses the plural form."""
        return self._catalogue.find(SENTENCES[key], values.get("count", 1)).format(**values)

    def state(self, state: State, phase: Phase = Phase.NONE) -> str:
        """One word or two for a list or a tooltip; while connecting, how far it is."""
        if state is State.CONNECTING and f"phase_{phase.value}" in SENTENCES:
            return self(f"phase_{phase.value}")
        return self("state_" + state.value.replace("-", "_"))

    def say(self, sentence: str) -> str:
        """A sentence that came in English, in this language as far as it is known there."""
        return translated(sentence, self._catalogue)

    def detail(self, words: str) -> str:
        """What the system says was wrong, likewise; what is not known is quoted."""
        return detail(words, self._catalogue)

    def error(self, error: LastError) -> str:
        """What went wrong: the sentence with its code, and the detail the helper gave."""
        return self.say(error.text or str(TunnelError(error.code)))

    def status_error(self, status: Mapping[str, Any]) -> str:
        """The last error of a status."""
        return self.error(LastError(status["error_name"], status["error_code"], status["error_text"]))

    def advice(self, error: LastError) -> str:
        """What a person may do about it; "" where the table has nothing to say."""
        return self.say(ERRORS[error.code].advice) if error.code in ERRORS else ""

    def of_policy(self, item: PolicyItem) -> tuple[str, str]:
        """Name and meaning of a value of the security policy."""
        return self.say(item.name), self.say(item.meaning)

    def error_with_advice(self, error: LastError) -> str:
        """Both, for one line."""
        told, advice = self.error(error), self.advice(error)
        return self("error_with_advice", error=told, advice=advice) if advice else told


SENTENCES: dict[str, str | Message] = {
    # states, phases
    "state_idle": "Offline",
    "state_connecting": "Connecting…",
    "state_needs_secret": "Needs your password",
    "state_needs_trust": "Needs your decision on the server's certificate",
    "state_waiting": "Waiting to try again",
    "state_sleeping": "Asleep",
    "state_up": "Connected",
    "state_stopping": "Disconnecting…",
    "phase_resolving": "Looking up the server…",
    "phase_connecting": "Connecting to the server…",
    "phase_verifying": "Verifying the server's certificate…",
    "phase_negotiating": "Negotiating…",
    "phase_authenticating": "Authenticating the user…",
    "phase_establishing": "Establishing the session…",
    "phase_redirected": "Connecting to a server of the cluster…",
    "no_address_yet": "no address yet",
    # doctor
    "doctor_well": "Nothing is wrong with this machine",
    "doctor_bad": "Tsunagu does not work on this machine as it is",
    "doctor_helper": "The Tsunagu service cannot be reached: {detail} 'systemctl status tsunagu-helper' says more",
    "doctor_file": "The file {detail} is missing; install the package again, unless Tsunagu runs from a checkout",
    "doctor_tun": (
        "There is no /dev/net/tun, so no network adapter can be made; load the kernel's module: 'sudo modprobe tun'"
    ),
    "doctor_clock": "The clock is years behind, so every certificate seems not to be valid yet; set it",
    "doctor_is_error": "error",
    "doctor_is_warning": "warning",
    "doctor_is_info": "note",
    "doctor_not_examined": "The service did not look the machine over: {detail}",
    "doctor_notifications": (
        "No program here shows notifications, so only the icon tells what happens; install one, such as dunst"
    ),
    "doctor_session": "There is no desktop session here; that is no matter on a server",
    "doctor_panel": "No panel here shows icons of programs; on GNOME, the extension AppIndicator does",
    "doctor_keyring": "There is no keyring in this session; saved passwords lie in files that only root can read",
    # menu, tooltip
    "menu_connect": "_Connect",
    "menu_disconnect": "_Disconnect",
    "menu_connect_to": "Connect to {name}",
    "menu_disconnect_from": "Disconnect from {name}",
    "menu_retry_now": "_Retry Now",
    "menu_enter_password": "Enter _Password…",
    "menu_review_certificate": "Review _Certificate…",
    "menu_disconnect_all": "Disconnect _All",
    "menu_start_service": "_Start the Tsunagu Service",
    "menu_open": "_Open Tsunagu",
    "menu_new": "_New Connection…",
    "menu_details": "_Status…",
    "menu_edit": "_Properties…",
    "menu_quit": "_Quit",
    "menu_preferences": "Pre_ferences…",
    "menu_click_connection": "For a Click on the _Icon",
    "menu_unblock": "_Lift the Kill Switch",
    "locked": "Kill switch on: nothing passes outside the tunnel",
    "menu_at_start": "Connect When the Computer _Boots",
    "no_connections": "No connections yet. Add one with: tsunagu add …",
    "service_unavailable": "The Tsunagu service is not running",
    # notifications
    "message_title": "Message from {name}",
    "connected_title": "Connected to {name}",
    "connected_address": "Your address there is {address}",
    "connected_no_address": "Waiting for an address",
    "lost_title": "{name} has been disconnected",
    "failed_title": "Could not connect to {name}",
    "retrying_in": "Trying again in {seconds} s",
    "reconnecting": "Connecting again…",
    "no_address_title": "{name} is connected, but has no address",
    "service_lost_title": "The Tsunagu service has stopped",
    "service_lost_body": "Its connections have ended. It can be started again from Tsunagu's icon",
    "refused_title": "{name}: that did not work",
    "password_question_title": "{name} needs your password",
    "proxy_password_question_title": "{name} needs the password for the proxy",
    "question_certificate_title": "Is this the right server for {name}?",
    "question_certificate_changed_title": "Warning: {name} shows another certificate than before",
    "question_certificate_body": "Its certificate has to be judged by you before anything is sent to it",
    "button_retry_now": "Retry Now",
    "button_connect": "Connect",
    "button_enter_password": "Enter Password",
    "button_review_certificate": "Review Certificate",
    # password window
    "password_heading": "Password for {name}",
    "proxy_password_heading": "Password for the proxy of {name}",
    "pin_heading": "PIN for the smart card of {name}",
    "pin_question_title": "{name} needs the PIN of your smart card",
    "pin_again": "This is the last try: one more wrong PIN locks the card.",
    "pin_server": "Smart card",
    "pin_label": "_PIN",
    "pin_cli_prompt": "PIN of the smart card {server} for {name}: ",
    "pin_cli_again": "This is the last try: one more wrong PIN locks the card",
    "password_server": "Server",
    "password_hub": "Virtual hub",
    "password_user": "User",
    "password_user_label": "_User name",
    "password_again": "The server refused the last password. Check it, and the user name, before you try again.",
    "proxy_password_again": "The proxy refused the last password. Check it, and the user name, before you try again.",
    "password_label": "_Password",
    "password_no_save": "Do _not save password",
    "password_auth": "_Authentication",
    "password_countdown": "Without an answer this window closes in {time}, and the attempt ends.",
    "unsaved_title": "The password of {name} is not in your keyring",
    "unsaved_body": "The keyring did not take it, so it is asked for again after the connection has ended. Unlock the "
    "keyring, or choose another place for passwords in the connection's settings.",
    "password_saved_in_keyring": "A saved password goes into your keyring.",
    "password_saved_in_system": "A saved password goes into a file that only the administrator can read.",
    "password_saved_in_fallback": "There is no keyring here, so a saved password goes into a file that only the "
    "administrator can read.",
    "window_cancel": "_Cancel",
    "window_connect": "C_onnect",
    # certificate window
    "certificate_heading": "Is this the right server?",
    "certificate_changed_heading": "The server's certificate has changed",
    "certificate_why_85": (
        "No authority that this computer knows vouches for {server}. That is usual for a VPN server with a certificate "
        "of its own making. Compare the fingerprint below with the one its administrator gives you."
    ),
    "certificate_why_106": (
        "The certificate of {server} has expired or is not valid yet. Check this computer's clock; if it is right, the "
        "administrator has to renew the certificate."
    ),
    "certificate_why_149": (
        "The certificate is valid, but for another name than {server}. Check the server's name, or compare the "
        "fingerprint below with the one its administrator gives you."
    ),
    "certificate_why_changed": (
        "You trusted another certificate for {server} before. Somebody may be posing as the server to learn your "
        "password. Go on only if the administrator confirms that the certificate was replaced."
    ),
    "certificate_subject": "Issued to",
    "certificate_issuer": "Issued by",
    "certificate_self_issued": "Itself (no authority)",
    "certificate_validity": "Valid",
    "certificate_from_to": "{start} to {end}",
    "certificate_expired": "{start} to {end} (not valid today)",
    "certificate_fingerprint": "SHA-256 fingerprint",
    "certificate_unreadable": "This certificate cannot be read",
    "window_trust_always": "Trust _Always",
    "window_trust_once": "Only This _Time",
    # command line
    "cli_none_named": "There is no connection named {name}; see: tsunagu list",
    "cli_several_named": "Several users have a connection named {name}; give its id instead: {ids}",
    "cli_bad_server": "{server} is not a server: write HOST, HOST:PORT, or [IPv6]:PORT",
    "cli_bad_proxy": "{proxy} is not a proxy: write http://[USER@]HOST:PORT, socks4://... or socks5://..., or system",
    "cli_proxy_missing": "A header or password for a proxy takes --proxy with the proxy that it is for",
    "cli_proxy_password_in_url": (
        "Other users can read the command line; give the proxy's password with --proxy-password-stdin"
    ),
    "cli_proxy_by_script": (
        "The desktop's settings leave the choice of a proxy to a script (PAC), which Tsunagu does not run; name the "
        "proxy itself"
    ),
    "cli_system_proxy": "The system's proxy is {proxy}",
    "cli_no_system_proxy": "The system names no proxy for this server, so the connection goes there directly",
    "cli_bad_fingerprint": "A SHA-256 fingerprint has 64 hexadecimal digits",
    "password_cli_prompt": "Password for {name} ({username} at {server}): ",
    "password_cli_new": "Password to store for {name}: ",
    "password_cli_again": "The server refused the last password",
    "passwd_cli_old": "Old password of {name} at {server}: ",
    "passwd_cli_new": "New password: ",
    "passwd_cli_again": "New password once more: ",
    "passwd_cli_differ": "The two new passwords differ, so nothing was changed; try again",
    "cli_passwd_changed": "The server knows the new password of {name} now",
    "proxy_password_cli_prompt": "Password for the proxy of {name} ({username} at {server}): ",
    "proxy_password_cli_new": "Password to store for the proxy of {name}: ",
    "proxy_password_cli_again": "The proxy refused the last password",
    "cli_passphrase": "Passphrase for {file}: ",
    "cli_certificate_missing": "Name the file of the certificate: --certificate FILE",
    "cli_file_unwritable": "{file} cannot be written: {why}",
    "cli_key_missing": "Name the file that holds the private key, with --key",
    "cli_key_without_secrets": "--key is only of use with --with-secrets: add that, or leave --key out",
    "cli_file_unreadable": "{file} cannot be read: {why}",
    "cli_file_too_long": "{file} is too long to be a certificate, key or setting file",
    "cli_authority_added": "{name} vouches for servers from now on",
    "cli_authority_usage": "Write: tsunagu ca list, tsunagu ca add FILE, or tsunagu ca remove SHA256",
    "cli_nic_usage": (
        "Write: tsunagu nic list, tsunagu nic enable NIC, tsunagu nic disable NIC, tsunagu nic rename NIC NEW, or "
        "tsunagu nic mac NIC MAC"
    ),
    "nic_enabled": "enabled",
    "nic_disabled": "disabled",
    "nic_up": "cable in",
    "nic_down": "cable out",
    "nic_absent": "not in use",
    "cli_kept_keyring": "The password is in your keyring",
    "cli_kept_system": "The password is in a file that only root can read",
    "cli_kept_nowhere": "No password is saved",
    "cli_password_missing": "No password was given; run this in a terminal, or use --stdin",
    "cli_certificate": "{server} shows a certificate with this SHA-256 fingerprint:",
    "cli_certificate_ask": "Is it the one its administrator gave you, and shall it be trusted from now on? [y/N] ",
    "cli_certificate_unseen": "The server's certificate could not be seen: {why}",
    "cli_not_trusted": (
        "Not trusted. If the fingerprint is right, run: tsunagu trust {name} --fingerprint {fingerprint}"
    ),
    "cli_needs_trust": "The server's certificate has to be trusted first; run: tsunagu trust {name}",
    "cli_needs_secret": "A password is needed; run: tsunagu password {kind}{name} --stdin",
    "cli_timed_out": "Not connected within {seconds:g} s",
    "cli_ended": "The connection was ended meanwhile",
    "cli_connected": "Connected to {name}",
    "cli_address": "Address: {address}",
    "cli_retrying": "{why}; trying again",
    "cli_added": "Added {name}",
    "cli_changed": "Changed {name}",
    "cli_changed_later": "Changed {name}; it counts from the next time it connects",
    "cli_not_an_assignment": "{word} is not of the form KEY=VALUE",
    "cli_no_such_setting": "There is no setting {setting}; there are: {keys}",
    "cli_bad_setting": "The setting {setting} cannot be {value}; it can be: {expected}",
    "cli_import_what": "Name the file to import, or use --from-vpnclient",
    "cli_import_partly": "Not taken over: {count}, for the reasons above",
    "hubs_none": "The server names no virtual hub to everybody; ask its administrator for the name",
    "cli_renamed": "{name} is called {new} now",
    "cli_removed": "Removed {name}",
    "cli_trusted": "The certificate of {name} is trusted from now on",
    "cli_no_session": "{name} is not connected, so there is no security policy; run: tsunagu connect {name}",
    "cli_no_server_certificate": "The server of {name} has not shown a certificate yet; run: tsunagu connect {name}",
    "cli_no_client_certificate": "{name} has no session that began with a client certificate",
    "cli_no_such_error": "No error has the number {number}",
    "policy_on": "Enabled",
    "cli_interrupted": "Interrupted",
    # traffic test
    "speed_begins": Message(
        "Measuring with {server} over {count} TCP connection for {seconds} s…",
        "Measuring with {server} over {count} TCP connections for {seconds} s…",
    ),
    "speed_running": "Measuring…",
    "speed_no_server": "What answers at {server} is not a traffic server; start one there: tsunagu speed-server",
    "speed_not_connected": "{name} is not connected; run: tsunagu connect {name}",
    "speed_listens": "Listening on TCP port {port}; Ctrl+C ends it. On the other computer: tsunagu speed THIS-COMPUTER",
    "speed_client": "Connection from {address}",
    "speed_connections": "TCP connections",
    "speed_span": "Time",
    "speed_latency": "Latency (opening a TCP connection)",
    "speed_sent": "Sent",
    "speed_received": "Received",
    "speed_sent_rate": "Upload throughput",
    "speed_received_rate": "Download throughput",
    # the manual's fields (S22-S45), for the status command
    "status_name": "Connection",
    "status_status_text": "Session status",
    "status_server_name": Message("Server", context="field"),
    "status_server_port": "Port",
    "status_underlay": "Carried by",
    "status_server_product": "Server product",
    "status_server_version": "Server version",
    "status_server_build": "Server build",
    "status_started_at": "Connection started",
    "status_first_established_at": "First session established",
    "status_established_at": "Current session established",
    "status_established_count": "Sessions established",
    "status_half_duplex": "Half-duplex mode",
    "status_carriers": "TCP connections",
    "status_sending_carriers": "TCP connections that send",
    "status_receiving_carriers": "TCP connections that receive",
    "status_max_carriers": "TCP connections at most",
    "status_round_trip_ms": "TCP round trip (ms)",
    "status_encrypted": "Encryption",
    "status_tls_version": "TLS version",
    "status_cipher": "Cipher",
    "status_compressed": "Compression",
    "status_compression_saved_percent": "Saved by compression (%)",
    "status_session_name": "Session name",
    "status_connection_name": "Connection name",
    "status_session_key": "Session key",
    "status_bridge_mode": "Bridge / router mode",
    "status_monitor_mode": "Monitoring mode",
    "status_vlan_id": "VLAN ID",
    "status_udp_acceleration": "UDP acceleration",
    "status_udp_acceleration_version": "UDP acceleration version",
    "status_qos": "VoIP / QoS",
    "status_sent_octets": "Sent",
    "status_received_octets": "Received",
    "status_sent_unicast_packets": "Sent unicast packets",
    "status_sent_unicast_octets": "Sent unicast size",
    "status_sent_broadcast_packets": "Sent broadcast packets",
    "status_sent_broadcast_octets": "Sent broadcast size",
    "status_received_unicast_packets": "Received unicast packets",
    "status_received_unicast_octets": "Received unicast size",
    "status_received_broadcast_packets": "Received broadcast packets",
    "status_received_broadcast_octets": "Received broadcast size",
    "status_interface": "Network adapter",
    "status_addresses": "Addresses",
    "status_blocked": "Kill switch",
    "status_routes": "Routes",
    "status_dhcp_server": "DHCP server",
    "status_lease_until": "Address valid until",
    "status_error_text": "Last error",
    "status_retry_at": "Next attempt",
    "column_name": "NAME",
    "column_state": "STATE",
    "column_address": "ADDRESS",
    "column_server": "SERVER",
    "column_hub": "HUB",
    "yes": "yes",
    "no": "no",
    "udp_unsupported": "not part of this session",
    "udp_supported": "supported, not in use",
    "udp_in_use": "in use",
    "octets": Message("{count:,} byte", "{count:,} bytes"),
    # preferences
    "cli_bad_preference": "The preference {preference} cannot be {value}; it can be: {expected}",
    "cli_start_elsewhere": "That is a setting of each connection; run: tsunagu set NAME connect_at_start=yes",
    "pref_damaged": "{file} is damaged, so the usual preferences count; the next change replaces it",
    # tray program
    "no_place_title": "There is no place for Tsunagu's icon",
    "no_place_body": (
        "This desktop shows no tray icons; in GNOME the extension AppIndicator adds them. Tsunagu's window does the "
        "same"
    ),
    "already_running": "Tsunagu's tray icon is already there",
    "error_with_advice": "{error}. {advice}",
    **WINDOW_SENTENCES,
}
