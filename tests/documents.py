"""Pages that are made from the program's own tables: ``python -m tests.documents`` writes them, a test compares."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from tsunagu.bus_names import CONNECTION, MANAGER, ROOT_PATH, SERVICE, connection_path
from tsunagu.error_table import ERRORS, ErrorEntry
from tsunagu_helper import bus
from tsunagu_helper.service import ConnectionService

DOCS = Path(__file__).parents[1] / "docs"
_ADMINISTRATION = ErrorEntry(0, "", "", "", "").advice_en  # of errors that no client meets


def troubleshooting() -> str:
    """By number, in English."""
    head = """\
# Troubleshooting, by error number

Every message that has a number names it: `(error 9)`. Here is what each one means and what helps. In the terminal `tsunagu log NAME`
shows what happened; `journalctl -u tsunagu-helper` has the service's side. Errors that only the administration of servers meets are
left out.

"""
    return head + "".join(f"## {e.code} {e.en}\n\n{e.advice_en}.\n\n" for e in _errors()).rstrip("\n") + "\n"


def troubleshooting_ja() -> str:
    """By number, in Japanese."""
    head = """\
# エラー番号別トラブルシューティング

番号のあるエラーは、メッセージに `(エラー 9)` のように番号が付きます。意味と対処方法は次のとおりです。`tsunagu log NAME` でこれまでの
出来事を、`journalctl -u tsunagu-helper` でサービス側の記録を確認できます。サーバー管理だけに関するエラーは省いています。

"""
    return head + "".join(f"## {e.code} {e.ja}\n\n{e.advice_ja}。\n\n" for e in _errors()).rstrip("\n") + "\n"


def _errors() -> Iterator[ErrorEntry]:
    return (entry for entry in ERRORS.values() if entry.advice_en != _ADMINISTRATION)


def bus_api() -> str:
    """The helper's interfaces, from their introspection and the docstrings of what does the work."""
    text = f"""\
# The D-Bus interface

The helper owns `{SERVICE}` on the system bus. `{ROOT_PATH}` lists all connections that you may see by
`org.freedesktop.DBus.ObjectManager`; properties change by `PropertiesChanged`. polkit decides on each call. Names, signatures and
meanings here do not change within a major version; properties and dictionary keys may be added. Errors are
`{SERVICE}.Error.NAME` with one sentence; names, numbers and sentences are those of the [troubleshooting page](troubleshooting.md).
Settings are the ones of `tsunagu show`, statuses those of `tsunagu status --json`.
"""
    none = cast("Any", None)  # they need nothing to describe themselves
    for name, place, interface, kind in (
        (MANAGER, ROOT_PATH, bus.ManagerObject(none).introspect(), bus.ManagerObject),
        (CONNECTION, connection_path("ID"), bus.ConnectionObject(none, "", {}).introspect(), bus.ConnectionObject),
    ):
        text += f"\n## {name}\n\nAt `{place}`.\n\n| method | takes | gives | |\n| --- | --- | --- | --- |\n"
        meanings = _meanings(kind)
        for method in interface.methods:
            takes, gives = (
                ", ".join(f"`{arg.signature}` {arg.name or ''}".rstrip() for arg in args)
                for args in (method.in_args, method.out_args)
            )
            text += f"| {method.name} | {takes} | {gives} | {meanings[method.name]} |\n"
        text += "\n| property | type |\n| --- | --- |\n"
        text += "".join(f"| {each.name} | `{each.signature}` |\n" for each in interface.properties)
    return text


def _meanings(kind: type) -> dict[str, str]:
    """Of each method: the docstring's first line of what it calls of the service."""
    found = {}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(kind)))):
        if isinstance(node, ast.AsyncFunctionDef):
            for call in ast.walk(node):
                match call:
                    case ast.Attribute(value=ast.Attribute(attr="_service"), attr=name):
                        found[node.name] = _first_line(getattr(ConnectionService, name))
    return found


def _first_line(of: object) -> str:
    return (inspect.getdoc(of) or "").splitlines()[0]


PAGES = {"troubleshooting.md": troubleshooting, "troubleshooting.ja.md": troubleshooting_ja, "dbus-api.md": bus_api}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make())
