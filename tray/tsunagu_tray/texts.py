"""Every sentence the user's side says, in English and Japanese.

The sentences of the protocol's errors come from ``tsunagu.error_table``.
"""
# ruff: noqa: E501, ISC004  # a table

from collections.abc import Mapping
from enum import Enum

from tsunagu.error_table import ERRORS
from tsunagu.model import Phase, State
from tsunagu_tray.connection_view import LastError


class Language(Enum):
    """A language we speak; the value is its place in the table's rows."""

    EN = 0
    JA = 1


def language(environ: Mapping[str, str]) -> Language:
    """The language of messages, from the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return Language.JA if locale.lower().startswith("ja") else Language.EN


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

    def error(self, error: LastError) -> str:
        """What went wrong: the sentence with its code, and the detail the helper gave."""
        entry = ERRORS.get(error.code)
        if entry is None:
            return self(key) if (key := f"error_{error.name}") in SENTENCES else error.text
        if self.language is Language.EN:
            return error.text or f"{entry.en} (error {error.code})"
        detail = error.text.removeprefix(f"{entry.en} (error {error.code})").removeprefix(": ")
        return f"{entry.ja}（エラー {error.code}）" + (f": {detail}" if detail else "")

    def advice(self, error: LastError) -> str:
        """What a person may do about it; "" where the table has nothing to say."""
        entry = ERRORS.get(error.code)
        if entry is None:
            return ""
        return entry.advice_ja if self.language is Language.JA else entry.advice_en


# fmt: off
SENTENCES: dict[str, tuple[str, str]] = {
    # states, phases
    "state_idle": ("Offline", "オフライン"),
    "state_connecting": ("Connecting…", "接続処理中…"),
    "state_needs_secret": ("Needs your password", "パスワードの入力が必要です"),
    "state_needs_trust": ("Needs your decision on the server's certificate", "サーバー証明書の確認が必要です"),
    "state_waiting": ("Waiting to try again", "再試行を待っています"),
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
    "error_NoAgent": ("Nobody was there to answer the question for a password or about a certificate",
                      "パスワードや証明書の確認に応答できるプログラムがありません"),
    "error_Cancelled": ("Cancelled", "キャンセルされました"),
    "error_HelperUnavailable": ("The Tsunagu service is not running", "Tsunagu サービスが動作していません"),

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
    "menu_quit": ("_Quit", "終了(_Q)"),
    "no_connections": ("No connections yet. Add one with: tsunagu add …",
                       "接続設定がありません。tsunagu add … で追加してください"),
    "service_unavailable": ("The Tsunagu service is not running", "Tsunagu サービスが動作していません"),

    # notifications
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
    "welcome_title": ("No connections yet", "接続設定がありません"),
    "question_password_title": ("{name} needs your password", "「{name}」のパスワードが必要です"),
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
    "password_server": ("Server", "サーバー"),
    "password_hub": ("Virtual hub", "仮想 HUB"),
    "password_user": ("User", "ユーザー"),
    "password_again": ("The server refused the last password. Check it, and the user name, before you try again.",
                       "前回のパスワードはサーバーに拒否されました。パスワードとユーザー名を確認してください。"),
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

    # tray program
    "already_running": ("Tsunagu's tray icon is already there", "Tsunagu は既に起動しています"),
}
# fmt: on
