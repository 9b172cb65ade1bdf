"""Real child processes that speak the control socket, well and badly."""

import asyncio
import json
import logging
import os
import re
import select
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes_helper import SESSION
from tsunagu.control import (
    Errand,
    Established,
    Failed,
    HubsListed,
    Leased,
    PasswordChanged,
    Progress,
    Start,
    Stop,
    encode,
)
from tsunagu.errors import TunnelError
from tsunagu.model import ConnectionSettings, Phase, Secret, Secrets, Statistics, Traffic
from tsunagu_helper import worker as worker_module
from tsunagu_helper.surroundings import WorkerMessage
from tsunagu_helper.worker import LOG_LINES, Program, Worker

ODD_WORKER = str(Path(__file__).parent.parent / "odd_worker.py")
START = Start(
    settings=ConnectionSettings(name="Office", host="vpn.example.org", hub="DEMO", username="alice"),
    secrets=Secrets(password=Secret("hunter2")),
    mac="5e:00:00:00:00:01",
    accepted_fingerprint="",
    machine_id="0" * 32,
)
CHANGE = replace(START, errand=Errand.PASSWORD, new_password=Secret("new"))
HUBS, TRIAL = replace(START, errand=Errand.HUBS), replace(START, errand=Errand.TRIAL)


class Attempt:
    """One worker, what it said and how it ended."""

    def __init__(self, behaviour: str, start: Start = START) -> None:
        self.messages: list[WorkerMessage] = []
        self.ends: list[tuple[TunnelError, str]] = []
        self.changed = asyncio.Event()
        self.tap, self.peer = os.pipe()
        os.write(self.peer, b"TAP")
        self.worker = Worker(
            Program(uid=os.getuid(), gid=os.getgid(), command=(ODD_WORKER, behaviour)),
            self.tap if start.errand is Errand.SESSION else None,
            start,
            on_message=self._said,
            on_end=self._ended,
        )

    def _said(self, message: WorkerMessage) -> None:
        self.messages.append(message)
        self.changed.set()

    def _ended(self, error: TunnelError, certificate: str) -> None:
        self.ends.append((error, certificate))
        self.changed.set()

    async def said(self, kind: type[WorkerMessage]) -> None:
        async with asyncio.timeout(30):
            while not any(isinstance(message, kind) for message in self.messages):
                self.changed.clear()
                await self.changed.wait()

    async def end(self) -> tuple[TunnelError, str]:
        async with asyncio.timeout(30):
            while not self.ends:
                self.changed.clear()
                await self.changed.wait()
        assert len(self.ends) == 1
        return self.ends[0]

    @property
    def pid(self) -> int:
        return self.worker._process.pid


@pytest.fixture
async def attempt(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Attempt]:
    """A worker that behaves as the test's parameter says; nothing of it may be left."""
    monkeypatch.setattr(worker_module, "STOP_S", 0.3)
    monkeypatch.setattr(worker_module, "STATISTICS_S", 0.3)
    caplog.set_level(logging.INFO)
    fds = set(os.listdir("/proc/self/fd"))
    attempt = Attempt(*request.param) if isinstance(request.param, tuple) else Attempt(request.param)
    yield attempt
    await attempt.end()
    with pytest.raises(ProcessLookupError):  # reaped, too
        os.kill(attempt.pid, 0)
    os.close(attempt.tap)
    os.close(attempt.peer)
    assert set(os.listdir("/proc/self/fd")) == fds


def ends_soon(pid: int) -> bool:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(pidfd):
        return bool(select.select([pidfd], [], [], 10)[0])


