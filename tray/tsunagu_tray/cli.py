"""The command ``tsunagu``: the same helper as the tray's, from a terminal or a script."""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

from tsunagu.errors import HelperUnavailable, VpnError, bus_error_name
from tsunagu_tray.catalogue import languages
from tsunagu_tray.command_line import parser
from tsunagu_tray.commands import Commands
from tsunagu_tray.connection_view import LastError
from tsunagu_tray.terminal import tell
from tsunagu_tray.texts import Texts

WITHOUT_HELPER = (  # as far as they can
    Commands.doctor,
    Commands.explain,
    Commands.preferences,
    Commands.speed,
    Commands.speed_server,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 done, 1 not done (one sentence on stderr says why), 2 wrong usage;
    of ``vpncmd`` the official one.
    """
    texts = Texts(*languages(os.environ))
    options = parser(texts).parse_args(arguments)
    try:
        return asyncio.run(_run(options, texts)) or 0
    except VpnError as error:
        tell("tsunagu: " + texts.error(LastError(bus_error_name(error), error.code, str(error))))
        return 1
    except KeyboardInterrupt:
        tell("tsunagu: " + texts("cli_interrupted"))
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes
        return 1


async def _run(options: argparse.Namespace, texts: Texts) -> int | None:
    command = Commands(options, texts)
    try:
        try:
            if options.run not in WITHOUT_HELPER:
                await command.client.open()
                await command.client.activate()
        except HelperUnavailable:
            if options.run is not Commands.unblock or os.geteuid() != 0:
                raise
            with contextlib.suppress(FileNotFoundError):  # there is no helper on this machine at all
                os.execvp("tsunagu-helper", ["tsunagu-helper", "--unblock"])  # noqa: S606  # root's own PATH
            raise
        run: Callable[[Commands], Awaitable[int | None]] = options.run
        status = await run(command)
        sys.stdout.flush()
        return status
    finally:
        await command.client.close()


if __name__ == "__main__":
    sys.exit(main())
