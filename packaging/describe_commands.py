"""``describe_commands.py FOLDER``: manual pages and shell completions, with the options of the programs' own parsers.

``packaging/man`` has the pages' prose; a line ``@OPTIONS@`` or ``@COMMANDS@`` stands for what the parser says, and
``@SETTINGS@`` for what the model's own lines do.  A shell asks ``tsunagu list --names`` for the connections there are.
"""

import argparse
import inspect
import json
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from enum import EnumType
from pathlib import Path
from typing import get_type_hints

import tsunagu_helper.__main__
import tsunagu_tray.__main__
from tsunagu import __version__
from tsunagu.model import ConnectionSettings
from tsunagu.plain import to_plain
from tsunagu_tray.command_line import parser
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows import usage

PROSE = Path(__file__).with_name("man")
NAMES = "tsunagu list --names 2>/dev/null"
SETTINGS = " ".join(f"{field.name}=" for field in fields(ConnectionSettings))
PARSERS = {
    "tsunagu.1": parser(Texts("en")),
    "tsunagu-tray.1": tsunagu_tray.__main__.parser(),
    "tsunagu-window.1": usage.parser(),
    "tsunagu-helper.8": tsunagu_helper.__main__.parser(),
}


def main() -> None:
    """Write them all below the folder, which stands for /usr/share."""
    share = Path(sys.argv[1])
    for prose in sorted(PROSE.iterdir()):
        page = share / f"man/man{prose.name[-1]}/{prose.name}"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(manual(prose))
    for file, text in {
        "bash-completion/completions/tsunagu": bash(),
        "fish/vendor_completions.d/tsunagu.fish": fish(),
        "zsh/vendor-completions/_tsunagu": zsh(),
    }.items():
        (share / file).parent.mkdir(parents=True, exist_ok=True)
        (share / file).write_text(text)


# -- manual pages -----------------------------------------------------------------------------------------------------


def manual(prose: Path) -> str:
    """The prose with what the program says of itself in it."""
    parts = {"@SETTINGS@": _settings()}
    if of := PARSERS.get(prose.name):
        parts |= {"@OPTIONS@": _options(of), "@COMMANDS@": "".join(_command(one) for _, one in commands(of))}
    text = prose.read_text().replace("@VERSION@", __version__)
    for place, part in parts.items():
        text = text.replace(place + "\n", part)
    return text


def _command(of: argparse.ArgumentParser) -> str:
    words = of.format_usage().partition(": ")[2].split()
    return f".SS {_quoted(' '.join(words))}\n{_escaped(of.description or '')}.\n{_options(of)}"


def _options(of: argparse.ArgumentParser) -> str:
    return "".join(
        f".TP\n{_bold(action)}\n{_escaped(_help(of, action))}.\n"
        for action in of._actions
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
    )


def _settings() -> str:
    """Each field with its kind and its default, as JSON, and what its line in the model says of it."""
    lines = inspect.getsource(ConnectionSettings).splitlines()
    meanings = {line.partition(":")[0].strip(): line.partition("  # ")[2] for line in lines}
    kinds = get_type_hints(ConnectionSettings)
    text = ""
    for field in fields(ConnectionSettings):
        default = "" if field.default is MISSING else f" ({json.dumps(to_plain(field.default))})"
        meaning = re.sub(r" \(S[0-9, S]+\)", "", meanings[field.name])
        said = [meaning[:1].upper() + meaning[1:]]
        if isinstance(kind := kinds[field.name], EnumType):
            said.append("one of " + ", ".join(json.dumps(each.value) for each in kind))
        text += f".TP\n\\fB{field.name}\\fR{_escaped(default)}\n{_escaped('; '.join(said))}.\n"
    return text


def _help(of: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = of._get_formatter()._expand_help(action) if action.help else ""
    return text[:1].upper() + text[1:]


def _bold(action: argparse.Action) -> str:
    value = f" \\fI{_escaped(_metavar(action))}\\fR" if action.nargs != 0 else ""
    names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in action.option_strings)
    return names + value if names else value.strip()


def _metavar(action: argparse.Action) -> str:
    if action.choices and not action.metavar:
        return "|".join(action.choices)
    return str(action.metavar or action.dest.upper())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


# -- completions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """What can stand at a place: a connection, a file, one of some words, or what nobody can know."""

    kind: str
    words: tuple[str, ...] = ()


