"""Objects that tests put on a bus."""
# mypy: disable-error-code="valid-type, name-defined, untyped-decorator"
# (annotations of methods under @method are D-Bus signatures)

import asyncio

from tsunagu.bus_names import AGENT, ERROR_PREFIX, MANAGER
from tsunagu.errors import NotFound, TunnelError
from tsunagu_dbus import (
    DBusError,
    Interface,
    PropertyAccess,
    Variant,
    caller,
    dbus_property,
    method,
    plain,
    told,
)


class Probe(Interface):
    """Shows what a method of ours sees and what its caller is told; each call waits for ``go``."""

    def __init__(self, name: str = MANAGER) -> None:
        super().__init__(name)
        self.go = asyncio.Event()
        self.go.set()
        self.number = 0

    @method()
    @told
    async def WhoAsks(self) -> "as":
        before = caller()
        await self.go.wait()
        return [before, caller()]

    @method()
    @told
    def WhoAsksAtOnce(self) -> "s":
        return caller()

    @method()
    @told
    async def Fail(self, kind: "s") -> None:
        if kind == "refused":
            raise TunnelError(9)
        if kind == "missing":
            raise NotFound("No connection of that name")
        raise RuntimeError("the password is tiger")

    @method()
    def FailUntold(self) -> None:
        raise RuntimeError("the password is tiger")

    @dbus_property(PropertyAccess.READ)
    def Number(self) -> "i":
        return self.number

    @dbus_property(PropertyAccess.READ)
    def Broken(self) -> "i":
        if self.number < 0:
            raise RuntimeError("the password is tiger")
        return 0


class ScriptedAgent(Interface):
    """An agent that answers as told; ``answer`` None: a person who thinks."""

    def __init__(self) -> None:
        super().__init__(AGENT)
        self.answer: str | None = "tiger"
        self.chosen: dict[str, str] = {}
        self.asked: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    @method()
    async def GetSecrets(self, connection: "o", kind: "s", hints: "a{sv}", flags: "u") -> "a{sv}":
        self.asked.put_nowait(("GetSecrets", (connection, kind, plain(hints), flags)))
        chosen = {key: Variant("s", value) for key, value in self.chosen.items()}
        return {"secret": Variant("s", await self._answer()), "save": Variant("b", True)} | chosen

    @method()
    async def ConfirmCertificate(self, connection: "o", certificate: "a{sv}") -> "s":
        self.asked.put_nowait(("ConfirmCertificate", (connection, plain(certificate))))
        return await self._answer()

    @method()
    async def Sign(self, connection: "o", card: "a{sv}", digest: "s") -> "a{sv}":
        self.asked.put_nowait(("Sign", (connection, plain(card), digest)))
        return {"certificate": Variant("s", "Q0VSVA=="), "signature": Variant("s", await self._answer())}

    @method()
    async def SaveSecret(self, connection: "o", kind: "s", hints: "a{sv}", secret: "s") -> None:
        self.asked.put_nowait(("SaveSecret", (connection, kind, plain(hints), secret)))
        await self._answer()

    @method()
    def ForgetSecrets(self, connection: "o", kinds: "as") -> None:
        self.asked.put_nowait(("ForgetSecrets", (connection, kinds)))

    @method()
    def Cancel(self, connection: "o") -> None:
        self.asked.put_nowait(("Cancel", connection))

    async def _answer(self) -> str:
        if self.answer is None:
            await asyncio.Event().wait()
        if self.answer == "cancel":
            raise DBusError(ERROR_PREFIX + "Cancelled", "")
        if self.answer == "no keyring":
            raise DBusError(ERROR_PREFIX + "NoKeyring", "")
        if self.answer == "away":
            raise DBusError(ERROR_PREFIX + "Away", "")
        if self.answer == "fail":
            raise DBusError("org.example.Broken", "")
        assert self.answer is not None
        if self.answer.startswith("card: "):
            raise DBusError(ERROR_PREFIX + self.answer.removeprefix("card: "), str(TunnelError(25, "locked")))
        return self.answer
