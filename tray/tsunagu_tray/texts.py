"""Every sentence the user's side says, in English and Japanese.

The sentences of the protocol's errors come from ``tsunagu.error_table``; those the helper says, from ``japanese``.
"""
# ruff: noqa: E501, ISC004  # a table

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from tsunagu.error_table import ERRORS
from tsunagu.errors import TunnelError
from tsunagu.model import Phase, State
from tsunagu.policy import PolicyItem
from tsunagu_tray.connection_view import LastError
from tsunagu_tray.japanese import japanese
from tsunagu_tray.window_texts import WINDOW_SENTENCES


class Language(Enum):
    """A language we speak; the value is its place in the table's rows."""

    EN = 0
    JA = 1


def language(environ: Mapping[str, str]) -> Language:
    """The language of messages, from the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return Language.JA if re.match(r"ja\b|ja_", locale, re.ASCII) else Language.EN


class Texts:
    """The sentences in one language: ``texts("connected_title", name="Office")``."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of that key with the values put in."""
        return SENTENCES[key][self.language.value].format(**values)

    def state(self, state: State, phase: Phase = Phase.NONE) -> str:
        """One word or two for a list or a tooltip; while connecting, how far it is."""
        if state is State.CONNECTING and f"phase_{phase.value}" in SENTENCES:
            return self(f"phase_{phase.value}")
        return self("state_" + state.value.replace("-", "_"))

    def say(self, sentence: str) -> str:
        """A sentence that came in English, in this language as far as it is known there."""
        return japanese(sentence) if self.language is Language.JA else sentence

    def error(self, error: LastError) -> str:
        """What went wrong: the sentence with its code, and the detail the helper gave."""
        return self.say(error.text or str(TunnelError(error.code)))

    def status_error(self, status: Mapping[str, Any]) -> str:
        """The last error of a status."""
        return self.error(LastError(status["error_name"], status["error_code"], status["error_text"]))

    def advice(self, error: LastError) -> str:
        """What a person may do about it; "" where the table has nothing to say."""
        entry = ERRORS.get(error.code)
        if entry is None:
            return ""
        return entry.advice_ja if self.language is Language.JA else entry.advice_en

    def of_policy(self, item: PolicyItem) -> tuple[str, str]:
        """Name and meaning of a value of the security policy."""
        if self.language is Language.JA:
            return item.name_ja, item.meaning_ja
        return item.name_en, item.meaning_en

    def error_with_advice(self, error: LastError) -> str:
        """Both, for one line."""
        advice = self.advice(error)
        stop = "。" if self.language is Language.JA else ". "
        return self.error(error) + (stop + advice if advice else "")


