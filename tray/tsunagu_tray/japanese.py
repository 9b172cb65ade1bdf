"""Japanese for sentences that arrive in English: the helper's, and the command line's help.

As in gettext, the English sentence is its own key; ``{name}`` stands for what varies, in the order of the reader's
language.  So errors, the history and the bus carry one plain English sentence, and each reader's side translates it.
Names and the like are put in as they are; what is a phrase of ours (``_PHRASES``) is translated in its turn.
``tests/unit/test_japanese.py`` finds sentences that are missing here.
"""
# ruff: noqa: E501  # a table

import re
from functools import cache

from tsunagu.error_table import ERRORS

_PHRASES = ("what", "deed", "error", "why")


def japanese(sentence: str) -> str:
    """The sentence in Japanese; what is not known stays as it is."""
    if known := _TABLE.get(sentence):
        return known
    for pattern, translated in _patterns():
        if found := pattern.fullmatch(sentence):
            values = found.groupdict()
            return translated.format(**values | {name: japanese(values[name]) for name in _PHRASES if name in values})
    return sentence


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Those with something that varies, the most specific first."""
    varying = [(english, translated) for english, translated in _TABLE.items() if "{" in english]
    varying.sort(key=lambda row: len(re.sub(r"\{\w+\}", "", row[0])), reverse=True)
    return [(_pattern(english), translated) for english, translated in varying]


def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", english)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts)), re.DOTALL
    )


# fmt: off
_TABLE = {
    # -- wrong settings ---------------------------------------------------------------------------------------------
    "The {what} must have 1 to {limit} characters, without control characters or blanks at its ends":
        "{what}は 1 ～ {limit} 文字で入力してください。制御文字と前後の空白は使えません",
    "The {what} must be a host name such as vpn.example.org, or an IP address":
        "{what}には vpn.example.org のようなホスト名か IP アドレスを指定してください",
    "The {what} must lie between {low} and {high}": "{what}は {low} ～ {high} の範囲で指定してください",
    "server": "サーバー",
    "proxy": "プロキシ",
    "name of the connection": "接続設定名",
    "name of the virtual hub": "仮想 HUB 名",
    "user name": "ユーザー名",
    "user name for the proxy": "プロキシのユーザー名",
    "port": "ポート番号",
    "proxy's port": "プロキシのポート番号",
    "source port": "送信元ポート番号",
    "number of TCP connections": "TCP コネクション数",
    "number of retries": "再試行回数",
    "retry interval in seconds": "再試行間隔 (秒)",
    "interval between TCP connections in seconds": "TCP コネクション確立間隔 (秒)",
    "lifetime of a TCP connection in seconds": "TCP コネクションの寿命 (秒)",
    "name of the certificate on the smart card": "スマートカード内の証明書名",
    "name of the private key on the smart card": "スマートカード内の秘密鍵名",
    "The user name for an HTTP proxy must not have a colon in it": "HTTP プロキシのユーザー名にコロンは使えません",
    "Only an HTTP proxy takes headers": "ヘッダーを指定できるのは HTTP プロキシだけです",
    "The proxy's headers must be at most {limit}": "プロキシのヘッダーは {limit} 個までです",
    "The name of a proxy's header must consist of letters, digits and hyphens":
        "プロキシのヘッダー名に使えるのは英数字とハイフンです",
    "The proxy's header {name} must have at most 1024 characters, without control characters or blanks at its ends":
        "プロキシのヘッダー {name} は 1024 文字以内で指定してください。制御文字と前後の空白は使えません",
    "The {what} must be at most {limit}": "{what}は {limit} 個までです",
    "The {what} must be networks such as 192.168.5.0/24 or 2001:db8::/48, which {value} is not":
        "{what}には 192.168.5.0/24 や 2001:db8::/48 のようなネットワークを指定してください ({value} は使えません)",
    "The {what} must be networks of hosts, which {value} is not": "{what}に {value} は指定できません",
    "Without routes (routing none) there can be no extra or excluded networks":
        "経路を設定しない場合は、追加または除外するネットワークは指定できません",
    "A {what} has to be given where addresses are static, and only there": "{what}は、アドレスを手動で設定するとき、そのときだけ指定してください",
    "The {what} must be an address with its prefix length, such as {example}": "{what}には {example} のように、アドレスとプレフィックス長を指定してください",
    "The {what} must be one for a host, which {value} is not": "{what}に {value} は指定できません",
    "fixed address": "固定 IP アドレス",
    "fixed IPv6 address": "固定 IPv6 アドレス",
    "The gateway must be an address in the network of the fixed one, which {value} is not":
        "ゲートウェイには固定アドレスと同じネットワークのアドレスを指定してください ({value} は使えません)",
    "A gateway can be given only beside a fixed address": "ゲートウェイは固定 IP アドレスとともに指定してください",
    "An IPv6 gateway can be given only where IPv6 is not off": "IPv6 ゲートウェイは IPv6 を使うときだけ指定できます",
    "A kill switch takes routing everything: all traffic has to go through the tunnel":
        "キルスイッチを使うには、すべての通信を VPN に通す設定が必要です",
    "The network adapter's name must be tsunagu with up to 8 small letters, digits or underlines behind it":
        "仮想 LAN カードの名前は tsunagu の後に 8 文字以内の英小文字、数字、下線を付けたものにしてください",
    "The MAC address must be a locally administered one of 6 octets, such as 5e:00:00:00:00:01":
        "MAC アドレスは 5e:00:00:00:00:01 のようなローカル管理アドレスにしてください",
    "The DNS servers must be IP addresses, which {value} is not": "DNS サーバーは IP アドレスで指定してください ({value} は使えません)",
    "The DNS servers must be other machines, which {value} is not": "DNS サーバーに {value} は指定できません",
    "DNS servers and DNS domains": "DNS サーバーと DNS ドメイン",
    "DNS domains": "DNS ドメイン",
    "DNS servers have to be given with dns manual, and only with that": "DNS サーバーは、手動設定のとき、そのときだけ指定してください",
    "MTU, if it is not 0,": "MTU (0 以外の場合)",
    "extra networks": "追加するネットワーク",
    "excluded networks": "除外するネットワーク",
    "The server's fingerprint must have 64 hexadecimal digits (SHA-256)":
        "サーバー証明書のフィンガープリント (SHA-256) は 16 進数 64 桁です",
    "The source address must be an IPv4 or IPv6 address": "送信元アドレスには IPv4 か IPv6 アドレスを指定してください",
    "The client certificate must have at most {limit} characters": "クライアント証明書は {limit} 文字以内にしてください",
    "The client certificate must be in PEM form, with nothing but BEGIN CERTIFICATE blocks":
        "クライアント証明書は PEM 形式で、BEGIN CERTIFICATE のブロックだけを含むものにしてください",
    "A hashed password must have 40 hexadecimal digits": "ハッシュ化されたパスワードは 16 進数 40 桁です",
    "The {what} must have at most {limit} characters, none of them NUL": "{what}は NUL 文字を含まない {limit} 文字以内で入力してください",
    "password": "パスワード",
    "proxy's password": "プロキシのパスワード",
    "The secrets may have a password or a hashed password, not both": "パスワードとハッシュ化されたパスワードは、どちらか一方だけを渡してください",
    "The private key must be in PEM form and without passphrase, with nothing but one BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY block":
        "秘密鍵はパスフレーズのない PEM 形式で、BEGIN PRIVATE KEY または BEGIN RSA PRIVATE KEY のブロック 1 つだけにしてください",
    "Secrets have the names {names}, and no others": "秘密情報の名前として使えるのは次のものだけです: {names}",
    "The settings are not valid: {error}": "設定が正しくありません: {error}",
    "The private key is protected by a passphrase, which has to be given": "秘密鍵はパスフレーズで保護されています。パスフレーズを入力してください",
    "The passphrase is wrong, or the file is damaged": "パスフレーズが違うか、ファイルが壊れています",
    "The file holds no certificate that could be read": "ファイルに読み取れる証明書がありません",
    "The file holds no private key that could be read": "ファイルに読み取れる秘密鍵がありません",
    "The file cannot be read: {why}": "ファイルを読み取れません: {why}",
    "{file} cannot be removed: {why}": "{file} を削除できません: {why}",
    "{file} cannot be written: {why}": "{file} に書き込めません: {why}",
    "The file cannot be written: {why}": "ファイルに書き込めません: {why}",
    "There is no private key beside the certificate: name the file that holds it": "証明書のファイルに秘密鍵がありません。秘密鍵のファイルも指定してください",
    "The private key must be an RSA key of 1024 to 4096 bits: VPN servers take no others":
        "秘密鍵は 1024 ～ 4096 ビットの RSA 鍵でなければなりません。VPN サーバーはほかの鍵を受け付けません",
    "The private key does not belong to the certificate": "秘密鍵が証明書のものではありません",
    "Certificate authorities must be BEGIN CERTIFICATE blocks in PEM form": "認証局の証明書は PEM 形式の BEGIN CERTIFICATE ブロックで渡してください",
    "At most {count} certificate authorities of {size} characters are kept; remove one first":
        "認証局は {count} 個、合計 {size} 文字までです。先にどれかを削除してください",
    "There is no certificate authority with this fingerprint": "そのフィンガープリントの認証局はありません",
    "The certificate authorities could not be read: {why}": "認証局を読み取れませんでした: {why}",
    "The certificate authorities could not be saved: {why}": "認証局を保存できませんでした: {why}",
    "The path of the smart card's module must begin with /": "スマートカードのモジュールのパスは / で始めてください",
    "path of the smart card's module": "スマートカードのモジュールのパス",
    "The secrets must be texts": "秘密情報は文字列で渡してください",

    # -- the helper's own errors ------------------------------------------------------------------------------------
    "There is no such connection": "その接続設定はありません",
    "There is no such connection any more": "その接続設定はもうありません",
    "There is no such connection any longer": "その接続設定はもうありません",
    "There is a connection named {name} already": "「{name}」という接続設定は既にあります",
    "{limit} connections are kept for you already; remove one first":
        "接続設定は既に {limit} 個あります。不要なものを先に削除してください",
    "The caller is not on the bus any longer": "要求したプログラムは既にバス上にありません",
    "It could not be found out whether you may {deed}: {error}. Try again, or let an administrator look at the state of polkit":
        "{deed}権限があるか確認できませんでした: {error}。もう一度試すか、管理者に polkit の状態を確認してもらってください",
    "To {deed}, a password has to be given first, and there is nothing here to ask for it: do it in a desktop session, or as root":
        "{deed}にはパスワードの入力が必要ですが、ここでは入力できません。デスクトップセッションで行うか、root で実行してください",
    "To {deed}, a password has to be given: you closed the window that asked for it":
        "{deed}にはパスワードの入力が必要です。入力画面が閉じられました",
    "You may not {deed}: do it in the session at the screen of this machine, or ask an administrator to allow it in polkit":
        "{deed}権限がありません。このコンピューターの画面のセッションで行うか、管理者に polkit での許可を依頼してください",
    "Only root and members of the group {group} may {deed} here: ask an administrator to add you to that group, then log in again":
        "{deed}ことができるのは root とグループ {group} のメンバーだけです。管理者にグループへの追加を依頼し、ログインし直してください",
    "connect or disconnect VPN connections": "VPN に接続または切断する",
    "change VPN connections": "VPN の接続設定を変更する",
    "have a VPN connection reach everybody on the machine (traffic, names), or start with it":
        "このコンピューターの全ユーザーに影響する設定 (すべての通信、名前解決、起動時の自動接続) を変更する",
    "change VPN connections of the whole machine": "コンピューター全体の VPN 接続設定を変更する",
    "control VPN connections of other users": "他のユーザーの VPN 接続を操作する",
    "do this": "この操作を行う",
    "A person has to answer a question first, and there is nothing here to ask it: start the tray icon, or connect with the command tsunagu in a terminal":
        "確認が必要ですが、ここでは確認できません。トレイアイコンを起動するか、端末で tsunagu コマンドを使って接続してください",
    "The question was declined": "キャンセルされました",
    "The question was withdrawn": "確認は取り消されました",
    "Nobody answered the question in time": "時間内に確認が得られませんでした",
    "The administrator of this machine provides this connection, so it can be used, but not changed or removed":
        "この接続設定は管理者が提供しているため、使用できますが、変更や削除はできません",
    "The saved connections could not be read: {why}": "保存された接続設定を読み込めませんでした: {why}",
    "The connection {name} could not be saved: {why}": "接続設定「{name}」を保存できませんでした: {why}",
    "The connection could not be removed: {why}": "接続設定を削除できませんでした: {why}",
    "This machine's id could not be kept: {why}": "このコンピューターの ID を保存できませんでした: {why}",
    "the disk is full. Free some space, then try again": "ディスクに空きがありません。空きを作ってから、もう一度試してください",
    "the disk can only be read. Make it writable, then try again":
        "ディスクに書き込めません。書き込み可能にしてから、もう一度試してください",
    "No DHCP server answered, so the network adapter has no address. Put a DHCP server into the virtual hub's segment, "
    "or switch on SecureNAT's virtual DHCP server on the hub, or set a fixed address on the network adapter":
        "DHCP サーバーから応答がなく、仮想 LAN カードに IP アドレスがありません。仮想 HUB のセグメントに DHCP サーバーを設置するか、"
        "仮想 HUB の仮想 DHCP 機能 (SecureNAT) を使うか、仮想 LAN カードに固定 IP アドレスを設定してください",
    "The DHCP server in the hub's segment offered {what}; ask who runs that network":
        "仮想 HUB のセグメントの DHCP サーバーが提示した内容は使えません ({what})。そのネットワークの管理者に確認してください",
    "The DHCP server in the hub's segment named no router, so all traffic cannot go through the tunnel; "
    "ask who runs that network, or choose to send only its own traffic through the tunnel":
        "仮想 HUB のセグメントの DHCP サーバーがルーターを通知しないため、すべての通信を VPN に通すことができません。"
        "そのネットワークの管理者に確認するか、VPN 先のネットワークへの通信だけを通す設定にしてください",
    "There is no gateway beside the fixed address, so all traffic cannot go through the tunnel; set one":
        "固定 IP アドレスのゲートウェイがないため、すべての通信を VPN に通すことができません。ゲートウェイを指定してください",
    "The hooks still run for what happened before, so they are not run for this":
        "フックは前の出来事の処理がまだ終わっていないため、今回は実行しません",
    "No hooks are run, because {path} cannot be read: {why}": "{path} を読めないため、フックを実行しません: {why}",
    "No hooks are run, because {path} is not a directory itself":
        "{path} がディレクトリそのものではないため、フックを実行しません",
    "The hook {path} is not run, because it is a symbolic link; put the program itself there":
        "フック {path} はシンボリックリンクのため実行しません。プログラム自体を置いてください",
    "The hook {path} is not run: {why}": "フック {path} を実行しません: {why}",
    "{path} is not used for hooks, because others than root can write it; as root: chown root {same} && chmod go-w {again}":
        "{path} には root 以外も書き込めるため、フックには使いません。root で 'chown root {path} && chmod go-w {path}' を実行してください",
    "The hook {path} could not be started: {why}": "フック {path} を開始できませんでした: {why}",
    "The hook {path} was ended, because it took more than {seconds} seconds":
        "フック {path} は {seconds} 秒を超えたため終了させました",
    "The hook {path} failed with exit status {status}; 'journalctl -u tsunagu-helper' shows what it wrote":
        "フック {path} は終了ステータス {status} で失敗しました。出力は 'journalctl -u tsunagu-helper' で確認できます",
    "there is no program nft; install the package nftables": "'nft' がありません。'nftables' パッケージをインストールしてください",
    "nft does not answer": "'nft' が応答しません",
    "The kill switch could not be set: {why}": "キルスイッチを設定できませんでした: {why}",
    "The kill switch could not be kept in {path}: {why}": "キルスイッチを {path} に保存できませんでした: {why}",
    "What is not for the tunnel is blocked by Tsunagu until {name} is disconnected":
        "「{name}」を切断するまで、VPN を通らない通信は Tsunagu により遮断されています",
    "All traffic goes through the tunnel of {holder} already; disconnect {again} first, or let {name} carry only the traffic to its own networks":
        "すべての通信は既に「{holder}」の VPN を通っています。先に「{holder}」を切断するか、「{name}」には VPN 先のネットワークへの通信だけを通してください",
    "The network {network} behind the hub has numbers of the network {local} at {nic}, so machines of one of the two cannot be reached; ask for other numbers on either side":
        "仮想 HUB の先のネットワーク {network} のアドレスが {nic} のネットワーク {local} と重複しているため、どちらかの機器に通信できません。一方のアドレスを変更してもらってください",
    "Names under {domains} are not looked up behind the hub, because that takes systemd-resolved; install it, or set DNS servers of your own for this connection":
        "{domains} の名前は VPN 先の DNS サーバーで解決されません。名前ごとの使い分けには専用のサービス (systemd-resolved) が必要です。インストールするか、この接続に DNS サーバーを手動で指定してください",
    "Names are looked up through {nic} already; disconnect that connection first":
        "名前解決は既に {nic} を通っています。先にその接続を切断してください",
    "{path} could not be changed: {why}": "{path} を変更できませんでした: {why}",
    "{path} could not be put back; the original is in {kept}: {why}": "{path} を元に戻せませんでした。元の内容は {kept} にあります: {why}",
    "systemd-resolved did not take the DNS servers: {why}": "名前解決のサービス (systemd-resolved) に DNS サーバーを設定できませんでした: {why}",
    "resolvconf did not take the DNS servers: {why}": "名前解決の設定プログラム (resolvconf) に DNS サーバーを設定できませんでした: {why}",
    "All traffic could not be led through the tunnel: {why}": "すべての通信を VPN に通すことができませんでした: {why}",
    "Internal error, see the helper's log": "内部エラーです。ヘルパーのログを確認してください",

    # -- what happened: the history ---------------------------------------------------------------------------------
    "Connecting to {server}, virtual hub {hub}": "{server} の仮想 HUB「{hub}」に接続しています",
    "Connected to {server}, session {session}": "{server} に接続しました (セッション {session})",
    "Connected again to {server}, session {session}": "{server} に再接続しました (セッション {session})",
    "The address is {address}": "IP アドレスは {address} です",
    "Disconnected": "切断しました",
    "The password on the server is changed": "サーバー上のパスワードを変更しました",
    "A log-in with a smart card cannot be tried beforehand; save the connection and connect":
        "スマートカード認証は事前に試せません。接続設定を保存してから接続してください",
    "{limit} servers are being asked for you already; wait until that is done":
        "既に {limit} 台のサーバーに問い合わせています。終わるまでお待ちください",
    "Only a standard password can be changed here; its administrator, or the domain's, changes any other":
        "ここで変更できるのは標準パスワード認証のパスワードだけです。その他は管理者に依頼してください",
    "The password is being changed already; wait until that is done":
        "パスワードを変更している最中です。終わるまでお待ちください",
    "The computer goes to sleep": "コンピューターがスリープに入ります",
    "Cancelled": "キャンセルされました",
    "Could not connect: {error}": "接続できませんでした: {error}",
    "Could not connect: {error}; trying again in {seconds} seconds": "接続できませんでした: {error}。{seconds} 秒後に再試行します",
    "The connection has been disconnected: {error}": "切断されました: {error}",
    "The connection has been disconnected: {error}; connecting again": "切断されました: {error}。再接続します",
    "The connection has been disconnected: {error}; trying again in {seconds} seconds":
        "切断されました: {error}。{seconds} 秒後に再試行します",

    # -- reaching the helper ----------------------------------------------------------------------------------------
    "The Tsunagu service has stopped meanwhile": "Tsunagu サービスが途中で停止しました",
    "The Tsunagu service does not answer; 'journalctl -u tsunagu-helper' may say why":
        "Tsunagu サービスが応答しません。journalctl -u tsunagu-helper で原因を確認してください",
    "The Tsunagu service did not answer; 'journalctl -u tsunagu-helper' may say why":
        "Tsunagu サービスが応答しませんでした。journalctl -u tsunagu-helper で原因を確認してください",
    "The Tsunagu service cannot be reached; is it installed, and does 'systemctl status tsunagu-helper' say that it runs?":
        "Tsunagu サービスに接続できません。インストールされているか、動作しているかを systemctl status tsunagu-helper で確認してください",
    "The Tsunagu service answered {name}": "Tsunagu サービスがエラーを返しました: {name}",
    "The system bus does not let you use the Tsunagu service": "システムバスで Tsunagu サービスの利用が許可されていません",
    "There is no connection to the system bus": "システムバスに接続されていません",
    "{error}; is the service 'dbus' running?": "{error}。dbus サービスが動作しているか確認してください",

    # -- setting files ------------------------------------------------------------------------------------------------
    "Line {number}: {what}": "{number} 行目: {what}",
    "The file is not a configuration file of the official client: it has no AccountDatabase":
        "公式クライアントの設定ファイルではありません (\"AccountDatabase\" がありません)",
    "The certificate of an authority is not in DER form": "認証局の証明書が DER 形式ではありません",
    "The file has more than {limit} octets": "ファイルが {limit} オクテットを超えています",
    "A header of the proxy lacks its colon": "プロキシのヘッダーにコロンがありません",
    "A hashed password must have 20 octets": "ハッシュ化されたパスワードは 20 オクテットでなければなりません",
    "The password is not text in UTF-8": "パスワードが UTF-8 の文字列ではありません",
    "The value {name} is not in DER form": "{name} が DER 形式ではありません",
    "This kind of {what} ({number}) is not supported": "この種類の{what} ({number}) には対応していません",
    "authentication": "認証方式",
    "The value {name} must not be of type {kind}": "{name} の型が {kind} であってはなりません",
    "Nothing may follow the brace that closes root": "root を閉じる括弧の後には何も書けません",
    "A brace must follow and open the folder": "フォルダーを開く括弧が必要です",
    "The same value is in line {number} already": "同じ値が既に {number} 行目にあります",
    "Neither a value (type, name, value) nor the beginning or end of a folder":
        "値 (型、名前、値) でも、フォルダーの始まりや終わりでもありません",
    "The outermost folder must be root": "最も外側のフォルダーの名前は root でなければなりません",
    "Folders may be nested at most {limit} deep": "フォルダーの入れ子は {limit} 段までです",
    "The same folder is in line {number} already": "同じフォルダーが既に {number} 行目にあります",
    "The file ends before the brace that closes root": "root を閉じる括弧の前にファイルが終わっています",
    "Two hexadecimal digits must follow a $": "$ の後には 16 進数 2 桁が必要です",
    "Text must be in UTF-8": "文字列は UTF-8 でなければなりません",
    "A value of type byte must be in base64": "「byte」型の値は Base64 でなければなりません",
    "A value of type bool must be true or false": "「bool」型の値は「true」か「false」でなければなりません",
    "The number must be a decimal one between 0 and {limit}": "数値は 0 から {limit} までの 10 進数で指定してください",
    "What Tsunagu has no setting for in a setting file must be at most {limit} characters":
        "設定ファイルのうち Tsunagu が扱わない項目は、合わせて {limit} 文字までです",
    "A setting file needs PEM of the kind BEGIN {kind}, not encrypted":
        "設定ファイルに必要なのは、暗号化されていない BEGIN {kind} 形式の PEM です",

    # -- the command line's help ------------------------------------------------------------------------------------
    "usage: ": "使い方: ",
    "commands": "コマンド",
    "options": "オプション",
    "positional arguments": "引数",
    "COMMAND": "コマンド",
    "NAME": "名前",
    "show this help message and exit": "このヘルプを表示して終了する",
    "show program's version number and exit": "バージョンを表示して終了する",
    "Connect this computer to networks behind SoftEther and PacketiX VPN servers.":
        "このコンピューターを SoftEther / PacketiX VPN サーバーの先のネットワークに接続します。",
    "Exit status: 0 if it was done; 1 if not, with one sentence why; 2 for wrong usage.":
        "終了ステータス: 成功なら 0、失敗なら 1 (理由を 1 文で表示)、使い方の誤りなら 2。",
    "list the virtual hubs that a server names to everybody": "サーバーが公開している仮想 HUB の一覧を表示する",
    "list all connections and their states": "接続設定とその状態の一覧を表示する",
    "save the connection in a .vpn file, with its secrets": "設定ファイルの接続設定を、パスワードなどとともに保存する",
    "a setting file of the official client": "公式クライアントの設定ファイル",
    "what to call it, instead of the name in the file": "接続設定名 (ファイル内の名前の代わり)",
    "write a .vpn file that the official client takes": "公式クライアントの設定ファイルを書き出す",
    "the new file; standard output if none is given": "書き出すファイル (省略すると標準出力)",
    "with the password, which has to be given again, or with --key":
        "パスワード (再入力が必要) または --key の秘密鍵も書き出す",
    "the private key of the user's certificate": "ユーザー証明書の秘密鍵",
    "save a new connection": "新しい接続設定を保存する",
    "let traffic pass outside the tunnel again: lift the kill switch": "キルスイッチを解除し、VPN を通らない通信を許可する",
    "show all settings of a connection": "すべての設定項目を表示する",
    "change settings of a connection": "接続設定の項目を変更する",
    "a setting as 'tsunagu show' names it, and its new value": "設定項目 (一覧と同じ名前) と新しい値",
    "KEY=VALUE": "項目=値",
    "take commands and scripts of the official client's vpncmd": "公式クライアントの vpncmd のコマンドやスクリプトを実行する",
    "as behind vpncmd, for example: localhost /CLIENT /CMD AccountList": "vpncmd の引数と同じ (例: \"localhost /CLIENT /CMD AccountList\")",
    "take over all connections and authorities of the official client; FILE is its vpn_client.config":
        "公式クライアントの接続設定と認証局をすべて取り込む (FILE は \"vpn_client.config\")",
    "give a connection another name": "接続設定の名前を変更する",
    "save a connection like another one, without secrets": "接続設定を複製する (パスワードなどは含まない)",
    "the new name": "新しい名前",
    "forget a connection with its password": "接続設定とパスワードを削除する",
    "the one for the proxy on the way to the server": "サーバーまでの途中にあるプロキシのパスワード",
    "how the user logs in (default: password)": "ユーザー認証の方法 (既定: 標準パスワード認証)",
    "as --auth anonymous": '"--auth anonymous" と同じ',
    "the user's certificate (PEM, DER or PKCS#12)": "ユーザーの証明書 (PEM, DER, PKCS#12)",
    "its private key, where that is in another file": "別のファイルにある場合の秘密鍵",
    "the key's passphrase is the first line of stdin": "標準入力の 1 行目を秘密鍵のパスフレーズとして使う",
    "log in with a client certificate": "クライアント証明書で認証するように変更する",
    "your own certificate authorities, which vouch for servers": "サーバーを保証する自分用の認証局",
    "what to do": "操作",
    "the network adapters of your connections": "接続設定の仮想 LAN カード",
    "the adapter's name, as the list shows it": "仮想 LAN カードの名前 (一覧の表示と同じ)",
    "its new name, or its new MAC address": "新しい名前、または新しい MAC アドレス",
    "the certificate to add, or the one to remove": "追加する証明書、または削除する証明書",
    "with --wait: a smart card's PIN is the first line of stdin": "--wait と併用: 標準入力の 1 行目をスマートカードの PIN として使う",
    "change the user's password on the server": "サーバーに登録されているユーザーのパスワードを変更する",
    "read the old one and the new one from two lines of stdin": "標準入力の 1 行目を古いパスワード、2 行目を新しいパスワードとして読み取る",
    "store a connection's password": "接続設定のパスワードを保存する",
    "connect": "接続する",
    "disconnect, or stop trying": "切断する、または接続の試行をやめる",
    "trust the server's certificate from now on": "今後サーバーの証明書を信頼する",
    "show the server's security policy for a connection": "接続設定のセキュリティポリシーを表示する",
    "show all about one connection, or all": "接続設定 1 つ、またはすべての詳しい状態を表示する",
    "go on until interrupted; with --json one object a line":
        "中断されるまで表示を更新し続ける (--json では接続設定ごとに 1 行 1 件)",
    "with --watch: seconds between two looks (default 1)": "--watch の更新間隔の秒数 (既定値 1)",
    "say what is wrong with this machine and how to mend it": "このコンピューターの問題点と対処方法を表示する",
    "show or change what counts for all": "すべての接続設定に共通の設定を表示、変更する",
    "which one; all if none is given": "項目 (省略するとすべて)",
    "its new value": "新しい値",
    "show what happened, newest last": "これまでの出来事を古い順に表示する",
    "print the names alone, one a line": "名前だけを 1 行に 1 つずつ出力する",
    "print JSON, for scripts": "JSON で出力する (スクリプト用)",
    "what to call it": "接続設定名",
    "the VPN server; port 443 if none is given": "VPN サーバー (ポートを省略すると 443)",
    "the virtual hub on it": "サーバー上の仮想 HUB",
    "the user name there": "ユーザー名",
    "TCP connections to use, 1 to 32 (default 1)": "TCP コネクション数、1 ～ 32 (既定値 1)",
    "trust the server's certificate with this fingerprint": "このフィンガープリントのサーバー証明書を信頼する",
    "go through http://[USER@]HOST:PORT, socks4://... or socks5://...; 'system': the desktop's own":
        "'http://[ユーザー@]ホスト:ポート'、'socks4://...'、'socks5://...' を経由する。'system' はデスクトップの設定に従う",
    "send this header to an HTTP proxy": "HTTP プロキシにこのヘッダーを送る",
    "store the proxy's password, the next line of stdin": "標準入力の次の行をプロキシのパスワードとして保存する",
    "store the password that is the first line of stdin": "標準入力の 1 行目をパスワードとして保存する",
    "the connection's name, or its id": "接続設定名または ID",
    "read it from the first line of stdin": "標準入力の 1 行目から読み取る",
    "return when connected; if that fails, disconnect and say why. In a terminal, asks for what is needed":
        "接続完了まで待つ。失敗したら切断して理由を表示する。端末では必要なことを尋ねる",
    "with --wait: seconds (default 60)": "--wait で待つ秒数 (既定値 60)",
    "trust exactly this one, without a question": "確認なしで、このフィンガープリントだけを信頼する",
    "trust whatever the server shows, without a question": "確認なしで、サーバーが示す証明書を信頼する",
    "so many entries (default 50)": "表示する件数 (既定値 50)",
    "Only its owner may choose the smart card's module, because it runs as that person":
        "スマートカードのモジュールは所有者の権限で動作するため、所有者だけが変更できます",

    # -- the doctor -------------------------------------------------------------------------------------------------
    "There is no user tsunagu-tunnel, so workers run under a number that others might have; run 'sudo systemd-sysusers', then 'sudo systemctl restart tsunagu-helper'":
        "ユーザー tsunagu-tunnel が存在しません。'sudo systemd-sysusers' と 'sudo systemctl restart tsunagu-helper' を実行してください",
    "The process that faces the network does not start: {error}; 'journalctl -u tsunagu-helper' says more":
        "通信用プロセスを起動できません: {error}。'journalctl -u tsunagu-helper' で確認してください",
    "Workers are not kept from system calls; install the package again":
        "通信用プロセスのシステムコールが制限されていません。パッケージを再インストールしてください",
    "This kernel has no Landlock, so only file modes keep workers from files; Linux 5.13 has it, where 'landlock' is among the boot option lsm":
        "このカーネルでは Landlock を使用できないため、通信用プロセスのファイルアクセスはファイルの権限だけで制限されます。Linux 5.13 以降で、起動オプション 'lsm' に 'landlock' を加えてください",
    "Workers start, as user {number}, without capabilities, limited in system calls and files":
        "通信用プロセスは、ユーザー {number} として特権なしで、システムコールとファイルを制限して起動します",
    "The data path is plain Python, as the helper's option --plain wants it":
        "オプション --plain により、通信処理には Python だけを使用しています",
    "The data path is plain Python, which is slow, because its compiled part is missing; install the package for this processor again":
        "コンパイル済みの通信処理がないため低速です。この CPU 用のパッケージを再インストールしてください",
    "The data path is compiled": "コンパイル済みの通信処理を使用しています",
    "No network adapter can be made: {why}; load the kernel's module: 'sudo modprobe tun'":
        "仮想 LAN カードを作成できません: {why}。'sudo modprobe tun' を実行してください",
    "This kernel's virtual network adapters take no packets of many segments, so tunnels are slower":
        "このカーネルの仮想 LAN カードは大きなパケットに対応していないため、通信が低速になります",
    "An earlier run has left this behind: {what}; 'sudo systemctl restart tsunagu-helper' removes it":
        "以前の実行の残りがあります: {what}。'sudo systemctl restart tsunagu-helper' で削除されます",
    "{program} may take Tsunagu's network adapters over, because {path} is missing; install the package again, then restart that service":
        "{path} がないため、{program} が Tsunagu の仮想 LAN カードを管理するおそれがあります。パッケージを再インストールし、そのサービスを再起動してください",
    "The kill switch cannot be used: {why}; install the package nftables":
        "キルスイッチを使用できません: {why}。パッケージ'nftables'をインストールしてください",
    "The kill switch's file is damaged, so what is blocked stays blocked; 'sudo tsunagu unblock' lifts it":
        "キルスイッチのファイルが壊れているため、通信が遮断されたままになります。'sudo tsunagu unblock' で解除してください",
    "The kill switch blocks traffic for no connection; 'sudo tsunagu unblock' lifts it":
        "接続がないのにキルスイッチが通信を遮断しています。'sudo tsunagu unblock' で解除してください",
    "Another program has removed the kill switch of {name}; disconnect, then connect again":
        "「{name}」のキルスイッチが他のプログラムに解除されました。いったん切断し、もう一度接続してください",
    "The kill switch of {name} is in place": "「{name}」のキルスイッチは有効です",
    "Names behind hubs are looked up by way of {name}": "HUB の先の名前解決には {name} を使用します",
    "There is no polkit, so members of the group {name} may use Tsunagu, and nobody else":
        "polkit がないため、グループ「{name}」のメンバーだけが Tsunagu を使用できます",
    "polkit does not say what you may do: {why}; 'systemctl status polkit' says more":
        "polkit が応答しません: {why}。'systemctl status polkit' で確認してください",
    "it does not know the action {name}": "アクション「{name}」が登録されていません",
    "A damaged settings file is kept as {path}; repair it and move it back to the folder connections, or delete it":
        "壊れた設定ファイルが {path} にあります。修復して'connections'フォルダーに戻すか、削除してください",
    "No program of yours answers when a password is needed; start the tray icon, or use 'tsunagu connect --wait'":
        "パスワードの入力を求めるプログラムが動いていません。トレイアイコンを起動するか、'tsunagu connect --wait' を使用してください",

    # -- wrong usage: argparse's own sentences ----------------------------------------------------------------------
    "the following arguments are required: {names}": "次の引数が必要です: {names}",
    "unrecognized arguments: {names}": "不明な引数です: {names}",
    "argument {name}: {error}": "引数 {name}: {error}",
    "expected one argument": "値を 1 つ指定してください",
    "not allowed with argument {name}": "{name} とは同時に指定できません",
    "invalid {kind} value: {value}": "値 {value} は正しくありません",
    "invalid choice: {value} (choose from {choices})": "{value} は指定できません ({choices} から選んでください)",
    "ambiguous option: {option} could match {matches}": "オプション {option} があいまいです ({matches})",
    "ignored explicit argument {value}": "値 {value} は指定できません",
}
_TABLE |= {f"{error.en} (error {error.code})": f"{error.ja}（エラー {error.code}）" for error in ERRORS.values()}
_TABLE |= {f"{error.en} (error {error.code}): {{detail}}": f"{error.ja}（エラー {error.code}）: {{detail}}" for error in ERRORS.values()}
# fmt: on
