"""How to bring every window up, in any language: for a look at its names, its room and its picture.

Each function returns the title of the window, as a regular expression.
"""

import base64
import json
import shlex
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace

from tests.desktop.window_rig import ADDRESS, Rig
from tests.fakes import make_certificate
from tests.fakes_bus import FakeConnection
from tsunagu.authorities import Authorities
from tsunagu.errors import TunnelError
from tsunagu.model import AuthType, Session, State
from tsunagu_helper.errand import Trial
from tsunagu_tray.agent import CertificateQuestion, PasswordQuestion

CERTIFICATE = base64.b64encode(make_certificate().der).decode()


def furnish(rig: Rig) -> None:
    """Three connections, one of them up."""
    office = rig.helper.add("Office", host="vpn.example.org", hub="STAFF", username="mika", auth=AuthType.ANONYMOUS)
    office.session = replace(office.session, certificate=CERTIFICATE, max_carriers=2)
    office.policy = {"Access": 1, "MaxConnection": 32, "TimeOut": 20, "MaxMac": 3, "NoBridge": 1, "FixPassword": 1}
    office.show(state=State.UP, addresses=[ADDRESS])
    rig.helper.add("Home", host="home.example.net", hub="HOME", username="mika")
    rig.helper.add("Factory Ōsaka", host="203.0.113.80", hub="LINE1", username="mika")
    rig.helper.authorities = Authorities().having(make_certificate().pem.decode())
    rig.helper.hubs = ["FACTORY", "GUESTS", "STAFF"]
    rig.helper.trial = Trial(session=trial_session(office), certificate=CERTIFICATE)
    told = ("Connecting to vpn.example.org:443, virtual hub STAFF", "Connected to 203.0.113.5, session SID-MIKA-1")
    rig.helper.events = [
        {"time": 1.7e9 + 9 * n, "connection": "Office", "id": "c1", "level": "info", "code": 0, "text": text}
        for n, text in enumerate((*told, "The address is 192.168.77.23"))
    ]


def trial_session(office: FakeConnection) -> Session:
    """What comes of a log-in that is tried."""
    return replace(office.session, message="Maintenance on Sunday, 8 to 10")


def words(rig: Rig, key: str, **values: object) -> str:
    """What a title or button says, without what marks its key."""
    return rig.texts(key, **values).replace("(_", "(").replace("_", "")


async def the_list(rig: Rig) -> str:
    await rig.open()
    await rig.said(f"Office: {rig.texts('list_connected')}")
    return "^Tsunagu$"


async def the_empty_list(rig: Rig) -> str:
    for connection in [*rig.helper.connections.values()]:
        rig.helper.tree.remove(connection.path)
    rig.helper.connections.clear()
    await rig.open()
    await rig.said(rig.texts("list_empty_title"))
    return "^Tsunagu$"


async def the_list_without_service(rig: Rig) -> str:
    await the_list(rig)
    await rig.helper.stop()
    await rig.said(rig.texts("service_unavailable"))
    return "^Tsunagu$"


async def the_menu_of_a_connection(rig: Rig) -> str:
    await the_list(rig)
    await rig.choose(rig.texts("list_menu", name="Office"))
    await rig.said(words(rig, "act_passwd").partition("(")[0])
    return "^Tsunagu$"


async def the_status(rig: Rig) -> str:
    title = f"^{rig.texts('details_title', name='Office')}$"
    await rig.open("--details", "Office", title=title)
    await rig.said("SID-ALICE-1")
    return title


async def _beyond_the_status(rig: Rig, key: str, letter: str, shown: str) -> str:
    await the_status(rig)
    await rig.keys(f"alt+{letter}")
    title = f"^{rig.texts(key).partition('(_')[0].replace('_', '')}$"
    await rig.front(title)
    await rig.said(shown)
    return title


async def the_security_policy(rig: Rig) -> str:
    return await _beyond_the_status(rig, "view_policy", "p", "32")


async def the_servers_certificate(rig: Rig) -> str:
    return await _beyond_the_status(rig, "view_server_certificate", "s", "tsunagu test server")


async def the_history(rig: Rig) -> str:
    return await _beyond_the_status(rig, "view_history", "h", "192.168.77.23")


async def the_measurement(rig: Rig) -> str:
    await the_status(rig)
    await rig.keys("alt+m")
    await rig.said(rig.texts("measure_title"))
    return ".*"


async def _settings(rig: Rig, name: str) -> str:
    title = f"^{rig.texts('set_title', name=name)}$"
    await rig.open("--settings", name, title=title)
    await rig.said(rig.texts("set_hub"))
    return title


async def the_settings(rig: Rig) -> str:
    return await _settings(rig, "Home")


async def the_advanced_settings(rig: Rig) -> str:
    title = await the_settings(rig)
    await rig.choose(rig.texts("set_advanced"))
    await rig.said(rig.texts("set_disconnect_at_logout"))
    return title


