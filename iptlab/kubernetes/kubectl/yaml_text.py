"""Objects as YAML and JSON, written as kubectl writes them: keys sorted, lists not indented.

Source: sigs.k8s.io/yaml/goyaml.v2/encode.go
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from iptlab.kubernetes.documents import plain

_PLAIN = re.compile(r"[A-Za-z0-9_./\\$^(+;=~<][^\x00-\x1f\x7f]*|-[^\s\x00-\x1f].*").fullmatch
# old words of YAML 1.1 and numbers that only some readers take for such
_NUMBERLIKE = re.compile(r"[-+]?(0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*(\.[0-9_]*)?)")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?").fullmatch
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?").fullmatch


def to_yaml(value: object) -> str:
    """A tree of values as YAML."""
    if not isinstance(value, dict | list) or not value:
        return f"{_inline(value)}\n"
    return "\n".join(_lines(value)) + "\n"


def to_json(value: object) -> str:
    """A tree of values as JSON, as ``-o json`` prints it."""
    text = json.dumps(value, indent=4, sort_keys=True, ensure_ascii=False)
    return _for_html(text) + "\n"


def to_line(value: object) -> str:
    """A tree of values as JSON in one line."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return _for_html(text)


def _for_html(text: str) -> str:
    """Go's JSON can stand in a page."""
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in sorted(value.items()):
            yield from _entry(f"{_scalar(name)}:", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _item(inner)


def _entry(start: str, value: object) -> Iterator[str]:
    """A field and its value: behind it, or below it."""
    if isinstance(value, dict) and value:
        yield start
        yield from (f"  {line}" for line in _lines(value))
    elif isinstance(value, list) and value:
        yield start
        yield from _lines(value)
    elif isinstance(value, str) and "\n" in value:
        yield from _block(start, value)
    else:
        yield f"{start} {_inline(value)}"


def _item(value: object) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        first, *rest = _lines(value)
        yield f"- {first}"
        yield from (f"  {line}" for line in rest)
    elif isinstance(value, str) and "\n" in value:
        yield from _block("-", value)
    else:
        yield f"- {_inline(value)}"


def _block(start: str, text: str) -> Iterator[str]:
    """Text of several lines as it stands."""
    if any(not (c.isprintable() or c == "\n") for c in text) or text.startswith((" ", "\n")):
        yield f"{start} {_quoted(text)}"
        return
    keep = "" if text.endswith("\n") and not text.endswith("\n\n") else "-+"[text.endswith("\n")]
    yield f"{start} |{keep}"
    lines = text.split("\n")
    lines = lines[:-1] if text.endswith("\n") else lines
    yield from (f"  {line}" if line else "" for line in lines)


def _inline(value: object) -> str:
    if isinstance(value, str):
        return _scalar(value)
    return json.dumps(value)


def _scalar(text: str) -> str:
    """A word as it is, or in quotes where it would mean something else."""
    if plain(text) != text or _NUMBERLIKE.fullmatch(text) or _SEXAGESIMAL(text) or _DATE(text):
        return _quoted(text)
    if not text.isprintable():
        return _quoted(text)
    unsafe = ": " in text or " #" in text or text.endswith((":", " ")) or not _PLAIN(text)
    return "'" + text.replace("'", "''") + "'" if unsafe else text


def _quoted(text: str) -> str:
    """Text in double quotes, what cannot be printed as its number."""
    inner = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in inner)
