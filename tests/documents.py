"""Pages that are made from the program's own tables: ``python -m tests.documents`` writes them, a test compares."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import tsunagu_client
from tests.pictures import gallery
from tests.settings_page import settings
from tsunagu.bus_names import AGENT, CONNECTION, MANAGER, ROOT_PATH, SERVICE, connection_path
from tsunagu.error_table import ERRORS, ErrorEntry
from tsunagu_client import Client, Connection, State
from tsunagu_helper import bus
from tsunagu_helper.service import ConnectionService
from tsunagu_tray.agent import Agent
from tsunagu_tray.texts import Texts
from tsunagu_tray.vpncmd_deeds import COMMANDS, OTHERS
from tsunagu_tray.vpncmd_settings import CHANGES

AGENT_PLACE = """\
the path that was given to `RegisterAgent`, on the connection of the program that gave it. The helper calls it to reach a person: the
owner of a connection, or for what is everybody's whoever connected it. Only the owner of `org.tsunagu.VPN1` may call; refuse others.
Of several agents the newest is asked first. `Cancelled` is a person's no; with any other error the next one is asked. A connection is
named by its object path"""
DOCS = Path(__file__).parents[1] / "docs"
_ADMINISTRATION = ErrorEntry(0, "", "", "").advice  # of errors that no client meets


def troubleshooting() -> str:
    """By number, in English."""
    head = """\
# Troubleshooting, by error number

Every message that has a number names it: `(error 9)`. Here is what each one means and what helps. In the terminal `tsunagu log NAME`
shows what happened; `journalctl -u tsunagu-helper` has the service's side.
"""
    tail = """
## Of the administration of servers

No client should meet these. If you do, tell the server's administrator.

| number | |
| --- | --- |
"""
    return _by_number(head, tail, Texts("en"), ".")


def troubleshooting_ja() -> str:
    """By number, in Japanese."""
    head = """\
# エラー番号別トラブルシューティング

番号のあるエラーは、メッセージに `(エラー 9)` のように番号が付きます。意味と対処方法は次のとおりです。`tsunagu log NAME` でこれまでの
出来事を、`journalctl -u tsunagu-helper` でサービス側の記録を確認できます。
"""
    tail = """
## サーバー管理に関するエラー

通常、クライアントでは発生しません。表示された場合は、サーバーの管理者に伝えてください。

| 番号 | |
| --- | --- |
"""
    return _by_number(head, tail, Texts("ja"), "。")


def _by_number(head: str, tail: str, texts: Texts, stop: str) -> str:
    """Every error of the table: with advice what a client can meet, the others as rows."""
    text = head
    for each in ERRORS.values():
        if each.advice != _ADMINISTRATION:
            text += f"\n## {each.code} {texts.say(each.sentence)}\n\n{texts.say(each.advice)}{stop}\n"
    text += tail
    for each in ERRORS.values():
        if each.advice == _ADMINISTRATION:
            text += f"| {each.code} | {texts.say(each.sentence)} |\n"
    return text


def bus_api() -> str:
    """The helper's interfaces, from their introspection and the docstrings of what does the work."""
    text = f"""\
# The D-Bus interface

The helper owns `{SERVICE}` on the system bus. `{ROOT_PATH}` lists all connections that you may see by
`org.freedesktop.DBus.ObjectManager`; properties change by `PropertiesChanged`. polkit decides on each call. Names, signatures and
meanings here do not change within a major version; properties and dictionary keys may be added. Errors are
`{SERVICE}.Error.NAME` with one sentence; names, numbers and sentences are those of the [troubleshooting page](troubleshooting.md).
Settings are the ones of `tsunagu show`, statuses those of `tsunagu status --json`.

```sh
busctl introspect {SERVICE} {ROOT_PATH}
busctl call {SERVICE} {ROOT_PATH} org.freedesktop.DBus.ObjectManager GetManagedObjects
busctl call {SERVICE} {ROOT_PATH} {MANAGER} GetEvents u 5
busctl get-property {SERVICE} {ROOT_PATH} {MANAGER} Version
```
"""
    none = cast("Any", None)  # they need nothing to describe themselves
    for name, place, interface, kind in (
        (MANAGER, f"`{ROOT_PATH}`", bus.ManagerObject(none, none).introspect(), bus.ManagerObject),
        (
            CONNECTION,
            f"`{connection_path('ID')}`",
            bus.ConnectionObject(none, "", {}).introspect(),
            bus.ConnectionObject,
        ),
        (AGENT, AGENT_PLACE, Agent(none, none, none, none).introspect(), Agent),
    ):
        text += f"\n## {name}\n\nAt {place}.\n\n| method | takes | gives | |\n| --- | --- | --- | --- |\n"
        meanings = _meanings(kind)
        for method in interface.methods:
            takes, gives = (
                ", ".join(f"`{arg.signature}` {arg.name or ''}".rstrip() for arg in args)
                for args in (method.in_args, method.out_args)
            )
            text += f"| {method.name} | {takes} | {gives} | {meanings[method.name]} |\n"
        if interface.properties:
            text += "\n| property | type |\n| --- | --- |\n"
            text += "".join(f"| {each.name} | `{each.signature}` |\n" for each in interface.properties)
    return text