async def a_new_connection(rig: Rig) -> str:
    await the_list(rig)
    await rig.keys("ctrl+n")
    title = f"^{rig.texts('set_new_title')}$"
    await rig.front(title)
    await rig.said(rig.texts("set_hub"))
    return title


async def the_hubs(rig: Rig) -> str:
    title = await the_settings(rig)
    await rig.choose(rig.texts("hubs_choose"))
    await rig.said("GUESTS")
    return title


async def the_result_of_a_test(rig: Rig) -> str:
    await _settings(rig, "Office")
    await rig.keys("alt+t")
    await rig.said(rig.texts("trial_good"))
    return ".*"


async def a_test_that_fails(rig: Rig) -> str:
    rig.helper.trial = Trial(error=TunnelError(9))
    await _settings(rig, "Office")
    await rig.keys("alt+t")
    await rig.said(rig.texts("trial_bad"))
    return ".*"


async def the_question_about_a_certificate(rig: Rig) -> str:
    rig.helper.trial = Trial(error=TunnelError(85), certificate=CERTIFICATE)
    await _settings(rig, "Office")
    await rig.keys("alt+t")
    await rig.said(rig.texts("certificate_heading"))
    return ".*"


async def the_change_of_a_password(rig: Rig) -> str:
    await rig.open()
    await rig.choose(rig.texts("list_menu", name="Home"))
    await rig.said(words(rig, "act_passwd").partition("(")[0])
    await rig.keys("w" if "(_W)" in rig.texts("act_passwd") else "h")
    title = f"^{rig.texts('passwd_title')}$"
    await rig.front(title)
    return title


async def a_new_name(rig: Rig) -> str:
    await rig.open()
    await rig.choose("Home: ")
    await rig.keys("F2")
    await rig.said(rig.texts("rename_label"))
    return ".*"


async def the_preferences(rig: Rig) -> str:
    title = f"^{rig.texts('pref_title')}$"
    await rig.open("--preferences", title=title)
    await rig.said("Office")
    await rig.said("tsunagu test server")
    return title


async def the_progress(rig: Rig) -> str:
    rig.helper.on_connect = lambda connection: connection.show(phase="authenticating")
    await rig.open()
    await rig.choose(f"{rig.texts('list_connect')} Home")
    await rig.said(rig.texts("attempt_authenticating"))
    return "^Home$"


async def the_error(rig: Rig) -> str:
    home = [*rig.helper.connections.values()][1]
    await rig.open()
    await rig.said("Home: ")
    home.show(state=State.CONNECTING)
    await rig.said(f"Home: {rig.texts('list_connecting')}")
    home.show(state=State.WAITING, error=TunnelError(1, "timed out"), retry_at=time.time() + 12, attempt=2)
    await rig.said(rig.texts("failed_title", name="Home"))
    return "^Home$"


async def _prompt(rig: Rig, kind: str, question: PasswordQuestion | CertificateQuestion, **more: object) -> str:
    asked = shlex.quote(json.dumps(asdict(question) | more))
    program = shlex.join([sys.executable, *rig.module(kind)])
    await rig.start("sh", "-c", f"(echo {asked}; exec sleep 600) | {program}")
    return "^Tsunagu$"


async def the_prompt_for_a_password(rig: Rig) -> str:
    question = PasswordQuestion(path="/c", name="Home", server="home.example.net:443", hub="HOME", username="mika")
    question = replace(question, again=True, saved_in="keyring", auth=AuthType.PASSWORD.value, fixed=False)
    return await _prompt(rig, "password", question, no_save=False, seconds_left=90)


async def the_prompt_for_a_changed_certificate(rig: Rig) -> str:
    question = CertificateQuestion(
        path="/c", name="Home", server="home.example.net:443", der=CERTIFICATE, sha256="", code=85, changed=True
    )
    return await _prompt(rig, "certificate", question)


Show = Callable[[Rig], Awaitable[str]]
EVERY: dict[str, Show] = {
    "list": the_list,
    "empty": the_empty_list,
    "no-service": the_list_without_service,
    "menu": the_menu_of_a_connection,
    "details": the_status,
    "policy": the_security_policy,
    "server-certificate": the_servers_certificate,
    "history": the_history,
    "measure": the_measurement,
    "settings": the_settings,
    "advanced": the_advanced_settings,
    "new": a_new_connection,
    "hubs": the_hubs,
    "test-good": the_result_of_a_test,
    "test-failed": a_test_that_fails,
    "certificate": the_question_about_a_certificate,
    "password-change": the_change_of_a_password,
    "rename": a_new_name,
    "preferences": the_preferences,
    "progress": the_progress,
    "error": the_error,
    "password": the_prompt_for_a_password,
    "certificate-changed": the_prompt_for_a_changed_certificate,
}
SCROLLS = {"details", "policy", "server-certificate", "history", "settings", "advanced", "new", "hubs", "preferences"}
