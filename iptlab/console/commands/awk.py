"""``awk`` as one uses it at a prompt: ``awk '/ACCEPT/ {print $1, $NF}'``, and nothing more.

Man page: awk(1p)

Simplified: an optional pattern between slashes or a test of NR, then one print.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from iptlab.console.command import Output, Session, register_command
from iptlab.console.commands.text import contents
from iptlab.console.regex import Pattern
from iptlab.syntax.program import Switch, UsageError, read_switches

_PROGRAM = re.compile(
    r"\s*(?:/(?P<pattern>(?:[^/\\]|\\.)+)/|NR\s*(?P<test>==|>=|<=|>|<|!=)\s*(?P<number>[0-9]{1,9}))?"
    r"\s*(?:\{\s*print(?P<what>[^{}]*)\})?\s*"
).fullmatch
_ITEM = re.compile(r'\s*(?:\$(?P<field>NF|[0-9]{1,4})|(?P<name>NF|NR)|"(?P<text>[^"\\]*)")\s*')
_CURE = "write for example awk '/tcp/ {print $1, $NF}'"


@register_command("awk")
def awk(session: Session, words: Sequence[str]) -> Output:
    """Fields of the lines that a pattern fits."""
    given, rest = read_switches(words[1:], (Switch("F", "field-separator", "a word"),))
    found = _PROGRAM(rest[0]) if rest and rest[0].strip() else None
    if found is None:
        raise UsageError(f"this program is not read here; {_CURE}")
    groups = list(_items(found["what"] or "$0"))
    pattern = Pattern(found["pattern"], extended=True) if found["pattern"] else None
    texts, complaints = contents(session, "awk", rest[1:])
    lines = []
    for number, line in enumerate("".join(texts).splitlines(), start=1):
        if pattern and not pattern.found(line):
            continue
        if found["test"] and not _holds(number, found["test"], int(found["number"])):
            continue
        fields = line.split(given.get("F")) if line else []
        said = ("".join(_value(item, line, fields, number) for item in group) for group in groups)
        lines.append(" ".join(said) + "\n")
    return Output("".join(lines), complaints, 2 * bool(complaints))


def _items(what: str) -> Iterator[list[re.Match[str]]]:
    """What is printed: items next to each other, groups of them between commas."""
    group: list[re.Match[str]] = []
    at = 0
    while at < len(what):
        found = _ITEM.match(what, at)
        if found is None or not found[0].strip():
            raise UsageError(f"`{what.strip()}' is not read here; {_CURE}")
        group.append(found)
        at = found.end()
        if what[at : at + 1] == ",":
            yield group
            group, at = [], at + 1
    yield group


def _value(item: re.Match[str], line: str, fields: list[str], number: int) -> str:
    if item["text"] is not None:
        return item["text"]
    if item["name"]:
        return str(number if item["name"] == "NR" else len(fields))
    place = len(fields) if item["field"] == "NF" else int(item["field"])
    if not place:
        return line
    return fields[place - 1] if place <= len(fields) else ""


def _holds(number: int, test: str, other: int) -> bool:
    tests = {
        "==": number == other,
        "!=": number != other,
        ">": number > other,
        ">=": number >= other,
        "<": number < other,
        "<=": number <= other,
    }
    return tests[test]
