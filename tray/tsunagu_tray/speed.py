"""The traffic test's sockets: measure against a server, or be one."""

import asyncio
import os
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import SystemRandom

from tsunagu.errors import TunnelError
from tsunagu_tray.traffic import (
    BLOCK,
    END,
    GREETING,
    Direction,
    Request,
    TrafficClient,
    TrafficError,
    TrafficServer,
    payload,
)

CONNECT_S = 15.0
GREETING_S = 5.0  # as the official client
REPORT_S = 60.0  # for what is still on its way when the time is over; as the official client
ASK_AGAIN_S = 0.2  # likewise
ORPHAN_S = 180.0  # beyond three times the time that a client has named, as the official server
MAX_CONNECTIONS = 256  # at a time, of a server

CONNECT_FAILED, DISCONNECTED = 1, 3  # of the error table


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    host: str
    port: int
    directions: Sequence[Direction]  # of the connections
    span_s: float
    interface: str = ""  # go through this NIC, whatever the routes say


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured."""

    span_s: float
    latency_s: float  # of a TCP connection's opening: there and back
    sent: int  # octets that have come to the server
    received: int


async def measure(plan: Plan) -> Result:
    """Measure.

    Raises:
        TunnelError: the server cannot be reached, or has cut a connection.
        TrafficError: what answers is no traffic server.
    """
    streams: list[_Stream] = []
    try:
        for direction in plan.directions:
            streams += [await _open(plan, direction)]
        started = time.monotonic()
        until = asyncio.get_running_loop().time() + plan.span_s
        session, block = SystemRandom().getrandbits(64), payload(SystemRandom())
        span_ms = int(plan.span_s * 1000)
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(stream.run(Request(stream.direction, session, span_ms), until, block))
                for stream in streams
            ]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    finally:
        for stream in streams:
            stream.socket.close()
    return Result(
        max(task.result() for task in running) - started,
        statistics.median(stream.latency_s for stream in streams),
        sum(stream.client.reported or 0 for stream in streams),
        sum(stream.client.received for stream in streams),
    )


@dataclass(frozen=True, slots=True)
class _Stream:
    socket: socket.socket
    client: TrafficClient
    direction: Direction
    latency_s: float

    async def run(self, request: Request, until: float, block: bytes) -> float:
        """Until that time of the loop; when it was over."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._move(request, block)
            ended = time.monotonic()
            if self.direction is Direction.UP:
                async with asyncio.timeout(REPORT_S):
                    await self._ask()
        except OSError as error:  # or the report does not come
            raise TunnelError(DISCONNECTED, error.strerror or "") from error
        return ended

    async def _move(self, request: Request, block: bytes) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.socket, request.octets)
        while True:
            if self.direction is Direction.UP:
                await loop.sock_sendall(self.socket, block)
            else:
                self.client.receive_data(await _received(self.socket))
            await asyncio.sleep(0)  # or a socket that is always ready has all the time

    async def _ask(self) -> None:
        while self.client.reported is None:
            await asyncio.get_running_loop().sock_sendall(self.socket, END)
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN_S):
                    self.client.receive_data(await _received(self.socket))


async def _open(plan: Plan, direction: Direction) -> _Stream:
    """A connection that the server has greeted."""
    made, latency_s = await _connected(plan)
    stream = _Stream(made, TrafficClient(direction), direction, latency_s)
    try:
        async with asyncio.timeout(GREETING_S):
            while not stream.client.is_greeted:
                stream.client.receive_data(await _received(made))
    except BaseException as error:
        made.close()
        if isinstance(error, OSError):  # the time is over, or it hung up
            raise TrafficError from error
        raise
    return stream


async def _connected(plan: Plan) -> tuple[socket.socket, float]:
    """A socket, and how long it took (s); the first of the server's addresses that answers."""
    loop = asyncio.get_running_loop()
    why = "timed out"
    with suppress(TimeoutError):
        async with asyncio.timeout(CONNECT_S):
            try:
                found = await loop.getaddrinfo(plan.host, plan.port, type=socket.SOCK_STREAM)
            except socket.gaierror as error:
                raise TunnelError(CONNECT_FAILED, f"{plan.host}: {error.strerror}") from error
            for family, kind, protocol, _, address in found:
                made = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
                try:
                    if plan.interface:
                        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, plan.interface.encode())
                    before = time.monotonic()
                    await loop.sock_connect(made, address)
                    return made, time.monotonic() - before
                except OSError as error:
                    made.close()
                    why = os.strerror(error.errno or 0)
                except BaseException:
                    made.close()
                    raise
    raise TunnelError(CONNECT_FAILED, f"{plan.host}:{plan.port}: {why}")


async def _received(sock: socket.socket) -> bytes:
    data = await asyncio.get_running_loop().sock_recv(sock, BLOCK)
    if not data:
        raise ConnectionResetError
    return data


# -- the other side ---------------------------------------------------------------------------------------------------


async def serve(port: int, tell: Callable[[str], None]) -> None:
    """Be a traffic server for everybody who can reach this machine, until interrupted; ``tell`` hears who comes.

    Raises:
        TunnelError: the port cannot be had.
    """
    loop, block = asyncio.get_running_loop(), payload(SystemRandom())
    slots = asyncio.Semaphore(MAX_CONNECTIONS)

    async def one(made: socket.socket) -> None:
        with made, suppress(OSError, TrafficError, TimeoutError):
            await _serve_one(made, block)
        slots.release()

    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        listener = socket.create_server(("", port), family=family, dualstack_ipv6=both, backlog=64)
    except OSError as error:
        raise TunnelError(CONNECT_FAILED, f"port {port}: {error.strerror}") from error
    with listener:
        listener.setblocking(False)
        async with asyncio.TaskGroup() as group:
            while True:
                await slots.acquire()
                made, address = await loop.sock_accept(listener)
                tell(address[0])
                group.create_task(one(made))


async def _serve_one(made: socket.socket, block: bytes) -> None:
    loop, server = asyncio.get_running_loop(), TrafficServer()
    await loop.sock_sendall(made, GREETING)
    async with asyncio.timeout(CONNECT_S):
        while server.request is None:
            server.receive_data(await _received(made))
    async with asyncio.timeout(server.request.span_ms / 1000 * 3 + ORPHAN_S):
        while True:
            if server.request.direction is Direction.DOWN:
                await loop.sock_sendall(made, block)
            else:
                server.receive_data(await _received(made))
                await loop.sock_sendall(made, server.report)
            await asyncio.sleep(0)
