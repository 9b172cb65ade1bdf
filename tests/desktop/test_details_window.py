"""The details window on a virtual desktop with a scripted helper: what leads on from it, and what is taken along."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

from tests.desktop.window_rig import ADDRESS, Rig, window_rig
from tests.fakes import make_certificate
from tests.fakes_bus import FakeConnection
from tests.lab.waiting import wait_for
from tsunagu.model import State, Statistics
from tsunagu_tray.certificate import grouped
from tsunagu_tray.traffic import GREETING


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        yield rig


async def details(rig: Rig, **session: Any) -> FakeConnection:
    """Of a connection that is up."""
    office = rig.helper.add("Office")
    office.session = replace(office.session, **session)
    office.statistics = Statistics(carriers=1, round_trip_us=12_340)
    office.show(state=State.UP, addresses=[ADDRESS])
    await rig.open("--details", "Office", title="^Office: Status$")
    await rig.said("Session name")
    return office


async def test_the_details_lead_to_policy_certificates_and_history(rig: Rig) -> None:
    rig.helper.events = [
        {"time": 0.0, "connection": "Office", "id": "c1", "level": "info", "code": 0, "text": "Connected to it"},
        {"time": 1.0, "connection": "Other", "id": "c9", "level": "info", "code": 0, "text": "Of another"},
    ]
    server, client = make_certificate(), make_certificate()
    await details(
        rig, certificate=base64.b64encode(server.der).decode(), client_certificate=base64.b64encode(client.der).decode()
    )

    for button, certificate in (("Server Certificate", server), ("Client Certificate", client)):
        await rig.do(rig.desktop.press, button)
        await rig.said("tsunagu test server")
        await rig.said(grouped(certificate.sha256)[0])
        await rig.front(f"^{button}$")
        await rig.keys("Escape")
        await rig.gone("tsunagu test server")
    await rig.do(rig.desktop.press, "Security Policy")
    await rig.front("^Security Policy$")
    await rig.keys("Escape")
    await rig.do(wait_for, lambda: not rig.desktop.windows("^Security Policy$"), 20, "the end of the policy")
    await rig.do(rig.desktop.press, "History")
    await rig.said("Connected to it")
    assert "Of another" not in await rig.do(rig.desktop.said)


async def test_without_a_certificate_of_ones_own_none_is_offered(rig: Rig) -> None:
    await details(rig)

    button = next(part for part in await rig.do(rig.desktop.parts) if "Client Certificate" in part["name"])

    assert "sensitive" not in button["states"]


async def test_a_certificate_is_saved_to_a_file(rig: Rig, tmp_path: Path) -> None:
    shown = make_certificate()
    await details(rig, certificate=base64.b64encode(shown.der).decode())
    await rig.do(rig.desktop.press, "Server Certificate")
    await rig.front("^Server Certificate$")
    file = tmp_path / "theirs.pem"

    await rig.keys("alt+s")
    await rig.do(wait_for, lambda: len(rig.desktop.windows("^Server Certificate$")) == 2, 20, "the file's window")
    await rig.keys("ctrl+a")
    await rig.type(str(file))
    await rig.keys("Return")

    await rig.do(wait_for, file.exists, 20, "the file")
    assert load_pem_x509_certificate(file.read_bytes()) == load_der_x509_certificate(shown.der)


async def test_all_is_copied_as_text_but_for_what_is_secret(rig: Rig) -> None:
    office = await details(rig)

    await rig.do(rig.desktop.press, "Copy as Text")
    await rig.said("Copied, without secrets")
    copied = await rig.do(rig.desktop.clipboard)

    assert "[Session]" in copied
    assert "Session name: SID-ALICE-1" in copied
    assert "192.168.77.23" in copied
    assert office.session.session_key not in copied


async def test_a_measurement_is_stopped(rig: Rig) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        with suppress(ConnectionError):
            while await reader.read(65536):
                pass
        writer.close()
        ended.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        office = await details(rig)
        office.interface = "lo"
        await rig.do(wait_for, lambda: office.looks > 2, 20, "a look at the new name")
        await rig.do(rig.desktop.press, "Measure…")
        await rig.said("Measure This Connection")
        await rig.type(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await rig.keys("Return")
        await rig.do(rig.desktop.press, "Stop Measuring")

        await rig.said("Measure…")
        async with asyncio.timeout(20):
            await ended.wait()
        assert not any("Measured" in name for name in await rig.do(rig.desktop.said))


async def test_the_details_outlive_the_helper(rig: Rig) -> None:
    office = await details(rig)
    await rig.said("Round trip 12.3 ms")

    await rig.helper.stop()
    await rig.said("The Tsunagu service is not running")
    await rig.helper.start()

    await rig.said("Connected · 192.168.77.23")
    rig.helper.tree.remove(office.path)
    assert await rig.do(rig.program.wait, 20) == 0
