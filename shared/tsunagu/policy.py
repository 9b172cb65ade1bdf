"""The security policy a server attaches to a session (S46): every value with name, unit and meaning, in two languages.

Keys and defaults: the reference server's policy items, in its order.  Names and explanations: our own words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

MARKS = frozenset({"Ver3"})  # say how to read the others, and nothing to a person


class Unit(Enum):
    """What a value is; the value is the unit's name in ``policy --json``."""

    SWITCH = "switch"
    COUNT = "count"
    SECONDS = "s"
    BITS = "bit/s"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class PolicyItem:
    """One row.  0 is no limit, or off."""

    key: str  # the server's, without "policy:"
    unit: Unit
    name_en: str
    name_ja: str
    meaning_en: str
    meaning_ja: str


# fmt: off
_ROWS = (
    ("Access", Unit.SWITCH, "Access", "アクセス許可",
     "The user may connect", "ユーザーは接続できます"),
    ("DHCPFilter", Unit.SWITCH, "No DHCP (IPv4)", "DHCP パケットの禁止 (IPv4)",
     "All IPv4 DHCP packets are dropped", "IPv4 の DHCP パケットはすべて破棄されます"),
    ("DHCPNoServer", Unit.SWITCH, "No DHCP server (IPv4)", "DHCP サーバーの禁止 (IPv4)",
     "This computer may not be an IPv4 DHCP server", "このコンピューターは IPv4 の DHCP サーバーになれません"),
    ("DHCPForce", Unit.SWITCH, "Addresses from DHCP only (IPv4)", "DHCP 割り当てアドレスの強制 (IPv4)",
     "Only IPv4 addresses that DHCP has given may be used", "DHCP で割り当てられた IPv4 アドレスだけを使えます"),
    ("NoBridge", Unit.SWITCH, "No bridge", "ブリッジの禁止",
     "No network may be bridged behind this computer", "このコンピューターの先にネットワークをブリッジできません"),
    ("NoRouting", Unit.SWITCH, "No router (IPv4)", "ルーターの禁止 (IPv4)",
     "No IPv4 network may be routed behind this computer", "このコンピューターの先に IPv4 ネットワークをルーティングできません"),
    ("CheckMac", Unit.SWITCH, "Unique MAC addresses", "MAC アドレスの重複禁止",
     "A MAC address that another session uses may not be used", "他のセッションが使用中の MAC アドレスは使えません"),
    ("CheckIP", Unit.SWITCH, "Unique IP addresses (IPv4)", "IP アドレスの重複禁止 (IPv4)",
     "An IPv4 address that another session uses may not be used", "他のセッションが使用中の IPv4 アドレスは使えません"),
    ("ArpDhcpOnly", Unit.SWITCH, "Necessary broadcasts only", "必要なブロードキャスト以外の禁止",
     "Of all broadcasts only ARP, DHCP and ICMPv6 go through", "ブロードキャストは ARP、DHCP、ICMPv6 だけが通ります"),
    ("PrivacyFilter", Unit.SWITCH, "Privacy filter", "プライバシーフィルター",
     "Sessions with this filter cannot reach one another", "このフィルターが有効なセッション同士は通信できません"),
    ("NoServer", Unit.SWITCH, "No TCP server (IPv4)", "TCP サーバーの禁止 (IPv4)",
     "Nobody may open IPv4 TCP connections to this computer", "このコンピューターへの IPv4 の TCP 接続はできません"),
    ("NoBroadcastLimiter", Unit.SWITCH, "Unlimited broadcasts", "ブロードキャスト数を制限しない",
     "The number of broadcasts is not limited", "ブロードキャストの数は制限されません"),
    ("MonitorPort", Unit.SWITCH, "Monitoring mode", "モニタリングモード",
     "All that goes through the hub may be received", "仮想 HUB を流れるすべてのパケットを受信できます"),
    ("MaxConnection", Unit.COUNT, "TCP connections at most", "最大 TCP コネクション数",
     "So many TCP connections a session may have", "1 つのセッションで使える TCP コネクションの数です"),
    ("TimeOut", Unit.SECONDS, "Time-out", "タイムアウト",
     "A session that is silent for so long ends", "この時間通信が途絶えるとセッションは終了します"),
    ("MaxMac", Unit.COUNT, "MAC addresses at most", "最大 MAC アドレス数",
     "So many MAC addresses a session may use", "1 つのセッションで使える MAC アドレスの数です"),
    ("MaxIP", Unit.COUNT, "IPv4 addresses at most", "最大 IPv4 アドレス数",
     "So many IPv4 addresses a session may use", "1 つのセッションで使える IPv4 アドレスの数です"),
    ("MaxUpload", Unit.BITS, "Upload bandwidth", "アップロード帯域幅",
     "The hub takes at most so much from this computer", "このコンピューターから仮想 HUB への通信量の上限です"),
    ("MaxDownload", Unit.BITS, "Download bandwidth", "ダウンロード帯域幅",
     "The hub sends at most so much to this computer", "仮想 HUB からこのコンピューターへの通信量の上限です"),
    ("FixPassword", Unit.SWITCH, "Password is fixed", "パスワード変更の禁止",
     "Users may not change their own password", "ユーザーは自分のパスワードを変更できません"),
    ("MultiLogins", Unit.COUNT, "Logins at the same time", "同時ログイン数",
     "So many sessions a user may have at the same time", "1 人のユーザーが同時に持てるセッションの数です"),
    ("NoQoS", Unit.SWITCH, "No VoIP / QoS", "VoIP / QoS の禁止",
     "VoIP / QoS cannot be used", "VoIP / QoS 機能は使えません"),
    ("RSandRAFilter", Unit.SWITCH, "No router search (IPv6)", "ルーター要請・広告の禁止 (IPv6)",
     "IPv6 router solicitations and advertisements are dropped", "IPv6 のルーター要請と広告は破棄されます"),
    ("RAFilter", Unit.SWITCH, "No router advertisements (IPv6)", "ルーター広告の禁止 (IPv6)",
     "IPv6 router advertisements are dropped", "IPv6 のルーター広告は破棄されます"),
    ("DHCPv6Filter", Unit.SWITCH, "No DHCP (IPv6)", "DHCP パケットの禁止 (IPv6)",
     "All IPv6 DHCP packets are dropped", "IPv6 の DHCP パケットはすべて破棄されます"),
    ("DHCPv6NoServer", Unit.SWITCH, "No DHCP server (IPv6)", "DHCP サーバーの禁止 (IPv6)",
     "This computer may not be an IPv6 DHCP server", "このコンピューターは IPv6 の DHCP サーバーになれません"),
    ("NoRoutingV6", Unit.SWITCH, "No router (IPv6)", "ルーターの禁止 (IPv6)",
     "No IPv6 network may be routed behind this computer", "このコンピューターの先に IPv6 ネットワークをルーティングできません"),
    ("CheckIPv6", Unit.SWITCH, "Unique IP addresses (IPv6)", "IP アドレスの重複禁止 (IPv6)",
     "An IPv6 address that another session uses may not be used", "他のセッションが使用中の IPv6 アドレスは使えません"),
    ("NoServerV6", Unit.SWITCH, "No TCP server (IPv6)", "TCP サーバーの禁止 (IPv6)",
     "Nobody may open IPv6 TCP connections to this computer", "このコンピューターへの IPv6 の TCP 接続はできません"),
    ("MaxIPv6", Unit.COUNT, "IPv6 addresses at most", "最大 IPv6 アドレス数",
     "So many IPv6 addresses a session may use", "1 つのセッションで使える IPv6 アドレスの数です"),
    ("NoSavePassword", Unit.SWITCH, "Password may not be saved", "パスワード保存の禁止",
     "The password has to be entered at every connection", "接続のたびにパスワードの入力が必要です"),
    ("AutoDisconnect", Unit.SECONDS, "Automatic disconnection", "自動切断",
     "A session ends after so long and is not connected again", "この時間が経つとセッションは終了し、再接続されません"),
    ("FilterIPv4", Unit.SWITCH, "No IPv4", "IPv4 の禁止",
     "IPv4 and ARP packets are dropped", "IPv4 と ARP のパケットは破棄されます"),
    ("FilterIPv6", Unit.SWITCH, "No IPv6", "IPv6 の禁止",
     "IPv6 packets are dropped", "IPv6 パケットは破棄されます"),
    ("FilterNonIP", Unit.SWITCH, "IP only", "IP 以外の禁止",
     "Packets other than IP and ARP are dropped", "IP と ARP 以外のパケットは破棄されます"),
    ("NoIPv6DefaultRouterInRA", Unit.SWITCH, "No default router (IPv6)", "デフォルトルーターの除去 (IPv6)",
     "Router advertisements arrive without a default router", "ルーター広告からデフォルトルーターが取り除かれます"),
    ("NoIPv6DefaultRouterInRAWhenIPv6", Unit.SWITCH, "No default router if connected by IPv6", "IPv6 接続時のデフォルトルーターの除去",
     "The same, where the VPN connection itself goes by IPv6", "VPN 接続自体が IPv6 の場合に、デフォルトルーターが取り除かれます"),
    ("VLanId", Unit.NUMBER, "VLAN ID", "VLAN ID",
     "The hub gives this computer's packets this VLAN tag", "仮想 HUB がこのコンピューターのパケットに付ける VLAN タグです"),
)
# fmt: on

POLICY = {row[0]: PolicyItem(*row) for row in _ROWS}


def items(policy: Mapping[str, int]) -> Iterator[tuple[PolicyItem, int]]:
    """What a session's policy says, in the table's order; what a newer server may have beyond it comes last."""
    for item in POLICY.values():
        if item.key in policy:
            yield item, policy[item.key]
    for key in policy.keys() - POLICY.keys() - MARKS:
        yield PolicyItem(key, Unit.NUMBER, key, key, "", ""), policy[key]
