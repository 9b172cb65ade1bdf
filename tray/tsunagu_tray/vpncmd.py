"""``tsunagu vpncmd``: the official client's commands, done by Tsunagu, so that scripts written for them go on."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tsunagu.errors import AlreadyExists, InvalidSettings, NotAuthorized, NotFound, VpnError
from tsunagu.setting_text import InvalidFile
from tsunagu_tray.client import HelperClient
from tsunagu_tray.command_input import file_contents
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.report import printable
from tsunagu_tray.texts import Texts
from tsunagu_tray.vpncmd_deeds import COMMANDS, OTHERS, Deeds
from tsunagu_tray.vpncmd_settings import CHANGES, Options
from tsunagu_tray.vpncmd_words import (
    EXISTS,
    FAILED,
    INVALID,
    NO_RIGHT,
    NO_SUCH_COMMAND,
    NOT_FOUND,
    UNSUPPORTED,
    Refused,
    Words,
    as_csv,
    as_table,
    meant,
    options_of,
    split,
    understand,
)

_CODES: tuple[tuple[type[VpnError], int], ...] = (
    (NotFound, NOT_FOUND),
    (AlreadyExists, EXISTS),
    (InvalidSettings, INVALID),
    (InvalidFile, INVALID),
    (NotAuthorized, NO_RIGHT),
)
_ENGLISH = Texts("en")


class Vpncmd:
    """One run of it."""

    def __init__(self, client: HelperClient, views: Callable[[], Sequence[ConnectionView]]) -> None:
        self._deeds = Deeds(client, views, self._show)
        self._as_csv = False
        self._copy: list[str] | None = None  # of the output, for /OUT

    async def run(self, words: Sequence[str]) -> int:
        """What was typed behind ``vpncmd``; the official exit status: 0, or the number of the last command's error."""
        start = next((n for n, word in enumerate(words) if word.upper() in ("/CMD", "-CMD")), len(words))
        top = understand(words[:start])
        try:
            given = options_of(top, (), ("CLIENT", "SERVER", "TOOLS", "IN", "OUT", "CSV", "PASSWORD"))
            _check_place(top, given)
            script = file_contents(given["IN"], _ENGLISH).decode(errors="replace") if "IN" in given else ""
        except (Refused, VpnError) as error:
            return self._tell(error)
        self._as_csv = "CSV" in given
        self._copy = [] if "OUT" in given else None
        status = 0
        if words[start + 1 :]:
            status = await self._do(words[start + 1 :])
        else:
            for line in script.splitlines() if "IN" in given else sys.stdin:
                command = split(line)
                if command and command[0].lower() in ("exit", "quit"):
                    break
                if command and not command[0].startswith(("#", "rem ", "//")):
                    status = await self._do(command)
        if self._copy is not None:
            try:
                _replace(given["OUT"], "".join(self._copy))
            except OSError as error:
                return self._tell(Refused(INVALID, f"{given['OUT']} cannot be written: {error.strerror}"))
        return status

    async def _do(self, command: Sequence[str]) -> int:
        try:
            name = meant(command[0], [*CHANGES, *COMMANDS, *OTHERS])
            if name in OTHERS:
                raise Refused(UNSUPPORTED, OTHERS[name])
            words = understand(command[1:])
            if change := CHANGES.get(name):
                await self._deeds.change(
                    name, _only(words, "name"), options_of(words, change.required, change.optional)
                )
            else:
                found = COMMANDS[name]
                about = _only(words, found.about) if found.about else ""
                await found.run(self._deeds, about, options_of(words, found.required, found.optional))
        except (Refused, VpnError) as error:
            return self._tell(error)
        if not self._as_csv:
            self._say("The command completed successfully.\n\n")
        return 0

    def _say(self, text: str) -> None:
        text = printable(text)
        sys.stdout.write(text)
        if self._copy is not None:
            self._copy.append(text)

    def _tell(self, error: Refused | VpnError) -> int:
        code = error.code or next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
        head = "" if code == NO_SUCH_COMMAND else f"Error occurred. (Error code: {code})\n"
        self._say(f"{head}{error}\n\n")
        return code

    def _show(self, titles: Sequence[str], table: Iterable[Sequence[str]]) -> None:
        lines = list(table)
        self._say(as_csv(titles, lines) if self._as_csv else as_table(titles, lines))


def _replace(file: str, text: str) -> None:
    Path(file).write_text(text)


def _check_place(top: Words, given: Options) -> None:
    if "SERVER" in given or "TOOLS" in given:
        raise Refused(UNSUPPORTED, "Tsunagu has the commands of /CLIENT only.")
    if top.alone not in ((), ("localhost",), ("127.0.0.1",)):
        raise Refused(UNSUPPORTED, "Tsunagu has no other computer to manage than localhost.")


def _only(words: Words, what: str) -> str:
    if len(words.alone) != 1:
        raise Refused(INVALID, f"Specify one {what}.")
    return words.alone[0]
