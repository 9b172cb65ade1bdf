"""The protocol's error numbers: name, English and Japanese sentence, advice, and what may help.

Numbers: the reference client's ERR_ constants.  The sentences are our own.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One row of the table."""

    code: int
    name: str
    en: str
    ja: str
    remedy: str = "give-up"  # a value of ``tsunagu.errors.Remedy``
    advice_en: str = ""
    advice_ja: str = ""


_TABLE = (
    ErrorEntry(0, "none", "No error", "エラーなし", "retry"),
    ErrorEntry(
        1, "connect_failed", "TCP connection to the server could not be made", "サーバーへ接続できない", "retry"
    ),
    ErrorEntry(
        2, "server_is_not_vpn", "The peer answered, but not as a VPN server", "接続先は VPN サーバーではない", "retry"
    ),
    ErrorEntry(
        3,
        "disconnected",
        "The connection was cut (also: the server could not read our PACK)",
        "接続が切断された",
        "retry",
    ),
    ErrorEntry(4, "protocol_error", "The peer broke the protocol", "プロトコル エラー", "give-up"),
    ErrorEntry(
        5,
        "client_is_not_vpn",
        "The server does not recognise this peer as a VPN client",
        "VPN クライアントと認識されなかった",
        "give-up",
    ),
    ErrorEntry(6, "user_cancel", "Cancelled by the user", "ユーザーが取り消した", "give-up"),
    ErrorEntry(
        7,
        "authtype_not_supported",
        "The server does not accept this kind of authentication",
        "この認証方式はサーバーで使えない",
        "give-up",
    ),
    ErrorEntry(8, "hub_not_found", "No such virtual hub on the server", "指定した仮想 HUB がサーバーにない", "give-up"),
    ErrorEntry(9, "auth_failed", "User name or secret is wrong", "ユーザー認証に失敗した", "ask-secret"),
    ErrorEntry(10, "hub_stopping", "The virtual hub is offline at the moment", "仮想 HUB が停止している", "retry-late"),
    ErrorEntry(
        11,
        "session_removed",
        "The session was removed, by an administrator or after a loss of contact",
        "セッションが削除された",
        "retry",
    ),
    ErrorEntry(12, "access_denied", "Access denied (policy, expired account)", "アクセスが拒否された", "give-up"),
    ErrorEntry(
        13,
        "session_timeout",
        "The session timed out or no longer exists on the server",
        "セッションがタイムアウトした",
        "retry",
    ),
    ErrorEntry(
        14, "invalid_protocol", "Protocol number not valid for this session", "プロトコル番号が正しくない", "retry"
    ),
    ErrorEntry(
        15,
        "too_many_connection",
        "The session already has its maximum of TCP connections",
        "TCP 接続が多すぎる",
        "retry",
    ),
    ErrorEntry(
        16,
        "hub_is_busy",
        "The hub or server has its maximum of sessions",
        "セッション数が上限に達している",
        "retry-late",
    ),
    ErrorEntry(
        17, "proxy_connect_failed", "The proxy server could not be reached", "プロキシ サーバーに接続できない", "retry"
    ),
    ErrorEntry(18, "proxy_error", "The proxy server reported an error", "プロキシ サーバーでエラーが起きた", "retry"),
    ErrorEntry(
        19,
        "proxy_auth_failed",
        "The proxy server rejected its user name or password",
        "プロキシ サーバーの認証に失敗した",
        "ask-secret",
    ),
    ErrorEntry(
        20,
        "too_many_user_session",
        "This user already has the maximum of concurrent sessions",
        "同じユーザーの同時接続が多すぎる",
        "retry-late",
    ),
    ErrorEntry(21, "license_error", "License problem on the server", "サーバーのライセンス エラー", "retry-late"),
    ErrorEntry(
        22, "device_driver_error", "The virtual network adapter failed", "仮想ネットワーク アダプターのエラー", "retry"
    ),
    ErrorEntry(23, "internal_error", "Internal error", "内部エラー", "give-up"),
    ErrorEntry(
        24,
        "secure_device_open_failed",
        "The smart card or token could not be opened",
        "スマートカード・トークンを開けない",
        "give-up",
    ),
    ErrorEntry(25, "secure_pin_login_failed", "Wrong PIN for the smart card", "PIN が正しくない", "ask-secret"),
    ErrorEntry(
        26,
        "secure_no_cert",
        "That certificate is not on the smart card",
        "指定した証明書がスマートカードにない",
        "give-up",
    ),
    ErrorEntry(
        27,
        "secure_no_private_key",
        "That private key is not on the smart card",
        "指定した秘密鍵がスマートカードにない",
        "give-up",
    ),
    ErrorEntry(
        28, "secure_cant_write", "Writing to the smart card failed", "スマートカードへの書き込みに失敗した", "give-up"
    ),
    ErrorEntry(29, "object_not_found", "Object not found", "オブジェクトが見つからない", "give-up"),
    ErrorEntry(
        30, "vlan_already_exists", "An adapter of that name exists already", "同名の仮想アダプターがある", "give-up"
    ),
    ErrorEntry(
        31, "vlan_install_error", "The virtual adapter could not be created", "仮想アダプターを作成できない", "give-up"
    ),
    ErrorEntry(32, "vlan_invalid_name", "That adapter name is not allowed", "仮想アダプター名が使えない", "give-up"),
    ErrorEntry(33, "not_supported", "Not supported", "サポートされていない", "give-up"),
    ErrorEntry(
        34,
        "account_already_exists",
        "A connection setting of that name exists already",
        "同名の接続設定がある",
        "give-up",
    ),
    ErrorEntry(35, "account_active", "The connection setting is in use", "接続設定は使用中", "give-up"),
    ErrorEntry(36, "account_not_found", "No such connection setting", "接続設定が見つからない", "give-up"),
    ErrorEntry(
        37, "account_inactive", "The connection setting is not connected", "接続設定は接続していない", "give-up"
    ),
    ErrorEntry(38, "invalid_parameter", "A parameter is not valid", "パラメーターが正しくない", "give-up"),
    ErrorEntry(
        39,
        "secure_device_error",
        "The smart card or token reported an error",
        "スマートカード・トークンのエラー",
        "give-up",
    ),
    ErrorEntry(
        40,
        "no_secure_device_specified",
        "No smart card device has been chosen",
        "スマートカード装置が選ばれていない",
        "give-up",
    ),
    ErrorEntry(
        41, "vlan_is_used", "A connection setting uses this adapter", "仮想アダプターは接続設定で使用中", "give-up"
    ),
    ErrorEntry(
        42,
        "vlan_for_account_not_found",
        "The adapter named in the setting does not exist",
        "設定の仮想アダプターが見つからない",
        "give-up",
    ),
    ErrorEntry(
        43,
        "vlan_for_account_used",
        "Another connection already uses this adapter",
        "仮想アダプターは別の接続で使用中",
        "give-up",
    ),
    ErrorEntry(
        44,
        "vlan_for_account_disabled",
        "The adapter named in the setting is disabled",
        "設定の仮想アダプターが無効になっている",
        "give-up",
    ),
    ErrorEntry(45, "invalid_value", "A value is not valid", "値が正しくない", "give-up"),
    ErrorEntry(
        46,
        "not_farm_controller",
        "The server is not a cluster controller",
        "接続先はクラスタ コントローラーではない",
        "give-up",
    ),
    ErrorEntry(47, "trying_to_connect", "Still trying to connect", "接続を試みている", "retry"),
    ErrorEntry(
        48,
        "connect_to_farm_controller",
        "The cluster controller could not be reached",
        "クラスタ コントローラーに接続できない",
        "retry",
    ),
    ErrorEntry(
        49,
        "could_not_host_hub_on_farm",
        "The cluster could not place the session on a member",
        "クラスタにセッションを割り当てられない",
        "retry",
    ),
    ErrorEntry(
        50,
        "farm_member_hub_admin",
        "Hubs cannot be managed on a cluster member",
        "クラスタ メンバーでは HUB を管理できない",
        "give-up",
    ),
    ErrorEntry(
        51,
        "null_password_local_only",
        "An empty password is allowed from localhost only",
        "空のパスワードはローカル接続のみ可能",
        "ask-secret",
    ),
    ErrorEntry(52, "not_enough_right", "Not enough rights", "権限が足りない", "give-up"),
    ErrorEntry(53, "listener_not_found", "No such listener", "リスナーが見つからない", "give-up"),
    ErrorEntry(54, "listener_already_exists", "The listener exists already", "リスナーは既にある", "give-up"),
    ErrorEntry(55, "not_farm_member", "Not a cluster member", "クラスタ メンバーではない", "give-up"),
    ErrorEntry(56, "cipher_not_supported", "That cipher is not supported", "暗号方式がサポートされていない", "give-up"),
    ErrorEntry(57, "hub_already_exists", "A hub of that name exists already", "同名の仮想 HUB がある", "give-up"),
    ErrorEntry(58, "too_many_hubs", "Too many hubs", "仮想 HUB が多すぎる", "give-up"),
    ErrorEntry(
        59, "link_already_exists", "A cascade of that name exists already", "同名のカスケード接続がある", "give-up"
    ),
    ErrorEntry(
        60,
        "link_cant_create_on_farm",
        "Cascades cannot be made on a cluster",
        "クラスタではカスケードを作れない",
        "give-up",
    ),
    ErrorEntry(61, "link_is_offline", "The cascade is offline", "カスケード接続はオフライン", "give-up"),
    ErrorEntry(62, "too_many_access_list", "Too many access list entries", "アクセスリストが多すぎる", "give-up"),
    ErrorEntry(63, "too_many_user", "Too many users on the server", "ユーザーが多すぎる", "give-up"),
    ErrorEntry(64, "too_many_group", "Too many groups", "グループが多すぎる", "give-up"),
    ErrorEntry(65, "group_not_found", "No such group", "グループが見つからない", "give-up"),
    ErrorEntry(66, "user_already_exists", "The user exists already", "ユーザーは既にある", "give-up"),
    ErrorEntry(67, "group_already_exists", "The group exists already", "グループは既にある", "give-up"),
    ErrorEntry(
        68,
        "user_authtype_not_password",
        "The user does not log in with a password, so it cannot be changed",
        "パスワード認証のユーザーではない",
        "give-up",
    ),
    ErrorEntry(
        69, "old_password_wrong", "User name or old password is wrong", "ユーザー名か古いパスワードが違う", "ask-secret"
    ),
    ErrorEntry(
        73,
        "link_cant_disconnect",
        "A cascade session cannot be disconnected",
        "カスケードのセッションは切断できない",
        "give-up",
    ),
    ErrorEntry(
        74,
        "account_not_present",
        "The connection to the server has not been configured yet",
        "サーバーへの接続設定がまだない",
        "give-up",
    ),
    ErrorEntry(75, "already_online", "Already online", "既にオンライン", "give-up"),
    ErrorEntry(76, "offline", "Offline", "オフライン", "give-up"),
    ErrorEntry(
        77,
        "not_rsa_1024",
        "The certificate is not an acceptable RSA certificate",
        "使える RSA 証明書ではない",
        "give-up",
    ),
    ErrorEntry(
        78,
        "snat_cant_disconnect",
        "The SecureNAT session cannot be disconnected",
        "SecureNAT のセッションは切断できない",
        "give-up",
    ),
    ErrorEntry(
        79, "snat_need_standalone", "SecureNAT needs a stand-alone hub", "SecureNAT はスタンドアロンのみ", "give-up"
    ),
    ErrorEntry(80, "snat_not_running", "SecureNAT is not running", "SecureNAT は動いていない", "give-up"),
    ErrorEntry(
        81, "se_vpn_block", "A network firewall product cut the session", "ファイアウォール装置に切断された", "give-up"
    ),
    ErrorEntry(
        82,
        "bridge_cant_disconnect",
        "The bridge session cannot be disconnected",
        "ブリッジのセッションは切断できない",
        "give-up",
    ),
    ErrorEntry(83, "local_bridge_stopping", "Local bridging is stopped", "ローカルブリッジは停止中", "give-up"),
    ErrorEntry(
        84, "local_bridge_unsupported", "Local bridging is not available there", "ローカルブリッジは使えない", "give-up"
    ),
    ErrorEntry(
        85, "cert_not_trusted", "The server certificate is not trusted", "サーバー証明書を信頼できない", "ask-trust"
    ),
    ErrorEntry(86, "product_code_invalid", "Product code differs", "製品コードが違う", "give-up"),
    ErrorEntry(87, "version_invalid", "Client and server versions do not fit", "バージョンが合わない", "give-up"),
    ErrorEntry(
        88, "capture_device_add_error", "A capture device could not be added", "キャプチャ装置を追加できない", "give-up"
    ),
    ErrorEntry(89, "vpn_code_invalid", "The server wants a special client", "専用クライアントが必要", "give-up"),
    ErrorEntry(90, "capture_not_found", "No such capture device", "キャプチャ装置が見つからない", "give-up"),
    ErrorEntry(
        91,
        "layer3_cant_disconnect",
        "The layer-3 session cannot be disconnected",
        "L3 スイッチのセッションは切断できない",
        "give-up",
    ),
    ErrorEntry(92, "layer3_sw_exists", "The layer-3 switch exists already", "L3 スイッチは既にある", "give-up"),
    ErrorEntry(93, "layer3_sw_not_found", "No such layer-3 switch", "L3 スイッチが見つからない", "give-up"),
    ErrorEntry(94, "invalid_name", "The name is not allowed", "名前が正しくない", "give-up"),
    ErrorEntry(
        95,
        "layer3_if_add_failed",
        "The layer-3 interface could not be added",
        "L3 インターフェースを追加できない",
        "give-up",
    ),
    ErrorEntry(
        96,
        "layer3_if_del_failed",
        "The layer-3 interface could not be removed",
        "L3 インターフェースを削除できない",
        "give-up",
    ),
    ErrorEntry(
        97, "layer3_if_exists", "The layer-3 interface exists already", "L3 インターフェースは既にある", "give-up"
    ),
    ErrorEntry(98, "layer3_table_add_failed", "The route could not be added", "経路を追加できない", "give-up"),
    ErrorEntry(99, "layer3_table_del_failed", "The route could not be removed", "経路を削除できない", "give-up"),
    ErrorEntry(100, "layer3_table_exists", "The route exists already", "経路は既にある", "give-up"),
    ErrorEntry(101, "bad_clock", "The clocks of client and server differ too much", "時計がずれている", "give-up"),
    ErrorEntry(
        102, "layer3_cant_start_switch", "The layer-3 switch cannot be started", "L3 スイッチを開始できない", "give-up"
    ),
    ErrorEntry(
        103,
        "client_license_not_enough",
        "Not enough client licenses on the server",
        "クライアント接続ライセンスが足りない",
        "retry",
    ),
    ErrorEntry(
        104,
        "bridge_license_not_enough",
        "Not enough bridge licenses on the server",
        "ブリッジ接続ライセンスが足りない",
        "retry",
    ),
    ErrorEntry(
        105,
        "server_cant_accept",
        "The server cannot accept sessions at the moment",
        "サーバーは今接続を受け付けられない",
        "retry",
    ),
    ErrorEntry(
        106,
        "server_cert_expires",
        "The server certificate has expired",
        "サーバー証明書の期限が切れている",
        "ask-trust",
    ),
    ErrorEntry(
        107,
        "monitor_mode_denied",
        "Monitoring mode is not allowed for this user",
        "モニタリング モードは許可されていない",
        "give-up",
    ),
    ErrorEntry(
        108,
        "bridge_mode_denied",
        "Bridge and router mode are not allowed for this user",
        "ブリッジ・ルーター モードは許可されていない",
        "give-up",
    ),
    ErrorEntry(
        109,
        "ip_address_denied",
        "Logins from this IP address are not allowed",
        "この IP アドレスからの接続は拒否された",
        "give-up",
    ),
    ErrorEntry(110, "too_many_items", "Too many items", "項目が多すぎる", "give-up"),
    ErrorEntry(111, "memory_not_enough", "Out of memory", "メモリ不足", "retry"),
    ErrorEntry(112, "object_exists", "The object exists already", "オブジェクトは既にある", "give-up"),
    ErrorEntry(113, "fatal", "Fatal error", "致命的なエラー", "give-up"),
    ErrorEntry(
        114, "server_license_failed", "License violation on the server side", "サーバー側のライセンス違反", "give-up"
    ),
    ErrorEntry(
        115,
        "server_internet_failed",
        "The server has lost its own Internet connection",
        "サーバーがインターネットに接続できない",
        "retry",
    ),
    ErrorEntry(
        116,
        "client_license_failed",
        "License violation on the client side",
        "クライアント側のライセンス違反",
        "give-up",
    ),
    ErrorEntry(
        117, "bad_command_or_param", "Bad command or parameter", "コマンドかパラメーターが正しくない", "give-up"
    ),
    ErrorEntry(118, "invalid_license_key", "Bad license key", "ライセンス キーが正しくない", "give-up"),
    ErrorEntry(119, "no_vpn_server_license", "The server has no license", "サーバーにライセンスがない", "give-up"),
    ErrorEntry(
        120, "no_vpn_cluster_license", "The server has no cluster license", "クラスタのライセンスがない", "give-up"
    ),
    ErrorEntry(
        121,
        "not_adminpack_server",
        "The setting works only with servers that have the administration pack",
        "管理パック対応サーバーのみ接続できる",
        "give-up",
    ),
    ErrorEntry(
        122, "not_adminpack_server_net", "As 121, for the .NET kit", "管理パック対応サーバーのみ（.NET）", "give-up"
    ),
    ErrorEntry(123, "beta_expires", "The server is an expired beta", "サーバーのベータ期限が切れている", "give-up"),
    ErrorEntry(
        124,
        "branded_c_to_s",
        "The server only accepts its own branded client",
        "サーバーが接続を拒否した（専用版）",
        "give-up",
    ),
    ErrorEntry(
        125,
        "branded_c_from_s",
        "This branded client only accepts its own server",
        "クライアントが接続を拒否した（専用版）",
        "give-up",
    ),
    ErrorEntry(
        126,
        "auto_disconnected",
        "The policy's time limit for one session is over",
        "ポリシーの時間制限で自動切断された",
        "give-up",
    ),
    ErrorEntry(
        127, "client_id_required", "The server requires a special client", "専用のクライアントが必要", "give-up"
    ),
    ErrorEntry(
        128,
        "too_many_users_created",
        "More users exist than the license allows",
        "ライセンスを超えるユーザー数",
        "give-up",
    ),
    ErrorEntry(
        129,
        "subscription_is_older",
        "The server's subscription predates its build",
        "サーバーの契約期限が切れている",
        "give-up",
    ),
    ErrorEntry(130, "illegal_trial_version", "Trial licenses used too often", "試用ライセンスの使いすぎ", "give-up"),
    ErrorEntry(
        131,
        "nat_t_two_or_more",
        "Several VPN servers share that address behind NAT",
        "同じアドレスに複数の VPN サーバーがある",
        "give-up",
    ),
    ErrorEntry(132, "duplicate_ddns_key", "Duplicate dynamic DNS key", "DDNS キーの重複", "give-up"),
    ErrorEntry(133, "ddns_hostname_exists", "That dynamic DNS name is taken", "DDNS 名は使用済み", "give-up"),
    ErrorEntry(
        134,
        "ddns_hostname_invalid_char",
        "Bad character in the dynamic DNS name",
        "DDNS 名に使えない文字がある",
        "give-up",
    ),
    ErrorEntry(135, "ddns_hostname_too_long", "Dynamic DNS name too long", "DDNS 名が長すぎる", "give-up"),
    ErrorEntry(136, "ddns_hostname_is_empty", "Dynamic DNS name missing", "DDNS 名がない", "give-up"),
    ErrorEntry(137, "ddns_hostname_too_short", "Dynamic DNS name too short", "DDNS 名が短すぎる", "give-up"),
    ErrorEntry(
        138,
        "mschap2_password_need_reset",
        "An administrator must set this password again before MS-CHAPv2 works",
        "管理者によるパスワードの再設定が必要",
        "ask-secret",
    ),
    ErrorEntry(
        139, "ddns_disconnected", "The dynamic DNS server cut the connection", "DDNS サーバーとの接続が切れた", "retry"
    ),
    ErrorEntry(
        140, "special_listener_icmp_error", "ICMP socket could not be opened", "ICMP ソケットを開けない", "give-up"
    ),
    ErrorEntry(141, "special_listener_dns_error", "DNS port could not be opened", "DNS ポートを開けない", "give-up"),
    ErrorEntry(
        142, "openvpn_is_not_enabled", "OpenVPN is not enabled on the server", "OpenVPN が有効ではない", "give-up"
    ),
    ErrorEntry(
        143,
        "not_supported_auth_on_opensource",
        "This kind of authentication is missing from the open-source server",
        "この認証方式はオープンソース版にない",
        "give-up",
    ),
    ErrorEntry(144, "vpngate", "Not possible on a VPN Gate server", "VPN Gate サーバーでは使えない", "give-up"),
    ErrorEntry(145, "vpngate_client", "Not possible for a VPN Gate setting", "VPN Gate の設定では使えない", "give-up"),
    ErrorEntry(
        146,
        "vpngate_inclient_cant_stop",
        "VPN Gate runs inside the client and cannot be stopped here",
        "クライアント内の VPN Gate は停止できない",
        "give-up",
    ),
    ErrorEntry(
        147,
        "not_supported_function_on_opensource",
        "This feature is missing from the open-source version",
        "この機能はオープンソース版にない",
        "give-up",
    ),
    ErrorEntry(148, "suspending", "The computer is going to sleep", "スリープに入るため切断した", "retry"),
    ErrorEntry(
        149,
        "hostname_mismatch",
        "The server certificate is for another host name (newer clients only)",
        "証明書のホスト名が一致しない",
        "ask-trust",
    ),
    ErrorEntry(150, "ssl_protocol_version", "No common TLS version", "共通の TLS バージョンがない", "give-up"),
    ErrorEntry(151, "ssl_shared_cipher", "No common TLS cipher", "共通の TLS 暗号がない", "give-up"),
    ErrorEntry(152, "ssl_handshake", "The TLS handshake failed", "TLS ハンドシェイクに失敗した", "retry"),
)

ERRORS = {entry.code: entry for entry in _TABLE}
