"""The text of manifests to plain values: YAML as kubectl reads it, or JSON.

PyYAML's C parser finds the structure; the values are built here, for three reasons:
it takes a third of the time, words such as ``080`` stay what was typed until a field
says what it wants, and a key that is there twice is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from iptlab.errors import ManifestError

# YAML 1.1, which kubectl reads: sigs.k8s.io/yaml/goyaml.v2/resolve.go
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(
        ("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"), True
    ),
    **dict.fromkeys(
        ("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"), False
    ),
}
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})").fullmatch
_FRACTION = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?").fullmatch
_STRING_TAG = "tag:yaml.org,2002:str"
# what aliases may add to a document; a real one repeats a few lines
_MOST_ALIASED = 100_000
_DEEPEST = 100
# a cluster of 10,000 Services with 12 endpoints each is a third of it
_LONGEST = 200_000_000


class Document(NamedTuple):
    """One document of a file, counted from 1, and what it says."""

    number: int
    content: object


def read_documents(text: str) -> Iterator[Document]:
    r"""The documents of a file that are not empty; ManifestError for the first broken one.

    >>> [content for _, content in read_documents("kind: Pod\n---\n{kind: List, items: []}")]
    [{'kind': 'Pod'}, {'kind': 'List', 'items': []}]
    """
    if len(text) > _LONGEST:
        cause = f"these manifests have {len(text):,} characters, and {_LONGEST:,} is the most"
        raise ManifestError(cause, cure="Leave out what kube-proxy does not read, such as pods.")
    if text[:100].lstrip()[:1] == "{":
        try:
            yield Document(1, json.loads(text, object_pairs_hook=_mapping))
            return
        except RecursionError:
            raise _too_deep("document 1") from None
        except ValueError:
            pass  # several documents, or YAML that begins with a brace
    for document in _Reader(text).documents():
        if document.content is not None:
            yield document


def _mapping(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A mapping of JSON, which lets a field be there twice; here it may not."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        cause = f"the field `{twice}' is there twice"
        raise ManifestError(cause, place="document 1", cure="Keep one of them.")
    return found


@dataclass
class _Open:
    """A mapping or list that has begun: what it holds so far, and where it began."""

    values: Any
    line: int
    anchor: str | None
    size: int = 1
    key: str | None = None


@dataclass
class _Reader:
    """Builds values from the parser's events, with a stack of its own instead of recursion."""

    text: str
    number: int = 0
    aliased: int = 0
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    content: Any = None

    def documents(self) -> Iterator[Document]:
        """The documents in order, the empty ones too."""
        import yaml

        act = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._document,
        }
        for event in self._events():
            kind = type(event)
            if kind in act:
                act[kind](event)
            elif kind is yaml.DocumentEndEvent:
                yield Document(self.number, self.content)
                self.content = None

    def _events(self) -> Iterator[Any]:
        """The parser's events; what it cannot read becomes a ManifestError with its line."""
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            next_event = loader(self.text).get_event
            while (event := next_event()) is not None:
                yield event
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 0
            raise self._broken(line, str(error.problem or error.context)) from None
        except yaml.reader.ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            raise self._broken(line, f"{error.reason}") from None
        except UnicodeEncodeError as error:
            line = self.text.count("\n", 0, error.start) + 1
            raise self._broken(line, "this is no character of any text") from None

    def _broken(self, line: int, problem: str) -> ManifestError:
        lines = self.text.split("\n")
        typed = lines[line - 1] if 0 < line <= len(lines) else ""
        cure = "Fields of one mapping begin in the same column; a list item begins with `- '."
        if "\t" in typed:
            cure = "There is a tab in this line; YAML is indented with blanks."
        shown = typed if typed.isprintable() else typed.expandtabs(4)
        shown = "".join(c if c.isprintable() else "\ufffd" for c in shown)[:120]
        return ManifestError(
            f"this is no YAML: {problem}\n    {shown}".rstrip(),
            place=f"document {max(self.number, 1)}, line {line}",
            cure=cure,
        )

    def _refuse(self, event: Any, cause: str, cure: str) -> ManifestError:
        line = event.start_mark.line + 1
        return ManifestError(cause, place=f"document {self.number}, line {line}", cure=cure)

    # --- one method for each kind of event ---

    def _document(self, event: Any) -> None:
        self.number += 1
        self.content = None
        self.anchors.clear()

    def _mapping(self, event: Any) -> None:
        self._begin(event, {})

    def _sequence(self, event: Any) -> None:
        self._begin(event, [])

    def _begin(self, event: Any, values: Any) -> None:
        if event.tag:
            raise self._tagged(event)
        if len(self.open) == _DEEPEST:
            raise _too_deep(f"document {self.number}, line {event.start_mark.line + 1}")
        self.open.append(_Open(values, event.start_mark.line, event.anchor))

    def _end(self, event: Any) -> None:
        done = self.open.pop()
        if done.anchor:
            self.anchors[done.anchor] = (done.values, done.size)
        self._place(event, done.values, done.size)

    def _scalar(self, event: Any) -> None:
        value = event.value
        if event.implicit[0]:
            value = plain(value)
        elif event.tag not in (None, "!", _STRING_TAG):
            raise self._tagged(event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self._place(event, value, 1)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            cure = f"Put &{event.anchor} before the value that *{event.anchor} repeats."
            raise self._refuse(event, f"nothing is called &{event.anchor} before here", cure)
        value, size = self.anchors[event.anchor]
        self.aliased += size
        if self.aliased > _MOST_ALIASED:
            cause = f"the aliases repeat more than {_MOST_ALIASED:,} values"
            raise self._refuse(event, cure="Write the values out.", cause=cause)
        self._place(event, value, size)

    def _place(self, event: Any, value: Any, size: int) -> None:
        """Put a finished value where it belongs: in the document, a list, a mapping."""
        if not self.open:
            self.content = value
            return
        parent = self.open[-1]
        parent.size += size
        if type(parent.values) is list:
            parent.values.append(value)
        elif parent.key is None:
            parent.key = self._key(event, value, parent.values)
        else:
            parent.values[parent.key] = value
            parent.key = None

    def _key(self, event: Any, value: Any, mapping: dict[str, Any]) -> str:
        if type(value) is not str:
            if isinstance(value, dict | list):
                raise self._refuse(event, "a field name must be a word", "Write NAME: VALUE.")
            value = str(value)
        if value == "<<":
            raise self._refuse(event, "`<<' is not taken here", "Write the fields out.")
        # every key once in memory, however many objects have it
        key = self.keys.setdefault(value, value)
        if key in mapping:
            raise self._refuse(event, f"the field `{key}' is there twice", "Keep one of them.")
        return key

    def _tagged(self, event: Any) -> ManifestError:
        return self._refuse(event, f"the tag {event.tag} is not taken here", "Leave the tag out.")


def plain(word: str) -> object:
    """What an unquoted word means to kubectl: nothing, a truth, a number, or itself.

    A number that is not plainly decimal stays a word, so that the field it stands in can
    say how to write it.

    >>> [plain(word) for word in ("80", "yes", "080", "12:30:00", "~", "1.5")]
    [80, True, '080', '12:30:00', None, 1.5]
    """
    if word in _WORDS:
        return _WORDS[word]
    if word[0] in "0123456789+-.":
        if _DECIMAL(word):
            return int(word)
        if _FRACTION(word):
            return float(word)
    return word


def _too_deep(place: str) -> ManifestError:
    cure = f"Kubernetes objects are nested less than {_DEEPEST} deep."
    return ManifestError("this is nested too deeply", place=place, cure=cure)
