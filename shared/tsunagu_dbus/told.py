"""What callers are told when a method of ours fails."""

import asyncio
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from dbus_next import DBusError

from tsunagu.bus_names import ERROR_PREFIX
from tsunagu.errors import VpnError, bus_error_name
from tsunagu_dbus.connection import INTERNAL_ERROR

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])


def told(function: F) -> F:
    """Under ``@method()``: a ``VpnError`` goes over by its bus name and its sentence.

    Anything else is a bug: logged here with its traceback, told as an internal error.
    """

    def tell(error: Exception) -> DBusError:
        if isinstance(error, DBusError):
            return error
        if isinstance(error, VpnError):
            return DBusError(ERROR_PREFIX + bus_error_name(error), str(error))
        log.error("Internal error in %s", function.__qualname__, exc_info=error)
        return DBusError(*INTERNAL_ERROR)

    @wraps(function)
    async def waiting(*arguments: Any) -> Any:
        try:
            return await function(*arguments)
        except Exception as error:  # noqa: BLE001  # told, and logged if unexpected
            raise tell(error) from None

    @wraps(function)
    def direct(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # noqa: BLE001  # told, and logged if unexpected
            raise tell(error) from None

    return cast("F", waiting if asyncio.iscoroutinefunction(function) else direct)
