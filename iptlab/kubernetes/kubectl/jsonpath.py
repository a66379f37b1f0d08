r"""The part of JSONPath templates that people use: fields, indexes, filters, range and end.

Source: k8s.io/client-go/util/jsonpath

>>> print_path("{range .a[*]}{.b}{'\\n'}{end}", {"a": [{"b": 1}, {"b": 2}]})
'1\n2\n'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from iptlab.kubernetes.kubectl.request import CommandError
from iptlab.kubernetes.kubectl.yaml_text import to_line

_STEP = re.compile(
    r"""\.\.(?P<deep>[\w/-]+|\*)
    | \.?\[(?P<number>-?\d+)\]
    | \.?\[(?P<from>-?\d*):(?P<to>-?\d*)\]
    | \.?\[(?P<all>\*)\]
    | \.?\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]
    | \.?\[\?\((?P<filter>.*?)\)\]
    | \.(?P<star>\*)
    | \.(?P<name>(?:\\.|[^.\[\]\s{}])+)""",
    re.VERBOSE,
)
_FILTER = re.compile(r"\s*@(?P<path>[^\s=!<>]*)\s*(?:(?P<op>==|!=)\s*(?P<value>.+?))?\s*").fullmatch
_LITERAL = re.compile(r"""(?P<quote>['"])(?P<text>.*)(?P=quote)""").fullmatch
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}


@dataclass(frozen=True)
class _Part:
    """Text to print as it is, or something in braces."""

    text: str
    braced: bool


def print_path(template: str, root: object) -> str:
    """What a template makes of an object."""
    parts = list(_parts(template))
    return "".join(_printed(parts, root, root))


def values_at(path: str, root: object) -> list[object]:
    """All values that a path leads to; none if there are none."""
    return list(_walk(path.removeprefix("$"), path, [root]))


def _parts(template: str) -> Iterator[_Part]:
    """The template, cut at its braces; those inside quotes are none."""
    position, start, quote = 0, -1, ""
    for number, character in enumerate(template):
        if start < 0:
            if character == "{":
                if number > position:
                    yield _Part(template[position:number], False)
                start = number + 1
        elif quote:
            if character == quote and template[number - 1] != "\\":
                quote = ""
        elif character in "'\"":
            quote = character
        elif character == "}":
            yield _Part(template[start:number].strip(), True)
            position, start = number + 1, -1
    if start >= 0:
        raise CommandError(f"error parsing jsonpath {template}, unclosed action")
    if position < len(template):
        yield _Part(template[position:], False)


def _printed(parts: list[_Part], here: object, root: object) -> Iterator[str]:
    number = 0
    while number < len(parts):
        part = parts[number]
        number += 1
        if not part.braced:
            yield part.text
        elif literal := _LITERAL(part.text):
            yield re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), literal["text"])
        elif part.text.startswith("range "):
            end = _end_of(parts, number)
            for one in _found(part.text.removeprefix("range ").strip(), here, root):
                yield from _printed(parts[number:end], one, root)
            number = end + 1
        elif part.text != "end":
            yield " ".join(_text(one) for one in _found(part.text, here, root))


def _end_of(parts: list[_Part], start: int) -> int:
    depth = 1
    for number in range(start, len(parts)):
        word = parts[number].text if parts[number].braced else ""
        depth += word.startswith("range ")
        depth -= word == "end"
        if not depth:
            return number
    raise CommandError("error parsing jsonpath, unclosed range: write {end}")


def _found(path: str, here: object, root: object) -> list[object]:
    start = root if path.startswith("$") else here
    return list(_walk(path.lstrip("$@"), path, [start]))


def _walk(path: str, whole: str, values: list[object]) -> list[object]:
    path = path if not path or path[0] in ".[" else f".{path}"
    while path and path != ".":
        step = _STEP.match(path)
        if step is None:
            raise CommandError(f"error parsing jsonpath {{{whole}}}, cannot read `{path}' of it")
        values = [inner for one in values for inner in _inside(one, step)]
        path = path[step.end() :]
    return values


def _inside(value: object, step: re.Match[str]) -> Iterator[object]:
    """What one step of a path finds in a value."""
    if deep := step["deep"]:
        yield from _deep(value, deep)
    elif step["all"] or step["star"]:
        yield from value.values() if isinstance(value, dict) else _list(value)
    elif step["number"]:
        number = int(step["number"])
        items = _list(value)
        if -len(items) <= number < len(items):
            yield items[number]
    elif step["from"] is not None:
        start, end = step["from"], step["to"]
        yield from _list(value)[int(start) if start else None : int(end) if end else None]
    elif step["filter"]:
        yield from (one for one in _list(value) if _passes(one, step["filter"]))
    else:
        name = step["key"] if step["key"] is not None else re.sub(r"\\(.)", r"\1", step["name"])
        if isinstance(value, dict) and name in value:
            yield value[name]


def _deep(value: object, name: str) -> Iterator[object]:
    inner = list(value.values()) if isinstance(value, dict) else _list(value)
    if isinstance(value, dict) and name in value:
        yield value[name]
    for one in inner:
        yield from _deep(one, name)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _passes(value: object, condition: str) -> bool:
    found = _FILTER(condition)
    if found is None:
        raise CommandError(f"error parsing jsonpath, cannot read the filter {condition}")
    there = _walk(found["path"], condition, [value])
    if not found["op"]:
        return bool(there)
    literal = _LITERAL(found["value"])
    wanted = literal["text"] if literal else found["value"]
    same = bool(there) and _text(there[0]) == wanted
    return same if found["op"] == "==" else not same


def _text(value: object) -> str:
    return value if isinstance(value, str) else to_line(value)
