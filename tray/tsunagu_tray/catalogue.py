"""The translations: gettext's, one compiled catalogue a language, made from ``po/``."""

import gettext
import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

DOMAIN = "tsunagu"
FOLDER = Path(__file__).with_name("locale")


class Message(NamedTuple):
    """An English sentence as the catalogues know it, where it is more than the sentence."""

    one: str
    many: str = ""  # for another number in ``{count}`` than 1
    context: str | None = None  # where the same English has another translation than elsewhere


class Catalogue:
    """The translations into the first of these languages that has one of a sentence."""

    def __init__(self, *languages: str, folder: Path = FOLDER) -> None:
        self._found = gettext.translation(DOMAIN, folder, languages, fallback=True)

    @property
    def translates(self) -> bool:
        """Whether there is any catalogue; else all stays English."""
        return isinstance(self._found, gettext.GNUTranslations)

    def find(self, message: str | Message, count: int = 1) -> str:
        """What stands for it, with its ``{names}``; the English where nothing else is known."""
        if isinstance(message, str):
            return self._found.gettext(message) if message else ""  # that of "" is the catalogue's own description
        one, many, context = message
        if many and context:
            return self._found.npgettext(context, one, many, count)
        if many:
            return self._found.ngettext(one, many, count)
        return self._found.pgettext(context, one) if context else self._found.gettext(one)


def languages(environ: Mapping[str, str]) -> list[str]:
    """Those that the person reads, the dearest first, as gettext has it: LANGUAGE, which may name several; then the
    first of LC_ALL, LC_MESSAGES and LANG that is set, without which LANGUAGE does not count.  English needs no
    catalogue, so nothing behind it is asked.
    """
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    if re.match(r"(C|POSIX)?(\.|$)", locale):
        return []
    wanted = [*environ.get("LANGUAGE", "").split(":"), locale]
    return list(takewhile(lambda name: not re.match(r"en([_.@]|$)", name), filter(None, wanted)))
