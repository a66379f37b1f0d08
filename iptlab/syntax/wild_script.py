"""The iptables commands in a text found in the wild: in scripts, or behind a shell's prompt.

Nothing is run and no variable is filled in; only what is typed before and behind a command is
taken off: prompts, ``sudo``, ``do`` and ``then``, ``-w``, and output sent elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

PROGRAM = re.compile(r"(ip6?tables) +(?=-)").match


class Line(NamedTuple):
    """A line's commands, each with its bare program's name, and whether it says more than them."""

    commands: tuple[str, ...]
    is_more: bool = False


def script_lines(lines: list[str]) -> Iterator[Line]:
    """For every line of the text its commands; a line without any is itself the only one.

    Beside a table only commands that add a rule are followed: a session may go on behind the
    dump that it shows.
    """
    headed = any(line[:1] == "*" for line in lines)
    followed = _ADDS if headed else _CHANGES
    remarks = headed or any(map(_CALLED, lines))
    for line in lines:
        if _IS_OF_A_DUMP(line) or (line[0] == "#" and remarks):
            yield Line((line,))
            continue
        prompt = _PROMPT(line) or (not headed and _SESSION(line))
        pieces = list(_pieces(line[prompt.end() :] if prompt else line))
        found = [(piece, _CALLED(piece)) for piece in pieces]
        commands = tuple(
            f"{_family_name(named[1] or named[2])} {_WAITED.sub('', piece[named.end() :])}"
            for piece, named in found
            if named and followed(piece[named.end() :])
        )
        yield Line(commands, len(commands) < len(pieces)) if commands else Line((line,))


def _family_name(program: str) -> str:
    return "ip6tables" if "6" in program else "iptables"


def _pieces(line: str) -> Iterator[str]:
    """The commands of a shell's line, without its keywords and without redirections."""
    piece = ""
    for found in _TOKEN.finditer(line):
        if found.lastgroup == "end":
            yield from filter(None, (_KEYWORDS.sub("", piece).strip(),))
            piece = ""
        elif found.lastgroup != "elsewhere":
            piece += found[0]
    yield from filter(None, (_KEYWORDS.sub("", piece).strip(),))


_IS_OF_A_DUMP = re.compile(r"[-*:]|\[[^\]\s:]*:[^\]\s:]*\]\s*-|$").match
_PROMPT = re.compile(r"[#>%]\s*|\$\s+").match
_SESSION = re.compile(r"[^\s#$>%=]+[@:]?[^#$>%=]{0,40}[#$%] +").match
_WAITS = r"(?:(?:-w|-W|--wait|--wait-interval)(?:[ =]\d+)? +|-[46v] +)*"
_WAITED = re.compile(f"^{_WAITS}")
_TABLE = r"(?:(?:-t|--table)[ =]*\w+ +)?"
# a program by its name or path, or any variable that stands where it would
_CALLED = re.compile(
    r"\"?(?:\S*/)?(ip6?tables)(?:-legacy|-nft)?\"?\s+(?=-)"
    r"|\"?\$\{?(?!\w*(?:[Ee][Bb]|[Aa][Rr][Pp]))(\w+)\}?\"?\s+"
    rf"(?={_WAITS}{_TABLE}(?:-[A-Z]\b|--append|--insert|--policy))"
).match
_ADDS = re.compile(rf"{_WAITS}{_TABLE}(?:-[AI]|--append|--insert)\b").match
_CHANGES = re.compile(
    rf"{_WAITS}{_TABLE}(?:-[AIDRNXFPZE]"
    r"|--(?:append|insert|delete|replace|new|delete-chain|flush|policy|zero|rename-chain))\b"
).match
_KEYWORDS = re.compile(r"^\s*(?:(?:do|then|else|if|while|until|sudo|exec|!)\s+)*")
_TOKEN = re.compile(
    r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|&(?:\w+|#\d+);"
    r"|(?P<end>;|&&|\|\|?)"
    r"|(?P<elsewhere>(?<=\s)(?:\d|&)?>{1,2}[ \t]*(?:&\d|[\w./-]+)|(?<=\s)<[ \t]+\S+)"
    r"|[^\s;&|<>\"'\\\d]+|."
)