def _meanings(kind: type) -> dict[str, str]:
    """Of each method: its docstring, or the first line of that of what it calls of the service."""
    found = {}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(kind)))):
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            found[node.name] = " ".join((ast.get_docstring(node) or "").split())
        if isinstance(node, ast.AsyncFunctionDef):
            for call in ast.walk(node):
                match call:
                    case ast.Attribute(value=ast.Attribute(attr="_service"), attr=name):
                        found[node.name] = _first_line(getattr(ConnectionService, name))
    return found


def python() -> str:
    """The client module, from its own words."""
    text = f"""\
# The Python module

`tsunagu_client` does for programs what the command does for people; the command, the tray and the windows stand on the same parts.
With the packages it is there for programs that begin with `#!/usr/lib/tsunagu/bin/python -I`; a wheel brings it to any Python.
[An example](examples/connect.py).

```python
from tsunagu_client import Client

{_example(tsunagu_client)}
```

{_paragraphs(tsunagu_client).partition(">>>")[2].partition(chr(10) * 2)[2]}

## Client

{_paragraphs(Client)}

| method | |
| --- | --- |
"""
    for name, method in vars(Client).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            takes = str(inspect.signature(method)).replace("self, ", "").replace("self", "").partition(" -> ")
            gives = re.sub(r"[a-z_.]+\.", "", takes[2].replace(Connection.__name__, "Connection"))
            text += f"| `{name}{takes[0]}` → `{gives}` | {' '.join(_paragraphs(method).split())} |\n"
    lines = inspect.getsource(Connection).splitlines()
    meanings = {line.partition(":")[0].strip(): line.partition("  # ")[2] for line in lines if "  # " in line}
    text += "\n## Connection\n\nFrozen: a later state is another object.\n\n| field | |\n| --- | --- |\n"
    text += "".join(f"| `{field.name}` | {meanings.get(field.name, '')} |\n" for field in fields(Connection))
    for name, value in vars(Connection).items():
        if isinstance(value, property):
            text += f"| `{name}` | {_first_line(value)} |\n"
    states = ", ".join(f"`{state.name}`" for state in State)
    return text + f"\n`state` is one of `State`: {states}.\n"


def _example(of: object) -> str:
    lines = (inspect.getdoc(of) or "").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")))


def _paragraphs(of: object) -> str:
    return (inspect.getdoc(of) or "").replace("``", "`")


def _first_line(of: object) -> str:
    return (inspect.getdoc(of) or "").splitlines()[0]


def vpncmd() -> str:
    """Each command of the official client, from the tables of ``tsunagu vpncmd``."""
    text = """\
# The commands of vpncmd

All 75 commands that the official `vpncmd` has for its client, and what `tsunagu vpncmd` makes of them. Tables, `/CSV` and exit statuses are
the official ones; a command that is refused has exit status 33 and says why. `make test` runs the same scripts through both programs.

| command | parameters | with Tsunagu |
| --- | --- | --- |
"""
    for name in sorted([*CHANGES, *COMMANDS, *OTHERS]):
        takes: tuple[str, ...] = ()
        said = "done"
        if change := CHANGES.get(name):
            takes, said = (*change.required, *(f"[{each}]" for each in change.optional)), change.refusal or said
        elif command := COMMANDS.get(name):
            takes = (*command.required, *(f"[{each}]" for each in command.optional))
            meaning = _first_line(command.run).partition(": ")[2] or _first_line(command.run).partition("; ")[2]
            said = f"done; {meaning.rstrip('.')}" if meaning else said
        else:
            said = OTHERS[name]
        shown = said if said.startswith("done") else f"refused: {said.rstrip('.')}"
        text += f"| {name} | {' '.join(takes)} | {shown} |\n"
    return text


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """(language, text) of everything on a page that can be typed or run; of a manual page its examples."""
    text = (DOCS.parent / page).read_text()
    if not page.endswith(".md"):
        yield from (("sh", example) for example in re.findall(r"\.EX\n(.*?)\.EE", text.replace("\\-", "-"), re.DOTALL))
    yield from re.findall(r"^```([a-z]+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def shown(folder: Path) -> set[Path]:
    """The pictures of a folder that pages show, whether they are there or not."""
    pages = [DOCS.parent / "README.md", *DOCS.rglob("*.md")]
    links = (page.parent / link for page in pages for link in re.findall(r"!\[[^]]*\]\((.+?)\)", page.read_text()))
    return {picture for link in links if (picture := link.resolve()).parent == folder.resolve()}


PAGES = {
    "settings.md": settings,
    "windows.md": gallery,
    "vpncmd.md": vpncmd,
    "troubleshooting.md": troubleshooting,
    "troubleshooting.ja.md": troubleshooting_ja,
    "dbus-api.md": bus_api,
    "python.md": python,
}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make())