# fmt: off
SENTENCES: dict[str, tuple[str, str]] = {
    # states, phases
    "state_idle": ("Offline", "オフライン"),
    "state_connecting": ("Connecting…", "接続処理中…"),
    "state_needs_secret": ("Needs your password", "パスワードの入力が必要です"),
    "state_needs_trust": ("Needs your decision on the server's certificate", "サーバー証明書の確認が必要です"),
    "state_waiting": ("Waiting to try again", "再試行を待っています"),
    "state_sleeping": ("Asleep", "スリープ中"),
    "state_up": ("Connected", "接続完了"),
    "state_stopping": ("Disconnecting…", "切断中…"),
    "phase_resolving": ("Looking up the server…", "サーバーを検索中…"),
    "phase_connecting": ("Connecting to the server…", "サーバーに接続中…"),
    "phase_verifying": ("Verifying the server's certificate…", "サーバー証明書を確認中…"),
    "phase_negotiating": ("Negotiating…", "ネゴシエーション中…"),
    "phase_authenticating": ("Authenticating the user…", "ユーザー認証中…"),
    "phase_establishing": ("Establishing the session…", "セッションを確立中…"),
    "phase_redirected": ("Connecting to a server of the cluster…", "クラスタ内のサーバーに接続中…"),
    "no_address_yet": ("no address yet", "アドレス未取得"),

    # errors of our own

    # doctor
    "doctor_well": ("Nothing is wrong with this machine", "問題は見つかりませんでした"),
    "doctor_bad": ("Tsunagu does not work on this machine as it is", "このままでは Tsunagu は動作しません"),
    "doctor_helper": ("The Tsunagu service cannot be reached: {detail} 'systemctl status tsunagu-helper' says more",
                      "Tsunagu サービスに接続できません: {detail}。'systemctl status tsunagu-helper' で確認してください"),
    "doctor_file": ("The file {detail} is missing; install the package again, unless Tsunagu runs from a checkout",
                    "ファイル {detail} がありません。パッケージを再インストールしてください"),
    "doctor_tun": ("There is no /dev/net/tun, so no network adapter can be made; load the kernel's module: 'sudo modprobe tun'",
                   "/dev/net/tun がないため、仮想 LAN カードを作成できません。'sudo modprobe tun' を実行してください"),
    "doctor_clock": ("The clock is years behind, so every certificate seems not to be valid yet; set it",
                     "時計が大きく遅れているため、証明書を検証できません。時刻を合わせてください"),
    "doctor_is_error": ("error", "エラー"),
    "doctor_is_warning": ("warning", "警告"),
    "doctor_is_info": ("note", "情報"),
    "doctor_not_examined": ("The service did not look the machine over: {detail}", "サービスによる診断はできませんでした: {detail}"),
    "doctor_notifications": ("No program here shows notifications, so only the icon tells what happens; install one, such as dunst",
                             "通知を表示するプログラムがありません。dunst などをインストールしてください"),
    "doctor_session": ("There is no desktop session here; that is no matter on a server",
                       "デスクトップセッションがありません。サーバーの場合は問題ありません"),
    "doctor_panel": ("No panel here shows icons of programs; on GNOME, the extension AppIndicator does",
                     "アイコンを表示するパネルがありません。GNOME では拡張機能 AppIndicator を有効にしてください"),
    "doctor_keyring": ("There is no keyring in this session; saved passwords lie in files that only root can read",
                       "このセッションにはキーリングがありません。パスワードは root だけが読めるファイルに保存されます"),

    # menu, tooltip
    "menu_connect": ("_Connect", "接続(_C)"),
    "menu_disconnect": ("_Disconnect", "切断(_D)"),
    "menu_connect_to": ("Connect to {name}", "「{name}」に接続"),
    "menu_disconnect_from": ("Disconnect from {name}", "「{name}」を切断"),
    "menu_retry_now": ("_Retry Now", "今すぐ再試行(_R)"),
    "menu_enter_password": ("Enter _Password…", "パスワードを入力(_P)…"),
    "menu_review_certificate": ("Review _Certificate…", "証明書を確認(_C)…"),
    "menu_disconnect_all": ("Disconnect _All", "すべて切断(_A)"),
    "menu_start_service": ("_Start the Tsunagu Service", "Tsunagu サービスを起動(_S)"),
    "menu_open": ("_Open Tsunagu", "Tsunagu を開く(_O)"),
    "menu_new": ("_New Connection…", "新しい接続設定の作成(_N)…"),
    "menu_details": ("_Status…", "接続の状態(_S)…"),
    "menu_edit": ("_Properties…", "プロパティ(_P)…"),
    "menu_quit": ("_Quit", "終了(_Q)"),
    "menu_preferences": ("Pre_ferences…", "設定(_F)…"),
    "menu_click_connection": ("For a Click on the _Icon", "アイコンのクリックの対象(_I)"),
    "menu_at_start": ("Connect When the Computer _Boots", "スタートアップ接続(_B)"),
    "no_connections": ("No connections yet. Add one with: tsunagu add …",
                       "接続設定がありません。tsunagu add … で追加してください"),
    "service_unavailable": ("The Tsunagu service is not running", "Tsunagu サービスが動作していません"),

    # notifications
    "message_title": ("Message from {name}", "「{name}」からのメッセージ"),
    "connected_title": ("Connected to {name}", "「{name}」に接続しました"),
    "connected_address": ("Your address there is {address}", "IP アドレス: {address}"),
    "connected_no_address": ("Waiting for an address", "IP アドレスの取得を待っています"),
    "lost_title": ("{name} has been disconnected", "「{name}」が切断されました"),
    "failed_title": ("Could not connect to {name}", "「{name}」に接続できませんでした"),
    "retrying_in": ("Trying again in {seconds} s", "{seconds} 秒後に再試行します"),
    "reconnecting": ("Connecting again…", "再接続しています…"),
    "no_dhcp_title": ("{name} is connected, but has no address", "「{name}」に接続しましたが IP アドレスがありません"),
    "no_dhcp_body": (
        "No DHCP server answered behind the hub. One of these helps: put a DHCP server into the hub's segment; "
        "switch on the hub's virtual DHCP function (SecureNAT); or give {interface} a fixed address",
        "仮想 HUB のセグメントに DHCP サーバーがありません。次のいずれかを行ってください: セグメントに DHCP サーバーを設置する、"
        "仮想 HUB の仮想 DHCP 機能 (SecureNAT) を使う、{interface} に固定 IP アドレスを設定する"),
    "service_lost_title": ("The Tsunagu service has stopped", "Tsunagu サービスが停止しました"),
    "service_lost_body": ("Its connections have ended. It can be started again from Tsunagu's icon",
                          "接続は終了しました。Tsunagu のアイコンから再び起動できます"),
    "refused_title": ("{name}: that did not work", "「{name}」: 操作に失敗しました"),
    "password_question_title": ("{name} needs your password", "「{name}」のパスワードが必要です"),
    "proxy_password_question_title": ("{name} needs the password for the proxy", "「{name}」のプロキシのパスワードが必要です"),
    "question_certificate_title": ("Is this the right server for {name}?", "「{name}」のサーバーを確認してください"),
    "question_certificate_changed_title": ("Warning: {name} shows another certificate than before",
                                           "警告: 「{name}」のサーバー証明書が以前と異なります"),
    "question_certificate_body": ("Its certificate has to be judged by you before anything is sent to it",
                                  "接続を続ける前に、サーバー証明書の確認が必要です"),
    "button_retry_now": ("Retry Now", "今すぐ再試行"),
    "button_connect": ("Connect", "接続"),
    "button_enter_password": ("Enter Password", "パスワードを入力"),
    "button_review_certificate": ("Review Certificate", "証明書を確認"),

    # password window
    "password_heading": ("Password for {name}", "「{name}」のパスワード"),
    "proxy_password_heading": ("Password for the proxy of {name}", "「{name}」のプロキシのパスワード"),
    "pin_heading": ("PIN for the smart card of {name}", "「{name}」のスマートカードの PIN"),
    "pin_question_title": ("{name} needs the PIN of your smart card", "「{name}」のスマートカードの PIN が必要です"),
    "pin_again": ("This is the last try: one more wrong PIN locks the card.", "最後の 1 回です。もう一度 PIN を間違えるとカードがロックされます。"),
    "pin_server": ("Smart card", "スマートカード"),
    "pin_label": ("_PIN", "PIN(_P)"),
    "pin_cli_prompt": ("PIN of the smart card {server} for {name}: ", "「{name}」のスマートカード {server} の PIN: "),
    "pin_cli_again": ("This is the last try: one more wrong PIN locks the card", "最後の 1 回です。もう一度 PIN を間違えるとカードがロックされます"),
    "password_server": ("Server", "サーバー"),
    "password_hub": ("Virtual hub", "仮想 HUB"),
    "password_user": ("User", "ユーザー"),
    "password_again": ("The server refused the last password. Check it, and the user name, before you try again.",
                       "前回のパスワードはサーバーに拒否されました。パスワードとユーザー名を確認してください。"),
    "proxy_password_again": ("The proxy refused the last password. Check it, and the user name, before you try again.",
                             "前回のパスワードはプロキシに拒否されました。ユーザー名とパスワードを確認してください。"),
    "password_label": ("_Password", "パスワード(_P)"),
    "password_no_save": ("Do _not save password", "パスワードを保存しない(_N)"),
    "window_cancel": ("_Cancel", "キャンセル(_C)"),
    "window_connect": ("C_onnect", "接続(_O)"),

    # certificate window
    "certificate_heading": ("Is this the right server?", "このサーバーは本物ですか？"),
    "certificate_changed_heading": ("The server's certificate has changed", "サーバー証明書が変わりました"),
    "certificate_why_85": (
        "No authority that this computer knows vouches for {server}. That is usual for a VPN server with a certificate "
        "of its own making. Compare the fingerprint below with the one its administrator gives you.",
        "{server} の証明書は、このコンピューターが知る認証局によって保証されていません。自己署名証明書を使う VPN サーバーではよくあることです。"
        "下のフィンガープリントを、管理者から知らされたものと照合してください。"),
    "certificate_why_106": (
        "The certificate of {server} has expired or is not valid yet. Check this computer's clock; if it is right, "
        "the administrator has to renew the certificate.",
        "{server} の証明書は有効期間外です。コンピューターの時計を確認してください。正しい場合は、管理者による証明書の更新が必要です。"),
    "certificate_why_149": (
        "The certificate is valid, but for another name than {server}. Check the server's name, or compare the "
        "fingerprint below with the one its administrator gives you.",
        "証明書は有効ですが、{server} とは別の名前のものです。サーバー名を確認するか、下のフィンガープリントを管理者から知らされたものと照合してください。"),
    "certificate_why_changed": (
        "You trusted another certificate for {server} before. Somebody may be posing as the server to learn your "
        "password. Go on only if the administrator confirms that the certificate was replaced.",
        "以前に信頼した {server} の証明書とは別のものです。パスワードを盗むために、何者かがサーバーになりすましている可能性があります。"
        "証明書を交換したことを管理者に確認できた場合にだけ、続けてください。"),
    "certificate_subject": ("Issued to", "発行先"),
    "certificate_issuer": ("Issued by", "発行者"),
    "certificate_self_issued": ("Itself (no authority)", "自己署名（認証局なし）"),
    "certificate_validity": ("Valid", "有効期間"),
    "certificate_from_to": ("{start} to {end}", "{start} ～ {end}"),
    "certificate_expired": ("{start} to {end} (not valid today)", "{start} ～ {end}（現在は期間外）"),
    "certificate_fingerprint": ("SHA-256 fingerprint", "SHA-256 フィンガープリント"),
    "certificate_unreadable": ("This certificate cannot be read", "この証明書は読み取れません"),
    "window_trust_always": ("Trust _Always", "常に信頼する(_A)"),
    "window_trust_once": ("Only This _Time", "今回だけ接続(_T)"),

    # command line
    "cli_none_named": ("There is no connection named {name}; see: tsunagu list", "「{name}」という接続設定はありません。tsunagu list で確認してください"),
    "cli_several_named": ("Several users have a connection named {name}; give its id instead: {ids}",
                          "「{name}」という接続設定が複数あります。ID を指定してください: {ids}"),
    "cli_bad_server": ("{server} is not a server: write HOST, HOST:PORT, or [IPv6]:PORT",
                       "{server} はサーバーの指定として正しくありません。HOST、HOST:PORT または [IPv6]:PORT と書いてください"),
    "cli_bad_proxy": ("{proxy} is not a proxy: write http://[USER@]HOST:PORT, socks4://... or socks5://..., or system",
                      "{proxy} はプロキシの指定として正しくありません。http://[ユーザー@]ホスト:ポート、socks4://...、socks5://... または system と書いてください"),
    "cli_proxy_missing": ("A header or password for a proxy takes --proxy with the proxy that it is for",
                          "プロキシのヘッダーやパスワードは、--proxy と一緒に指定してください"),
    "cli_proxy_password_in_url": ("Other users can read the command line; give the proxy's password with --proxy-password-stdin",
                                  "コマンドラインは他の利用者に見えます。プロキシのパスワードは --proxy-password-stdin で渡してください"),
    "cli_proxy_by_script": ("The desktop's settings leave the choice of a proxy to a script (PAC), which Tsunagu does not run; "
                            "name the proxy itself",
                            "デスクトップの設定ではプロキシを自動構成スクリプト (PAC) が選びます。プロキシを直接指定してください"),
    "cli_system_proxy": ("The system's proxy is {proxy}", "システムのプロキシは {proxy} です"),
    "cli_no_system_proxy": ("The system names no proxy for this server, so the connection goes there directly",
                            "システムにこのサーバー用のプロキシ設定がないため、直接接続します"),
    "cli_bad_fingerprint": ("A SHA-256 fingerprint has 64 hexadecimal digits", "SHA-256 フィンガープリントは 16 進数 64 桁です"),
    "password_cli_prompt": ("Password for {name} ({username} at {server}): ", "「{name}」のパスワード ({username}, {server}): "),
    "password_cli_new": ("Password to store for {name}: ", "「{name}」に保存するパスワード: "),
    "password_cli_again": ("The server refused the last password", "前回のパスワードはサーバーに拒否されました"),
    "passwd_cli_old": ("Old password of {name} at {server}: ", "「{name}」({server}) の古いパスワード: "),
    "passwd_cli_new": ("New password: ", "新しいパスワード: "),
    "passwd_cli_again": ("New password once more: ", "新しいパスワード (確認): "),
    "passwd_cli_differ": ("The two new passwords differ, so nothing was changed; try again",
                          "新しいパスワードが一致しないため、変更しませんでした。もう一度実行してください"),
    "cli_passwd_changed": ("The server knows the new password of {name} now", "「{name}」のサーバー上のパスワードを変更しました"),
    "proxy_password_cli_prompt": ("Password for the proxy of {name} ({username} at {server}): ",
                                  "「{name}」のプロキシのパスワード ({username}, {server}): "),
    "proxy_password_cli_new": ("Password to store for the proxy of {name}: ", "「{name}」のプロキシ用に保存するパスワード: "),
    "proxy_password_cli_again": ("The proxy refused the last password", "前回のパスワードはプロキシに拒否されました"),
    "cli_passphrase": ("Passphrase for {file}: ", "{file} のパスフレーズ: "),
    "cli_certificate_missing": ("Name the file of the certificate: --certificate FILE",
                                "証明書のファイルを指定してください: --certificate FILE"),
    "cli_file_unwritable": ("{file} cannot be written: {why}", "{file} に書き込めません: {why}"),
    "cli_key_missing": ("Name the file that holds the private key, with --key", "秘密鍵のファイルを --key で指定してください"),
    "cli_key_without_secrets": ("--key is only of use with --with-secrets: add that, or leave --key out",
                                "--key は --with-secrets と一緒に使用してください"),
    "cli_file_unreadable": ("{file} cannot be read: {why}", "{file} を読めません: {why}"),
    "cli_file_too_long": ("{file} is too long to be a certificate, key or setting file",
                          "{file} は証明書、鍵、接続設定ファイルとしては長すぎます"),
    "cli_authority_added": ("{name} vouches for servers from now on", "「{name}」を今後サーバーの認証局として信頼します"),
    "cli_authority_usage": ("Write: tsunagu ca list, tsunagu ca add FILE, or tsunagu ca remove SHA256",
                            "次のいずれかを入力してください: tsunagu ca list、tsunagu ca add ファイル、tsunagu ca remove SHA256"),
    "cli_nic_usage": ("Write: tsunagu nic list, tsunagu nic enable NIC, tsunagu nic disable NIC, "
                      "tsunagu nic rename NIC NEW, or tsunagu nic mac NIC MAC",
                      "次のいずれかを入力してください: tsunagu nic list、tsunagu nic enable 名前、tsunagu nic disable 名前、"
                      "tsunagu nic rename 名前 新しい名前、tsunagu nic mac 名前 MAC アドレス"),
    "nic_enabled": ("enabled", "有効"),
    "nic_disabled": ("disabled", "無効"),
    "nic_up": ("cable in", "リンクアップ"),
    "nic_down": ("cable out", "リンクダウン"),
    "nic_absent": ("not in use", "未使用"),
    "cli_password_missing": ("No password was given; run this in a terminal, or use --stdin",
                             "パスワードが入力されていません。端末で実行するか、--stdin を使ってください"),
    "cli_certificate": ("{server} shows a certificate with this SHA-256 fingerprint:", "{server} の証明書の SHA-256 フィンガープリント:"),
    "cli_certificate_ask": ("Is it the one its administrator gave you, and shall it be trusted from now on? [y/N] ",
                            "管理者から知らされたものと一致しますか？今後この証明書を信頼しますか？ [y/N] "),
    "cli_certificate_unseen": ("The server's certificate could not be seen: {why}", "サーバー証明書を取得できませんでした: {why}"),
    "cli_not_trusted": ("Not trusted. If the fingerprint is right, run: tsunagu trust {name} --fingerprint {fingerprint}",
                        "信頼しませんでした。フィンガープリントが正しければ次を実行してください: tsunagu trust {name} --fingerprint {fingerprint}"),
    "cli_needs_trust": ("The server's certificate has to be trusted first; run: tsunagu trust {name}",
                        "先にサーバー証明書を信頼する必要があります。次を実行してください: tsunagu trust {name}"),
    "cli_needs_secret": ("A password is needed; run: tsunagu password {kind}{name} --stdin",
                         "パスワードが必要です。次を実行してください: tsunagu password {kind}{name} --stdin"),
    "cli_timed_out": ("Not connected within {seconds:g} s", "{seconds:g} 秒以内に接続できませんでした"),
    "cli_ended": ("The connection was ended meanwhile", "接続は途中で終了されました"),
    "cli_connected": ("Connected to {name}", "「{name}」に接続しました"),
    "cli_address": ("Address: {address}", "IP アドレス: {address}"),
    "cli_retrying": ("{why}; trying again", "{why}。再試行します"),
    "cli_added": ("Added {name}", "「{name}」を追加しました"),
    "cli_changed": ("Changed {name}", "「{name}」を変更しました"),
    "cli_changed_later": ("Changed {name}; it counts from the next time it connects",
        "「{name}」を変更しました。次回の接続から有効になります"),
    "cli_not_an_assignment": ("{word} is not of the form KEY=VALUE", "{word} は「項目=値」の形式ではありません"),
    "cli_no_such_setting": ("There is no setting {setting}; there are: {keys}", "設定項目 {setting} はありません。使える項目: {keys}"),
    "cli_bad_setting": ("The setting {setting} cannot be {value}; it can be: {expected}",
        "設定項目 {setting} に {value} は指定できません。指定できる値: {expected}"),
    "cli_import_what": ("Name the file to import, or use --from-vpnclient", "インポートするファイルか --from-vpnclient を指定してください"),
    "cli_import_partly": ("Not taken over: {count}, for the reasons above", "上記の理由により {count} 件は取り込めませんでした"),
    "hubs_none": ("The server names no virtual hub to everybody; ask its administrator for the name",
                  "サーバーは仮想 HUB の一覧を公開していません。仮想 HUB 名を管理者に確認してください"),
    "cli_renamed": ("{name} is called {new} now", "「{name}」の名前を「{new}」に変更しました"),
    "cli_removed": ("Removed {name}", "「{name}」を削除しました"),
    "cli_trusted": ("The certificate of {name} is trusted from now on", "「{name}」の証明書を今後信頼します"),
    "cli_no_session": ("{name} is not connected, so there is no security policy; run: tsunagu connect {name}",
                       "「{name}」は接続していないため、セキュリティポリシーはありません。tsunagu connect {name} で接続してください"),
    "policy_on": ("Enabled", "有効"),
    "cli_interrupted": ("Interrupted", "中断されました"),

    # the manual's fields (S22-S45), for the status command
    "status_name": ("Connection", "接続設定名"),
    "status_status_text": ("Session status", "セッション接続状態"),
    "status_server_name": ("Server", "サーバー名"),
    "status_server_port": ("Port", "ポート番号"),
    "status_underlay": ("Carried by", "物理通信プロトコル"),
    "status_server_product": ("Server product", "サーバー製品名"),
    "status_server_version": ("Server version", "サーバーバージョン"),
    "status_server_build": ("Server build", "サーバービルド番号"),
    "status_started_at": ("Connection started", "接続開始時刻"),
    "status_first_established_at": ("First session established", "初回セッション確立時刻"),
    "status_established_at": ("Current session established", "現在のセッション確立時刻"),
    "status_established_count": ("Sessions established", "セッション確立回数"),
    "status_half_duplex": ("Half-duplex mode", "半二重モード"),
    "status_carriers": ("TCP connections", "TCP コネクション数"),
    "status_sending_carriers": ("TCP connections that send", "送信用 TCP コネクション数"),
    "status_receiving_carriers": ("TCP connections that receive", "受信用 TCP コネクション数"),
    "status_max_carriers": ("TCP connections at most", "最大 TCP コネクション数"),
    "status_round_trip_ms": ("TCP round trip (ms)", "TCP 往復遅延時間 (ms)"),
    "status_encrypted": ("Encryption", "暗号化"),
    "status_tls_version": ("TLS version", "TLS バージョン"),
    "status_cipher": ("Cipher", "暗号アルゴリズム"),
    "status_compressed": ("Compression", "データ圧縮"),
    "status_compression_saved_percent": ("Saved by compression (%)", "圧縮率 (%)"),
    "status_session_name": ("Session name", "セッション名"),
    "status_connection_name": ("Connection name", "コネクション名"),
    "status_session_key": ("Session key", "セッションキー"),
    "status_bridge_mode": ("Bridge / router mode", "ブリッジ / ルータモード"),
    "status_monitor_mode": ("Monitoring mode", "モニタリングモード"),
    "status_vlan_id": ("VLAN ID", "VLAN ID"),
    "status_udp_acceleration": ("UDP acceleration", "UDP 高速化機能"),
    "status_udp_acceleration_version": ("UDP acceleration version", "UDP 高速化機能のバージョン"),
    "status_qos": ("VoIP / QoS", "VoIP / QoS"),
    "status_sent_octets": ("Sent", "送信データ量"),
    "status_received_octets": ("Received", "受信データ量"),
    "status_sent_unicast_packets": ("Sent unicast packets", "送信ユニキャストパケット数"),
    "status_sent_unicast_octets": ("Sent unicast size", "送信ユニキャスト合計サイズ"),
    "status_sent_broadcast_packets": ("Sent broadcast packets", "送信ブロードキャストパケット数"),
    "status_sent_broadcast_octets": ("Sent broadcast size", "送信ブロードキャスト合計サイズ"),
    "status_received_unicast_packets": ("Received unicast packets", "受信ユニキャストパケット数"),
    "status_received_unicast_octets": ("Received unicast size", "受信ユニキャスト合計サイズ"),
    "status_received_broadcast_packets": ("Received broadcast packets", "受信ブロードキャストパケット数"),
    "status_received_broadcast_octets": ("Received broadcast size", "受信ブロードキャスト合計サイズ"),
    "status_interface": ("Network adapter", "仮想 LAN カード"),
    "status_addresses": ("Addresses", "IP アドレス"),
    "status_blocked": ("Kill switch", "キルスイッチ"),
    "status_routes": ("Routes", "経路"),
    "status_dhcp_server": ("DHCP server", "DHCP サーバー"),
    "status_lease_until": ("Address valid until", "IP アドレスの有効期限"),
    "status_error_text": ("Last error", "最後のエラー"),
    "status_retry_at": ("Next attempt", "次回の再試行時刻"),
    "column_name": ("NAME", "名前"),
    "column_state": ("STATE", "状態"),
    "column_address": ("ADDRESS", "IP アドレス"),
    "column_server": ("SERVER", "サーバー"),
    "column_hub": ("HUB", "仮想 HUB"),
    "yes": ("yes", "はい"),
    "no": ("no", "いいえ"),
    "udp_unsupported": ("not part of this session", "このセッションでは使用できません"),
    "udp_supported": ("supported, not in use", "対応 (未使用)"),
    "udp_in_use": ("in use", "使用中"),
    "octets": ("{count:,} bytes", "{count:,} バイト"),

    # preferences
    "cli_bad_preference": ("The preference {preference} cannot be {value}; it can be: {expected}",
                           "設定項目 {preference} に {value} は指定できません。指定できる値: {expected}"),
    "cli_start_elsewhere": ("That is a setting of each connection; run: tsunagu set NAME connect_at_start=yes",
                            "これは接続設定ごとの項目です。次を実行してください: tsunagu set 接続設定名 connect_at_start=yes"),
    "pref_damaged": ("{file} is damaged, so the usual preferences count; the next change replaces it",
                     "{file} が壊れているため、標準の設定を使用します。次に変更したときに置き換えられます"),

    # tray program
    "no_place_title": ("There is no place for Tsunagu's icon", "Tsunagu のアイコンを表示できません"),
    "no_place_body": (
        "This desktop shows no tray icons; in GNOME the extension AppIndicator adds them. Tsunagu's window does the same",
        "このデスクトップにはトレイがありません。GNOME では拡張機能 AppIndicator で表示できます。Tsunagu の画面でも同じ操作ができます"),
    "already_running": ("Tsunagu's tray icon is already there", "Tsunagu は既に起動しています"),
} | WINDOW_SENTENCES
# fmt: on
