"""A manifest's fields, read with the path that leads to them, refused so that it teaches."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field
from difflib import get_close_matches

from iptlab.errors import ManifestError

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?").fullmatch

_KINDS = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    bool: "a truth value",
    int: "a number",
    float: "a number with a fraction",
    type(None): "nothing",
}


@dataclass
class Origin:
    """Where an object stands: its document and item in a file, and what it calls itself.

    ``remarks`` collects what is odd about it but no reason to refuse it.
    """

    place: str
    subject: str = ""
    remarks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = ", ".join(filter(None, (self.place, self.subject)))
        return "".join(c if c.isprintable() else "\ufffd" for c in told)


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping of a manifest; it knows its way back to the object's top."""

    values: Mapping[str, object]
    origin: Origin
    parent: Fields | None = None
    key: str = ""

    def path(self, name: str = "") -> str:
        """The path of a field of this mapping: ``spec.ports[0].port``."""
        above = self.parent.path() if self.parent else ""
        here = f"{above}.{self.key}" if above else self.key
        if not name:
            return here
        return f"{here}.{name}" if here else name

    def refuse(self, name: str, cause: str, cure: str = "") -> ManifestError:
        """The error about one field."""
        return ManifestError(cause, place=str(self.origin), path=self.path(name), cure=cure)

    def remark(self, name: str, text: str) -> None:
        """Note that a value is left out, as kube-proxy leaves it out."""
        self.origin.remarks.append(f"{self.origin}, {self.path(name)}: {text}")

    def check_names(self, known: Set[str]) -> None:
        """Refuse a field that looks like a known one misspelt: nobody would read it.

        Any other name is let pass, for manifests of newer Kubernetes have more fields.
        """
        if self.values.keys() <= known:
            return
        folded = {one.lower(): one for one in known}
        for name in sorted(self.values.keys() - known):
            if near := get_close_matches(name.lower(), folded, 1, 0.8):
                cure = f"Did you mean {folded[near[0]]}?"
                raise self.refuse(name, "there is no such field", cure)

    # --- single values; null is as good as missing ---

    def text(self, name: str, default: str = "") -> str:
        """A word; a number or truth in its place has to be quoted."""
        value = self.values.get(name)
        if type(value) is str:
            return value
        if value is None:
            return default
        raise _wrong(self, name, value, "text", _quoted(value))

    def required(self, name: str) -> str:
        """A word that must be there and not be empty."""
        value = self.text(name)
        if not value:
            raise self.refuse(name, "this must be there and not be empty")
        return value

    def label(self, name: str, default: str = "") -> str:
        """A name that Kubernetes takes, which is also safe to stand in a rule (RFC 1123)."""
        value = self.text(name) or default
        if value and not _LABEL(value):
            cure = "Write small letters, digits and `-' between them, at most 63 of them."
            raise self.refuse(name, f"{shown(value)} is no name", cure)
        return value

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """A word out of a few."""
        value = self.text(name, default) or default
        if value not in allowed:
            cure = f"Allowed are {_listed(allowed)}."
            raise self.refuse(name, f"{shown(value)} is not allowed here", cure)
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number from ``least`` to ``most``."""
        value = self.values.get(name)
        if value is None:
            return default
        if type(value) is not int:
            raise _wrong(self, name, value, "a number", _unquoted(value, least, most))
        if not least <= value <= most:
            raise self.refuse(
                name, f"{value} is not allowed here", f"Allowed is {least} to {most}."
            )
        return value

    def truth(self, name: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self.values.get(name)
        if type(value) is bool:
            return value
        if value is None:
            return default
        raise _wrong(self, name, value, "true or false", "Write true or false without quotes.")

    # --- what holds other values ---

    def child(self, name: str) -> Fields:
        """A mapping inside this one; empty if it is not there."""
        value = self.values.get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise _wrong(self, name, value, "a mapping", f"Write {name}: and fields below it.")
        return Fields(value, self.origin, self, name)

    def children(self, name: str) -> Iterator[Fields]:
        """The mappings of a list."""
        for number, value in enumerate(self._list(name)):
            key = f"{name}[{number}]"
            if not isinstance(value, dict):
                raise _wrong(self, key, value, "a mapping", "Write fields below the `- '.")
            yield Fields(value, self.origin, self, key)

    def words(self, name: str) -> Iterator[tuple[str, str]]:
        """The words of a list, each with its key for errors: ``externalIPs[0]``."""
        for number, value in enumerate(self._list(name)):
            key = f"{name}[{number}]"
            if type(value) is not str:
                raise _wrong(self, key, value, "text", _quoted(value))
            yield key, value

    def _list(self, name: str) -> list[object]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise _wrong(self, name, value, "a list", f"Write {name}: and below it `- ' items.")
        return value


def _wrong(fields: Fields, name: str, value: object, wanted: str, cure: str) -> ManifestError:
    kind = _KINDS.get(type(value), type(value).__name__)
    return fields.refuse(name, f"{shown(value)} is {kind}, but {wanted} is wanted", cure)


def shown(value: object) -> str:
    """A value as it was typed, cut short and without what a terminal would obey."""
    if isinstance(value, str):
        text = f"`{value}'" if value.isprintable() else repr(value)
    else:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _quoted(value: object) -> str:
    if isinstance(value, dict | list):
        return "Write one word."
    typed = shown(value)
    if isinstance(value, bool):
        return f'YAML reads yes, no, on, off as {typed}; put what you mean in quotes: "no".'
    return f'Put it in quotes: "{typed}".'


def _unquoted(value: object, least: int, most: int) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if text.isascii() and text.isdigit() and len(text) < 20:
        return f"Write {int(text)}, without quotes or leading zeros."
    return f"Allowed is {least} to {most}."


def _listed(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
