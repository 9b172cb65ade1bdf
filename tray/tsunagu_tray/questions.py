"""The helper's questions in the tray: a window at once for whoever just clicked, else a notification that opens it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import asdict
from typing import Any, TypeVar

from tsunagu.errors import Away, Cancelled
from tsunagu.model import Secret
from tsunagu_tray.agent import PIN, CertificateQuestion, PasswordAnswer, PasswordQuestion, Verdict
from tsunagu_tray.memory import Memory, Remembered
from tsunagu_tray.prompt import ask
from tsunagu_tray.texts import Texts
from tsunagu_tray.tray_model import Do, Notice, Verb, Withdraw
from tsunagu_tray.turn import Turn

T = TypeVar("T")

ANSWER_S = 600  # a person may have to look the password up; then nobody is there
AWAY = "Somebody else is at the screen now"
JUST_CLICKED_S = 30.0  # so long after a click in the tray its window is expected


class Questions:
    """The agent's ``Answerer`` for a desktop.  ``waiting`` has the kind of each question whose window is not open."""

    def __init__(
        self,
        texts: Texts,
        memory: Memory[Remembered],
        say: Callable[[Iterable[Notice | Withdraw]], None],
        on_change: Callable[[], None],
        clock: Callable[[], float],
        turn: Turn,
    ) -> None:
        self._texts = texts
        self._memory = memory
        self._say = say
        self._on_change = on_change
        self._clock = clock
        self._turn = turn
        self._clicks: dict[str, float] = {}  # path -> when it was last connected from the tray
        self._wanted: dict[str, float] = {}  # path -> when its window was last asked for
        self._interrupted: set[str] = set()  # paths of questions whose windows were open when another's turn came
        self._doors: dict[str, asyncio.Event] = {}
        self._screen = asyncio.Lock()  # one window at a time; the others come up after it
        self.waiting: dict[str, str] = {}

    def clicked(self, path: str) -> None:
        """The person has just asked for this connection: a window that follows is no surprise."""
        self._clicks[path] = self._clock()
        self.open(path)

    def open(self, path: str) -> None:
        """Open the window of a question that waits."""
        self._wanted[path] = self._clock()
        if path in self._doors:
            self._doors[path].set()

    async def password(self, question: PasswordQuestion) -> PasswordAnswer | None:
        """Ask for a password.

        Raises:
            Away: nobody can see the window now.
        """
        asking = self._password(question)
        if question.kind == PIN:
            return await asking  # the card's session waits, so this cannot be asked again later
        return await self._in_sight(question.path, asking)

    async def _password(self, question: PasswordQuestion) -> PasswordAnswer | None:
        await self._wait_to_ask(question)
        async with self._screen:
            more = {"no_save": self._memory.values.no_save, "seconds_left": ANSWER_S}
            answer = await ask("password", asdict(question) | self._when(question.path) | more)
        if answer is None:
            return None
        self.clicked(question.path)  # who has just typed is still there, should it be refused
        save = bool(answer["save"])
        if not question.save_forbidden:
            self._memory.remember(no_save=not save)
        username, auth = str(answer.get("username", "")), str(answer.get("auth", ""))
        return PasswordAnswer(secret=Secret(str(answer["secret"])), save=save, username=username, auth=auth)

    async def may_unlock(self, question: PasswordQuestion) -> bool:
        """The keyring's window is as much a surprise as ours; whoever declines it gets ours.

        Raises:
            Away: nobody can see it now.
        """
        await self._in_sight(question.path, self._wait_to_ask(question))
        self.clicked(question.path)
        return True

    def unsaved(self, question: PasswordQuestion) -> None:
        """Say that the keyring did not take it."""
        title = self._texts("unsaved_title", name=question.name)
        self._say([Notice(key=question.path + "/unsaved", title=title, body=self._texts("unsaved_body"))])

    async def _wait_to_ask(self, question: PasswordQuestion) -> None:
        title = self._texts(f"{question.kind}_question_title", name=question.name)
        body = " – ".join(filter(None, (question.username, question.hub, question.server)))
        if question.again:
            body = self._texts(f"{question.kind}_again")
        await self._wait_to_open(question.path, "password", title, body)

    async def certificate(self, question: CertificateQuestion) -> Verdict:
        """Have a certificate judged.

        Raises:
            Away: nobody can see it now.
        """
        return await self._in_sight(question.path, self._certificate(question))

    async def _certificate(self, question: CertificateQuestion) -> Verdict:
        key = "question_certificate_changed_title" if question.changed else "question_certificate_title"
        title = self._texts(key, name=question.name)
        body = self._texts("question_certificate_body")
        await self._wait_to_open(question.path, "certificate", title, body)
        async with self._screen:
            answer = await ask("certificate", asdict(question) | self._when(question.path))
        return Verdict(answer["verdict"]) if answer else Verdict.NO

    def _when(self, path: str) -> dict[str, float]:
        """Whoever has typed elsewhere since then keeps the keyboard."""
        return {"wanted_at": self._wanted.get(path, 0)}

    async def _in_sight(self, path: str, asking: Coroutine[Any, Any, T]) -> T:
        """Ask while this session is the one at the screen; a window that was open then is no surprise afterwards."""
        if not self._turn.is_ours:
            asking.close()
            raise Away(AWAY)
        answered = asyncio.ensure_future(asking)
        gone = asyncio.ensure_future(self._turn.gone.wait())
        try:
            await asyncio.wait({answered, gone}, return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                return answered.result()
            if path not in self.waiting:
                self._interrupted.add(path)
            raise Away(AWAY)
        finally:
            for task in (answered, gone):
                task.cancel()
            await asyncio.gather(answered, gone, return_exceptions=True)

    async def _wait_to_open(self, path: str, kind: str, title: str, body: str) -> None:
        """Return when the window may come up: at once after a click, or again; else when somebody wants it."""
        if path in self._interrupted or self._clock() - self._clicks.get(path, -JUST_CLICKED_S) < JUST_CLICKED_S:
            self._interrupted.discard(path)
            return
        label = self._texts("button_enter_password" if kind == "password" else "button_review_certificate")
        button: Any = (label, Do(Verb.ANSWER, path))
        key = path + "?"  # apart from what is said about the connection's state
        door = self._doors[path] = asyncio.Event()
        self.waiting[path] = kind
        self._on_change()
        self._say([Notice(key=key, title=title, body=body, urgency=2, button=button)])
        try:
            async with asyncio.timeout(ANSWER_S):
                await door.wait()
        except TimeoutError:
            raise Cancelled("Cancelled") from None
        finally:
            if self._doors.get(path) is door:
                del self._doors[path], self.waiting[path]
                self._say([Withdraw(key)])
                self._on_change()
