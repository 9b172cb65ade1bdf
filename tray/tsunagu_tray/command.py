"""One run of ``tsunagu``: what was typed, the helper, and the language of the answer."""

import argparse
import os
from collections.abc import Mapping, Sequence

from tsunagu.errors import NotFound
from tsunagu.model import (
    ConnectionSettings,
    Secret,
)
from tsunagu_tray.attempt import Attempt
from tsunagu_tray.client import HelperClient
from tsunagu_tray.connection_view import ConnectionView, named, of_user
from tsunagu_tray.report import (
    print_json,
    print_lines,
)
from tsunagu_tray.texts import Texts


class Command:
    """What all commands have in common."""

    def __init__(self, options: argparse.Namespace, texts: Texts) -> None:
        self.options = options
        self.texts = texts
        self.client = HelperClient()
        self._attempt = Attempt(self.client, texts)

    def _own(self) -> Sequence[ConnectionView]:
        return of_user(self.client.views.values(), os.getuid())

    def _named(self) -> ConnectionView:
        """The connection of that name, or with that id; of several users' connections one's own."""
        name = self.options.name
        found = named(self.client.views.values(), name, os.getuid())
        if not found:
            raise NotFound(self.texts("cli_none_named", name=name))
        if len(found) > 1:
            raise NotFound(self.texts("cli_several_named", name=name, ids=", ".join(view.id for view in found)))
        return found[0]

    async def _add(self, settings: ConnectionSettings, secrets: Mapping[str, Secret]) -> None:
        self._tell_added(await self.client.add(settings, secrets), settings.name)

    def _tell_added(self, path: str, name: str) -> None:
        if self.options.json:
            print_json({"id": ConnectionView(path=path).id, "name": name})
        else:
            print_lines([self.texts("cli_added", name=name)])