def behaving(behaviour: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("attempt", [behaviour], indirect=True, ids=["" if "{" in behaviour else behaviour])


@pytest.mark.parametrize("attempt", [("changes password", CHANGE)], indirect=True, ids=["changes"])
async def test_a_worker_that_has_changed_a_password_has_done_its_work(attempt: Attempt) -> None:
    assert (await attempt.end())[0].code == 6
    assert attempt.messages == [PasswordChanged()]


@pytest.mark.parametrize("attempt", [("lists hubs", HUBS)], indirect=True, ids=["hubs"])
async def test_a_worker_that_has_listed_hubs_has_done_its_work(attempt: Attempt) -> None:
    assert (await attempt.end())[0].code == 6
    assert attempt.messages == [HubsListed(hubs=("LAB", "STAFF"))]


@pytest.mark.parametrize("attempt", [("good", TRIAL)], indirect=True, ids=["trial"])
async def test_what_a_worker_says_behind_the_session_that_it_tried_is_not_heard(attempt: Attempt) -> None:
    assert (await attempt.end())[0].code == 6
    assert [type(message) for message in attempt.messages] == [Progress, Established]


@pytest.mark.parametrize(
    "attempt",
    [
        ("changes password", START),
        ("changes password", TRIAL),
        ("lists hubs", CHANGE),
        ("good", CHANGE),
        ("good", HUBS),
    ],
    indirect=True,
    ids=["unasked", "trial", "hubs", "session", "session instead of hubs"],
)
async def test_a_worker_does_nothing_but_what_it_is_for(attempt: Attempt) -> None:
    assert "out of turn" in (await attempt.end())[0].detail


@behaving("good")
async def test_a_good_worker_is_heard_asked_and_stopped(attempt: Attempt) -> None:
    await attempt.said(Leased)
    statistics, same = await asyncio.gather(attempt.worker.statistics(), attempt.worker.statistics())
    attempt.worker.stop()
    error, _ = await attempt.end()

    assert [type(message) for message in attempt.messages] == [Progress, Established, Leased]
    assert attempt.messages[0] == Progress(phase=Phase.CONNECTING, detail="203.0.113.5")
    assert statistics == same == Statistics(carriers=1, sent=Traffic(unicast_packets=5), wire_sent_octets=100)
    assert error.code == 6


@behaving("good")
async def test_what_could_steer_a_terminal_is_taken_out_of_texts(attempt: Attempt) -> None:
    await attempt.said(Established)
    attempt.worker.stop()

    [session] = [message.session for message in attempt.messages if isinstance(message, Established)]
    assert session.server_product == "Test [31m Server"
    assert session.message == "Welcome\nall"


@behaving("surroundings")
async def test_a_worker_gets_its_two_descriptors_and_nothing_of_our_surroundings(
    attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    await attempt.end()

    said = re.findall(r"worker: (\[.*)", caplog.text)
    [environment, directory, leads_its_session], descriptors, start = (json.loads(line) for line in said)
    assert set(environment) <= {"PATH", "LANG", "PYTHONPATH", "LC_CTYPE"}
    assert (directory, leads_its_session) == ("/", True)
    assert len(descriptors) == 6  # standard ones, TAP, control socket, and the one that lists them
    assert start == [{"value": "hunter2"}, "TAP"]


@behaving("fails")
async def test_the_reason_of_a_failed_attempt_is_one_line(attempt: Attempt) -> None:
    error, certificate = await attempt.end()

    assert (error.code, error.detail, certificate) == (9, "as asked", "")


@behaving("fails before it hears")
async def test_a_worker_that_leaves_before_it_hears_what_it_is_for_says_why(attempt: Attempt) -> None:
    os.waitid(os.P_PID, attempt.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222  # before we read a word
    error, _ = await attempt.end()

    assert (error.code, error.detail) == (23, "as it was")


@behaving("untrusted")
async def test_a_certificate_nobody_vouches_for_comes_along(attempt: Attempt) -> None:
    error, certificate = await attempt.end()

    assert (error.code, certificate) == (85, "REVS")


@behaving("fails-and-stays")
async def test_a_worker_that_does_not_leave_after_failing_is_killed(attempt: Attempt) -> None:
    assert (await attempt.end())[0].code == 1


@behaving("closes-and-stays")
async def test_a_worker_that_only_closes_its_socket_is_killed(attempt: Attempt) -> None:
    assert (await attempt.end())[0].detail == "the worker ended unexpectedly"


@behaving("ignores-stop")
async def test_a_worker_that_does_not_stop_is_killed(attempt: Attempt) -> None:
    await attempt.said(Leased)
    attempt.worker.stop()

    assert (await attempt.end())[0].code == 6


@behaving("crashes")
async def test_a_crash_can_be_tried_again(attempt: Attempt) -> None:
    error, _ = await attempt.end()

    assert (error.code, error.remedy.value) == (23, "retry")
    assert [type(message) for message in attempt.messages] == [Progress, Established, Leased]


@behaving("raises")
async def test_a_traceback_goes_to_the_log_line_by_line_and_escaped(
    attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    error, _ = await attempt.end()

    assert error.code == 23
    assert r"Office: worker: RuntimeError: a bug\x1b[31m" in caplog.messages
    assert "Office: worker: Traceback (most recent call last):" in caplog.messages


@behaving("chatter")
async def test_a_talkative_worker_does_not_fill_the_log(attempt: Attempt, caplog: pytest.LogCaptureFixture) -> None:
    assert (await attempt.end())[0].code == 1

    assert len(caplog.messages) <= LOG_LINES + 1
    assert max(len(line) for line in caplog.messages) < 500


@behaving("ignores-statistics")
async def test_statistics_that_do_not_come_are_not_waited_for(attempt: Attempt) -> None:
    await attempt.said(Leased)
    with pytest.raises(TimeoutError):
        await attempt.worker.statistics()
    waiting = asyncio.create_task(attempt.worker.statistics())
    attempt.worker.stop()

    with pytest.raises(TimeoutError):
        await waiting


@behaving("leaves-a-child")
async def test_what_a_worker_started_goes_with_it(attempt: Attempt, caplog: pytest.LogCaptureFixture) -> None:
    await attempt.end()

    [child] = re.findall(r"worker: (\d+)", caplog.text)
    assert await asyncio.to_thread(ends_soon, int(child))


MISBEHAVIOUR = {
    "garbage": "Not a control message",
    "too-long": "too long",
    "flood": "too many messages",
    encode(Stop()).decode(): "not for the helper",
    '{"type": "Leased", "lease": {"address": "1.2.3.4", "prefix_length": 24, "server": "", "lifetime_s": 1}}': "turn",
    '{"type": "NoLease", "reason": "silence"}': "NoLease out of turn",
    '{"type": "StatisticsReport", "statistics": {}}': "StatisticsReport out of turn",
    '{"type": "Progress", "phase": "dancing"}': "Not a control message",
    '{"type": "Progress", "phase": "connecting", "detail": 5}': "Not a control message",
    '{"type": "Progress", "phase": "connecting", "detail": "%s"}' % ("x" * 40_000): "too long",
    '{"type": "Failed", "code": 99999999999999999999}': "too large",
    '{"type": "Failed", "code": 85, "certificate": "!"}': "Not a certificate",
    '{"type": "NeedSignature", "digest": "abc"}': "Not a digest",
    encode(Established(session=replace(SESSION, carrier_address="nowhere"))).decode(): "Not an address",
    "[" * 5000: "Not a control message",
}


@pytest.mark.parametrize(
    ("attempt", "reason"),
    MISBEHAVIOUR.items(),
    indirect=["attempt"],
    ids=[name[:40] for name in MISBEHAVIOUR],
)
async def test_a_worker_that_misbehaves_is_killed_at_once(attempt: Attempt, reason: str) -> None:
    error, _ = await attempt.end()

    assert (error.code, error.remedy.value) == (23, "retry")
    assert reason in error.detail


async def test_a_worker_that_cannot_be_started_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    fds = set(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(sys, "executable", "/nonexistent")

    with pytest.raises(FileNotFoundError):
        Worker(Program(0, 0), 0, START, on_message=lambda _: None, on_end=lambda _, __: None)

    assert set(os.listdir("/proc/self/fd")) == fds


async def test_a_worker_that_cannot_be_watched_is_not_left_running(monkeypatch: pytest.MonkeyPatch) -> None:
    fds = set(os.listdir("/proc/self/fd"))
    pids: list[int] = []

    def no_descriptors(pid: int) -> int:
        pids.append(pid)
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", no_descriptors)
    with pytest.raises(OSError, match="Too many"):
        Worker(Program(0, 0, (ODD_WORKER, "good")), 0, START, on_message=lambda _: None, on_end=lambda _, __: None)

    [pid] = pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert set(os.listdir("/proc/self/fd")) == fds


def test_code_that_is_not_installed_is_found_but_nothing_else_steers_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "helper:shared")
    monkeypatch.setenv("PYTHONINSPECT", "1")

    assert Program(1, 2).arguments(7, 8)[1:] == [
        "-P", "-s", "-m", "tsunagu_tunnel", "--tap-fd", "7", "--control-fd", "8", "--uid", "1", "--gid", "2",
    ]  # fmt: skip
    environment = worker_module._environment()
    assert environment["PYTHONPATH"] == f"{Path('helper').resolve()}:{Path('shared').resolve()}"
    assert "PYTHONINSPECT" not in environment

    monkeypatch.delenv("PYTHONPATH")
    assert Program(1, 2).arguments(7, 8)[1] == "-I"
    assert "PYTHONPATH" not in worker_module._environment()


def test_a_failed_message_round_trips() -> None:
    assert worker_module._checked(encode(Failed(code=1, detail="x"))) == Failed(code=1, detail="x")
