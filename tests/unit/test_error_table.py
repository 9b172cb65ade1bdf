"""Every error number of the protocol has its row, with the reference client's name and a remedy that fits."""

import pytest

from tsunagu.error_table import ERRORS
from tsunagu.errors import Remedy, TunnelError, bus_error_name
from tsunagu_tray.texts import Texts

# number:name of the reference client's ERR_ constants, and what it is worth to try: nothing ("fatal") unless said
# otherwise.  0 is no error; 70 to 72 are unused.
FACTS = """
1:connect_failed:retry 2:server_is_not_vpn:retry 3:disconnected:retry 4:protocol_error 5:client_is_not_vpn
6:user_cancel 7:authtype_not_supported 8:hub_not_found 9:auth_failed:secret 10:hub_stopping:late
11:session_removed:retry 12:access_denied 13:session_timeout:retry 14:invalid_protocol:retry
15:too_many_connection:retry 16:hub_is_busy:late 17:proxy_connect_failed:retry 18:proxy_error:retry
19:proxy_auth_failed:secret 20:too_many_user_session:late 21:license_error:late 22:device_driver_error:retry
23:internal_error 24:secure_device_open_failed 25:secure_pin_login_failed:secret 26:secure_no_cert
27:secure_no_private_key 28:secure_cant_write 29:object_not_found 30:vlan_already_exists 31:vlan_install_error
32:vlan_invalid_name 33:not_supported 34:account_already_exists 35:account_active 36:account_not_found
37:account_inactive 38:invalid_parameter 39:secure_device_error 40:no_secure_device_specified 41:vlan_is_used
42:vlan_for_account_not_found 43:vlan_for_account_used 44:vlan_for_account_disabled 45:invalid_value
46:not_farm_controller 47:trying_to_connect:retry 48:connect_to_farm_controller:retry
49:could_not_host_hub_on_farm:retry 50:farm_member_hub_admin 51:null_password_local_only:secret
52:not_enough_right 53:listener_not_found 54:listener_already_exists 55:not_farm_member
56:cipher_not_supported 57:hub_already_exists 58:too_many_hubs 59:link_already_exists
60:link_cant_create_on_farm 61:link_is_offline 62:too_many_access_list 63:too_many_user 64:too_many_group
65:group_not_found 66:user_already_exists 67:group_already_exists 68:user_authtype_not_password
69:old_password_wrong:secret 73:link_cant_disconnect 74:account_not_present 75:already_online 76:offline
77:not_rsa_1024 78:snat_cant_disconnect 79:snat_need_standalone 80:snat_not_running 81:se_vpn_block
82:bridge_cant_disconnect 83:local_bridge_stopping 84:local_bridge_unsupported 85:cert_not_trusted:trust
86:product_code_invalid 87:version_invalid 88:capture_device_add_error 89:vpn_code_invalid
90:capture_not_found 91:layer3_cant_disconnect 92:layer3_sw_exists 93:layer3_sw_not_found 94:invalid_name
95:layer3_if_add_failed 96:layer3_if_del_failed 97:layer3_if_exists 98:layer3_table_add_failed
99:layer3_table_del_failed 100:layer3_table_exists 101:bad_clock 102:layer3_cant_start_switch
103:client_license_not_enough:retry 104:bridge_license_not_enough:retry 105:server_cant_accept:retry
106:server_cert_expires 107:monitor_mode_denied 108:bridge_mode_denied 109:ip_address_denied
110:too_many_items 111:memory_not_enough:retry 112:object_exists 113:fatal 114:server_license_failed
115:server_internet_failed:retry 116:client_license_failed 117:bad_command_or_param 118:invalid_license_key
119:no_vpn_server_license 120:no_vpn_cluster_license 121:not_adminpack_server 122:not_adminpack_server_net
123:beta_expires 124:branded_c_to_s 125:branded_c_from_s 126:auto_disconnected 127:client_id_required
128:too_many_users_created 129:subscription_is_older 130:illegal_trial_version 131:nat_t_two_or_more
132:duplicate_ddns_key 133:ddns_hostname_exists 134:ddns_hostname_invalid_char 135:ddns_hostname_too_long
136:ddns_hostname_is_empty 137:ddns_hostname_too_short 138:mschap2_password_need_reset:secret
139:ddns_disconnected:retry 140:special_listener_icmp_error 141:special_listener_dns_error
142:openvpn_is_not_enabled 143:not_supported_auth_on_opensource 144:vpngate 145:vpngate_client
146:vpngate_inclient_cant_stop 147:not_supported_function_on_opensource 148:suspending:retry
149:hostname_mismatch:trust 150:ssl_protocol_version 151:ssl_shared_cipher 152:ssl_handshake:retry
"""
NAMES = {int(number): name for number, name, *_ in (fact.split(":") for fact in FACTS.split())}
CLASSES = {int(number): (rest or ["fatal"])[0] for number, _, *rest in (fact.split(":") for fact in FACTS.split())}
REMEDIES = {
    "retry": Remedy.RETRY,
    "late": Remedy.RETRY_LATE,
    "secret": Remedy.ASK_SECRET,
    "trust": Remedy.ASK_TRUST,
    "fatal": Remedy.GIVE_UP,
}
ON_PURPOSE = {
    23: Remedy.RETRY,  # of our own: a worker crashed; the next one is a new process
    106: Remedy.ASK_TRUST,  # an expired certificate is a question to a person, as an unknown one is
    138: Remedy.GIVE_UP,  # another password does not help: the administrator has to set this one anew
}


def test_the_facts_are_complete() -> None:
    assert set(NAMES) == set(range(1, 153)) - {70, 71, 72}


def test_every_number_has_its_name() -> None:
    assert {code: entry.name for code, entry in ERRORS.items()} == NAMES


@pytest.mark.parametrize("code", NAMES)
def test_a_remedy_is_the_facts_or_differs_on_purpose(code: int) -> None:
    expected = REMEDIES[CLASSES[code]]

    assert ON_PURPOSE.get(code) is not expected
    assert TunnelError(code).remedy is ON_PURPOSE.get(code, expected)


@pytest.mark.parametrize("code", NAMES)
def test_a_row_is_told_in_english_and_japanese_without_a_final_stop(code: int) -> None:
    for sentence in (ERRORS[code].sentence, ERRORS[code].advice):
        assert sentence[0].isupper() or sentence[0].isdigit()
        assert not sentence.endswith(".")
        japanese = Texts("ja").say(sentence)
        assert any("\u3040" <= letter <= "\u9fff" for letter in japanese)
        assert not japanese.endswith("。")


def test_names_on_the_bus_are_unique() -> None:
    assert len({bus_error_name(TunnelError(code)) for code in ERRORS}) == len(ERRORS)


@pytest.mark.parametrize("code", [0, 70, 153, 4_000_000_000])
def test_an_unknown_number_is_still_told(code: int) -> None:
    assert str(code) in str(TunnelError(code))