def commands(of: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each with its own parser."""
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def value(action: argparse.Action) -> Value:
    """What the argument is."""
    if action.choices:
        return Value("words", tuple(map(str, action.choices)))
    if "connection's name" in (action.help or ""):
        return Value("connection")
    if "FILE" in str(action.metavar):
        return Value("file")
    if action.metavar == "KEY=VALUE":
        return Value("setting")
    return Value("unknown")


def positionals(of: argparse.ArgumentParser) -> list[argparse.Action]:
    """In their order."""
    return [action for action in of._actions if not action.option_strings]


def options(of: argparse.ArgumentParser) -> list[argparse.Action]:
    """All the others."""
    return [action for action in of._actions if action.option_strings]


def bash() -> str:
    """For bash-completion, which loads it when it is needed; it works without its functions."""
    cases = "".join(f"    {name}) {_bash_command(of)} ;;\n" for name, of in commands(PARSERS["tsunagu.1"]))
    names = " ".join(name for name, _ in commands(PARSERS["tsunagu.1"]))
    return f"""\
# bash completion for tsunagu; made from its own usage.
_tsunagu() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command=${{COMP_WORDS[1]}}
    local options='' files='' place=0 kinds=() i
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W '{names} --help --version' -- "$word")
        return
    fi
    case $command in
{cases}    *) return ;;
    esac
    if [[ " $files " == *" $before "* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do [[ ${{COMP_WORDS[i]}} == -* ]] || ((++place)); done
    case ${{kinds[place]-}} in
    connection)
        local name
        while IFS= read -r name; do
            [[ $name != "$word"* ]] || COMPREPLY+=("$(printf %q "$name")")
        done < <({NAMES})
        ;;
    file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    setting) compopt -o nospace; mapfile -t COMPREPLY < <(compgen -W '{SETTINGS}' -- "$word") ;;
    ?*) mapfile -t COMPREPLY < <(compgen -W "${{kinds[place]//,/ }}" -- "$word") ;;
    esac
}}
complete -F _tsunagu tsunagu
"""


def _bash_command(of: argparse.ArgumentParser) -> str:
    words = " ".join(name for action in options(of) for name in action.option_strings if name.startswith("--"))
    files = " ".join(name for action in options(of) if value(action).kind == "file" for name in action.option_strings)
    kinds = " ".join(_bash_kind(value(action)) for action in positionals(of))
    return f"options='{words}'; files='{files}'; kinds=({kinds})"


def _bash_kind(of: Value) -> str:
    return {"words": f"'{','.join(of.words)}'", "unknown": "''"}.get(of.kind, of.kind)


def zsh() -> str:
    """For the function path of zsh."""
    top = PARSERS["tsunagu.1"]
    summaries = " ".join(shlex.quote(f"{name}:{of.description}") for name, of in commands(top))
    cases = "".join(f"        {name}) _arguments {_zsh_arguments(of)} ;;\n" for name, of in commands(top))
    return f"""\
#compdef tsunagu
# Made from the usage of tsunagu.
_tsunagu_connections() {{
    local -a names
    names=(${{(f)"$({NAMES})"}})
    compadd -a names
}}
_tsunagu_settings() {{
    compadd -S '' {SETTINGS}
}}
_tsunagu() {{
    local state line
    _arguments -C '--help[show help]' '--version[show the version]' '1:command:->command' '*::argument:->argument'
    case $state in
    command)
        local -a commands
        commands=({summaries})
        _describe command commands
        ;;
    argument)
        case $line[1] in
{cases}        esac
        ;;
    esac
}}
_tsunagu "$@"
"""


def _zsh_arguments(of: argparse.ArgumentParser) -> str:
    specifications = []
    for action in options(of):
        text = _help(of, action).replace("[", "(").replace("]", ")").replace(":", " ")
        taken = "" if action.nargs == 0 else f":{action.dest}:{_zsh_value(value(action))}"
        specifications += [f"{name}[{text}]{taken}" for name in action.option_strings]
    for action in positionals(of):
        place = "*" if action.nargs == "+" else ""
        specifications.append(f"{place}:{action.dest}:{_zsh_value(value(action))}")
    return " ".join(map(shlex.quote, specifications))


def _zsh_value(of: Value) -> str:
    if of.kind == "words":
        return f"({' '.join(of.words)})"
    return {"connection": "_tsunagu_connections", "file": "_files", "setting": "_tsunagu_settings"}.get(of.kind, " ")


def fish() -> str:
    """For fish's own folder of completions by others."""
    lines = ["# Made from the usage of tsunagu.", "complete -c tsunagu -f"]
    lines.append("complete -c tsunagu -n __fish_use_subcommand -l help -l version")
    for name, of in commands(PARSERS["tsunagu.1"]):
        summary = shlex.quote(of.description or "")
        lines.append(f"complete -c tsunagu -n __fish_use_subcommand -a {name} -d {summary}")
        here = f"complete -c tsunagu -n '__fish_seen_subcommand_from {name}'"
        for action in options(of):
            spelled = " ".join(
                f"-l {word[2:]}" if word[:2] == "--" else f"-s {word[1:]}" for word in action.option_strings
            )
            taken = "" if action.nargs == 0 else " -r" + _fish_value(value(action))
            lines.append(f"{here} {spelled} -d {shlex.quote(_help(of, action))}{taken}")
        lines += [here + found for action in positionals(of) if (found := _fish_value(value(action)))]
    return "\n".join(lines) + "\n"


def _fish_value(of: Value) -> str:
    match of.kind:
        case "words":
            return f" -a {shlex.quote(' '.join(of.words))}"
        case "connection":
            return f" -a '({NAMES})'"
        case "file":
            return " -F"
        case "setting":
            return f" -a {shlex.quote(SETTINGS)}"
    return ""


if __name__ == "__main__":
    main()
