"""One connection to a bus: dbus-next's asyncio ``MessageBus`` without the traps we met in 0.2.3.

Each override says what it mends.  The parts overridden are private to dbus-next; ``tests/bus`` pins their behaviour.
"""

import asyncio
import logging
import struct
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import dbus_next.aio
from dbus_next import DBusError, Message, MessageFlag, MessageType
from dbus_next._private.unmarshaller import Unmarshaller
from dbus_next.aio.message_bus import _MessageWriter
from dbus_next.errors import AuthError
from dbus_next.service import ServiceInterface

from tsunagu.bus_names import ERROR_PREFIX

log = logging.getLogger(__name__)

INTERNAL_ERROR = (ERROR_PREFIX + "Failed", "Internal error, see the helper's log")

MAX_CALL = 1 << 20  # octets; settings with all their certificates have some hundred thousand
MAX_ANSWER = 1 << 23  # octets; an administrator may see the connections of many

_caller: ContextVar[str] = ContextVar("caller")


def caller() -> str:
    """The unique bus name of whoever sent the method call that is being served, also after an ``await``."""
    return _caller.get()


class Interface(ServiceInterface):
    """What the classes of our objects derive from: dbus-next's ``ServiceInterface`` with types."""

    name: str

    def __init__(self, name: str) -> None:
        super().__init__(name)


class MessageBus(dbus_next.aio.MessageBus):
    """A connection that outlives a burst, tells no traceback and knows each call's sender."""

    unique_name: str  # type: ignore[assignment]  # None only before connect() has returned

    def __init__(self, address: str, *, takes_descriptors: bool = False) -> None:
        super().__init__(bus_address=address, negotiate_unix_fd=takes_descriptors)
        self._writer = _Writer(self)
        self._last_sent: asyncio.Future[None] | None = None
        self._serving: set[asyncio.Future[Any]] = set()
        self.signal_listeners: list[Callable[[Message], None]] = []
        self.add_message_handler(self._before_dispatch)
        # Nobody has to look at why it ended: asyncio shall not complain about that.
        self._disconnect_future.add_done_callback(lambda ended: ended.exception())

    def send(self, msg: Message) -> "asyncio.Future[None]":  # type: ignore[override]  # wrong in dbus-next's base class
        """Queue a message.  On a closed connection nothing happens: the descriptor may be another's by now."""
        if self._disconnected:
            self._last_sent = self._loop.create_future()
            self._last_sent.set_result(None)
        else:
            self._last_sent = super().send(msg)
        return self._last_sent

    async def wait_for_disconnect(self) -> None:
        """Return when the connection has ended, for whatever reason; any number of tasks may wait, and be cancelled."""
        await asyncio.wait({self._disconnect_future})

    async def flush(self) -> None:
        """Wait until all that is queued has gone out, or the connection has ended."""
        if not self._disconnected and self._last_sent is not None:
            await asyncio.wait({self._last_sent, self._disconnect_future}, return_when=asyncio.FIRST_COMPLETED)

    def _before_dispatch(self, message: Message) -> None:
        """Runs in the same synchronous step as the dispatch, hence in the context that a handler's task inherits."""
        if message.message_type is MessageType.METHOD_CALL:
            _caller.set(message.sender)
        elif message.message_type is MessageType.SIGNAL:
            for listener in tuple(self.signal_listeners):
                try:
                    listener(message)
                except Exception:
                    log.exception("Internal error while %s.%s was heard", message.interface, message.member)

    def _make_method_handler(self, interface: Interface, method: Any) -> Any:
        """Keeps the tasks of running calls: the original leaves them to the loop's weak references."""
        if not asyncio.iscoroutinefunction(method.fn):
            return super()._make_method_handler(interface, method)  # type: ignore[no-untyped-call]  # of dbus-next

        def handler(message: Message, reply: _Reply) -> None:
            def done(task: "asyncio.Future[Any]") -> None:
                self._serving.discard(task)
                if task.cancelled():
                    return
                with reply:
                    body, _no_fds = ServiceInterface._fn_result_to_body(task.result(), method.out_signature_tree)
                    reply(Message.new_method_return(message, method.out_signature, body))

            task = asyncio.ensure_future(method.fn(interface, *message.body))
            self._serving.add(task)
            task.add_done_callback(done)

        return handler

    def _send_reply(self, msg: Message) -> "_Reply":
        return _Reply(self, msg)

    def _emit_interface_added(self, path: str, interface: Interface) -> None:
        """Not on the object's own path, as the original does: ``ObjectTree`` tells it on the root's."""

    def _emit_interface_removed(self, path: str, removed_interfaces: list[str]) -> None:
        """As ``_emit_interface_added``."""

    def _message_reader(self) -> None:
        """Drops a message that the library cannot read; the original drops the connection, a gift to attackers."""
        while not self._disconnected:
            try:
                if not self._unmarshaller.unmarshall():
                    return
            except (EOFError, OSError) as error:
                self._finalize(error)
                return
            except (ValueError, TypeError, LookupError, RecursionError) as error:
                if not _is_whole(self._unmarshaller.buf):
                    self._finalize(error)
                    return
                log.warning("Unreadable message on the bus ignored: %r", error)
            else:
                self._on_message(self._unmarshaller.message)
            self._unmarshaller = self._create_unmarshaller()

    def _create_unmarshaller(self) -> "_Unmarshaller":
        return _Unmarshaller(self._stream, self._sock if self._negotiate_unix_fd else None)

    async def _auth_readline(self) -> str:
        """Notices the end of the stream, on which the original spins for ever."""
        line = b""
        while not line.endswith(b"\r\n"):
            octet = await self._loop.sock_recv(self._sock, 1)
            if not octet:
                raise AuthError("the bus closed the connection")
            line += octet
        return line[:-2].decode()

    def _setup_socket(self) -> None:
        """Closes what it opened when nobody listens."""
        try:
            super()._setup_socket()  # type: ignore[no-untyped-call]  # of dbus-next
        except OSError:
            self._close_socket()
            raise

    def _finalize(self, err: Exception | None = None) -> None:
        """Closes the socket too, which the original leaves to the garbage collector."""
        if self._disconnected:
            return
        super()._finalize(err)  # type: ignore[no-untyped-call]  # of dbus-next
        self.signal_listeners.clear()
        self._close_socket()

    def _close_socket(self) -> None:
        try:
            self._stream.close()
        except OSError:
            log.debug("Unsent data on a lost bus connection", exc_info=True)
        self._sock.close()


