"""Connections that the administrator provides: a file each, which people may use and not change (the "lock mode").

``/etc/tsunagu/connections.d/ID.json`` holds a JSON object with settings under their own names.  Whoever can write there
is root, so nothing of it is taken from a file or a directory that somebody else can write to.
"""

import json
import os
import re
import stat
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from tsunagu.errors import VpnError
from tsunagu.model import ConnectionSettings
from tsunagu.plain import from_plain

MAX_FILE = 1 << 16  # octets

_NAME = re.compile(r"([A-Za-z0-9]{1,32})\.json")
_KINDS = get_type_hints(ConnectionSettings)
_REQUIRED = [field.name for field in fields(ConnectionSettings) if field.default is MISSING]


def provided(directory: Path) -> tuple[dict[str, ConnectionSettings | None], list[str]]:
    """Settings by id, None where a file cannot be used, and a sentence for each of those."""
    found: dict[str, ConnectionSettings | None] = {}
    problems = []
    try:
        paths = sorted(directory.glob("*.json"))
        if paths:
            _check_writers(directory, directory.stat())
    except (OSError, ValueError) as error:
        return {}, [f"No connections are taken from {directory}: {_reason(error)}"]
    for path in paths:
        try:
            if not (name := _NAME.fullmatch(path.name)):
                raise ValueError("its name must consist of letters and digits before the .json")
            found[name[1]] = None
            found[name[1]] = _parse(_read(path))
        except (OSError, ValueError, RecursionError) as error:
            problems.append(f"The connection in {path} is not provided: {_reason(error)}")
    return found, problems


def _parse(text: str) -> ConnectionSettings:
    plain = json.loads(text)
    if not isinstance(plain, dict):
        raise ValueError("it is not a JSON object")
    json.dumps(plain, ensure_ascii=False).encode()  # refuses half characters, which no file and no bus can carry
    values: dict[str, Any] = {}
    for key, value in plain.items():
        if key not in _KINDS:
            raise ValueError(f"there is no setting {json.dumps(key)}")
        try:
            values[key] = from_plain(_KINDS[key], value)
        except (TypeError, ValueError, VpnError) as error:
            raise ValueError(f"{json.dumps(key)} cannot be {json.dumps(value)[:80]}: {error}") from error
    if missing := [name for name in _REQUIRED if name not in values]:
        raise ValueError(f"the setting {json.dumps(missing[0])} is missing")
    try:
        return ConnectionSettings(**values)
    except VpnError as error:
        raise ValueError(str(error)) from error


def _read(path: Path) -> str:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError("it is not a regular file")
        _check_writers(path, facts)
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise ValueError("it is too long")
    return data.decode()


def _check_writers(path: Path, facts: os.stat_result) -> None:
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise ValueError(f"others than root can write {path}: chown root: {path}; chmod go-w {path}")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