class _Unmarshaller(Unmarshaller):
    """Does not look into what is of absurd length: the bus carries 32 MiB, which would keep us busy for seconds."""

    def _unmarshall(self) -> None:
        self.offset = 0
        self.read(16, prefetch=True)
        size = _size_of(self.buf)
        if size > (MAX_CALL if self.buf[1] == MessageType.METHOD_CALL.value else MAX_ANSWER):
            self.read(size, prefetch=True)
            raise ValueError(f"{size} octets")
        super()._unmarshall()  # type: ignore[no-untyped-call]  # of dbus-next


class _Writer(_MessageWriter):
    """Waits while the socket is full; the original takes that for the end of the connection, without a word."""

    def write_callback(self) -> None:
        try:
            while self.buf is not None or not self.messages.empty():
                if self.buf is None:
                    octets, _no_fds, self.fut = self.messages.get_nowait()
                    self.buf, self.offset = memoryview(octets), 0
                self.offset += self.sock.send(self.buf[self.offset :])
                if self.offset == len(self.buf):
                    self.buf = None
                    if self.fut is not None and not self.fut.done():
                        self.fut.set_result(None)
            self.loop.remove_writer(self.fd)
        except BlockingIOError:
            return  # the loop calls again when there is room
        except OSError as error:
            self.bus._finalize(error)


class _Reply:
    """Answers one call, at most with the error's own words: the original sends the caller a whole traceback."""

    def __init__(self, bus: MessageBus, call: Message) -> None:
        self._bus = bus
        self._call = call

    def __enter__(self) -> "_Reply":
        return self

    def __call__(self, reply: Message) -> None:
        if not self._call.flags & MessageFlag.NO_REPLY_EXPECTED:
            self._bus.send(reply)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.send_error(error)
        return True

    def send_error(self, error: Exception) -> None:
        """Called by the library for errors in properties."""
        if isinstance(error, DBusError):
            name, text = error.type, error.text
        else:
            name, text = INTERNAL_ERROR
            log.error("Internal error in %s.%s", self._call.interface, self._call.member, exc_info=error)
        self(Message.new_error(self._call, name, text))


def _is_whole(octets: bytearray) -> bool:
    """Whether a message's fixed part, header and body all have been taken from the stream."""
    return len(octets) >= 16 and octets[0] in b"lB" and len(octets) >= _size_of(octets)


def _size_of(octets: bytearray) -> int:
    """Of the whole message, by its fixed part."""
    body_size, _serial, header_size = struct.unpack_from("<III" if octets[0] == ord("l") else ">III", octets, 4)
    size: int = 16 + header_size + (-header_size) % 8 + body_size
    return size
