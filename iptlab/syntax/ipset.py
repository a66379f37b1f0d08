"""``ipset save`` text to sets and back.

Source: man page ipset(8)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import NamedTuple

from iptlab.errors import BadValueError, RuleSyntaxError
from iptlab.netfilter.ipset import DIMENSIONS, Element, IpSet, Key, Net, Part
from iptlab.packet import Family
from iptlab.syntax.ipset_words import MOST_KEYS, extra_value, header_value, keys_of, room_in
from iptlab.syntax.tokens import Token, restore_words

_COMMANDS = {"create": "create", "-N": "create", "n": "create"} | {
    name: command
    for command, names in {"add": ("add", "-A"), "del": ("del", "-D")}.items()
    for name in names
}
# what types were called before release 5; man page: ipset(8) of release 4
_OLD_NAMES = {
    "ipmap": "bitmap:ip",
    "macipmap": "bitmap:ip,mac",
    "portmap": "bitmap:port",
    "iphash": "hash:ip",
    "nethash": "hash:net",
    "ipporthash": "hash:ip,port",
    "ipportiphash": "hash:ip,port,ip",
    "ipportnethash": "hash:ip,port,net",
    "setlist": "list:set",
}
# the options of create, in the order ipset save prints them: the types that take it, whether
# a value follows, and what stands there if it is left out
_HASH = tuple(kind for kind in DIMENSIONS if kind.startswith("hash:"))
_ALL = tuple(DIMENSIONS)


class _Option(NamedTuple):
    kinds: tuple[str, ...]
    has_value: bool = True
    default: str = ""
    printed: bool = True


_CREATE = {
    "range": _Option(("bitmap:ip", "bitmap:ip,mac", "bitmap:port")),
    "size": _Option(("list:set",), default="8"),
    "markmask": _Option(("hash:ip,mark",), default="0xffffffff"),
    "hashsize": _Option(_HASH, default="1024"),
    "maxelem": _Option(_HASH, default="65536"),
    "netmask": _Option(("hash:ip", "bitmap:ip")),
    "timeout": _Option(_ALL),
    "counters": _Option(_ALL, has_value=False),
    "comment": _Option(_ALL, has_value=False),
    "skbinfo": _Option(_ALL, has_value=False),
    "bucketsize": _Option(_HASH, default="12"),
    "initval": _Option(_HASH),
    "family": _Option(tuple(kind for kind in _HASH if kind != "hash:mac"), printed=False),
    "forceadd": _Option(_HASH, has_value=False, printed=False),
}
# beside an element, in print order: what create must have said for it
_BESIDE = {
    "timeout": "timeout",
    "nomatch": "",
    "packets": "counters",
    "bytes": "counters",
    "comment": "comment",
    "skbmark": "skbinfo",
    "skbprio": "skbinfo",
    "skbqueue": "skbinfo",
}
_SUPPORT = {
    "timeout": "Timeout cannot be used: set was created without timeout support",
    "counters": "Packet/byte counters cannot be used: set was created without counter support",
    "comment": "Comment cannot be used: set was created without comment support",
    "skbinfo": "Skbinfo mapping cannot be used: set was created without skbinfo support",
}


def read_sets(text: str) -> dict[str, IpSet]:
    r"""The sets that the text describes, by name; RuleSyntaxError for the first wrong line.

    >>> sets = read_sets("create web hash:ip,port\nadd web 10.0.0.1,80\n")
    >>> print(*sets["web"].elements.values())
    10.0.0.1,tcp:80
    """
    sets: dict[str, IpSet] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = restore_words(line)
        if words and not words[0].text.startswith("#") and words[0].text != "COMMIT":
            _Line(number, line, words).apply(sets)
    return sets


def change_sets(sets: dict[str, IpSet], words: list[Token], number: int, text: str) -> None:
    """Do one ``create``, ``add`` or ``del`` line to the sets, or raise RuleSyntaxError."""
    _Line(number, text, words).apply(sets)


def set_header(each: IpSet) -> list[str]:
    """The words that say what a set was created with, as ``ipset list`` prints them."""
    family = {Family.IPV4: "inet", Family.IPV6: "inet6"}[each.family or Family.IPV4]
    words = ["family", family] * (each.kind in _CREATE["family"].kinds)
    for name, declared in _CREATE.items():
        if name in each.options and declared.printed:
            words += [name, each.options[name]] if declared.has_value else [name]
    return words


def set_elements(each: IpSet) -> list[Element]:
    """A set's elements in the order in which they are printed."""
    elements = list(each.elements.values())
    if each.kind.startswith("bitmap:"):
        elements.sort(key=lambda element: _position(element.parts[0]))
    return elements


def write_sets(sets: Mapping[str, IpSet]) -> str:
    """The sets as ``ipset save`` prints them, lists of sets last.

    Simplified: elements of hash sets stay in the order in which they were added, while the
    kernel prints them in the order of its hash table.
    """
    ordered = sorted(sets.values(), key=lambda each: each.kind == "list:set")
    return "".join(f"{line}\n" for each in ordered for line in _lines(each))


def _lines(each: IpSet) -> Iterator[str]:
    yield " ".join(["create", each.name, each.kind, *set_header(each)])
    for element in set_elements(each):
        yield f"add {each.name} {element}"


def _position(part: Part) -> int:
    return part.address if isinstance(part, Net) else int(str(part))


@dataclass
class _Line:
    """One line, and where each of its words stands."""

    number: int
    text: str
    words: list[Token]

    def apply(self, sets: dict[str, IpSet]) -> None:
        exist = any(word.text in ("-exist", "-!") for word in self.words)
        words = [word for word in self.words if word.text not in ("-exist", "-!")]
        command = _COMMANDS.get(words[0].text)
        if command is None:
            raise self.error(
                words[0],
                f"No command specified: unknown argument {words[0].text}",
                "iptlab reads create, add and del lines.",
            )
        if len(words) < 3:
            raise self.error(
                words[-1],
                f"Missing second mandatory argument to command {command}",
                "Write create NAME TYPE, add NAME ELEMENT or del NAME ELEMENT.",
            )
        if command == "create":
            self.create(sets, words, exist=exist)
        elif words[1].text not in sets:
            raise self.error(
                words[1],
                "The set with the given name does not exist",
                f"Create it first: create {words[1].text} hash:ip.",
            )
        else:
            self.change(sets, words, add=command == "add", exist=exist)

    def error(self, word: Token, cause: str, cure: str) -> RuleSyntaxError:
        return RuleSyntaxError(
            cause,
            line=self.number,
            column=word.column,
            word=word.text,
            text=self.text,
            cure=cure,
            tool=f"Error in line {self.number}: {cause}",
        )

    # --- create ---

    def create(self, sets: dict[str, IpSet], words: list[Token], *, exist: bool) -> None:
        _, name, kind, *rest = words
        kind = kind._replace(text=_OLD_NAMES.get(kind.text, kind.text))
        if len(name.text.encode()) > 31:
            raise self.error(
                name,
                f"Syntax error: setname '{name.text}' is longer than 31 characters",
                "Choose a shorter name.",
            )
        if kind.text not in DIMENSIONS:
            raise self.error(
                kind,
                f"Syntax error: typename '{kind.text}' is unknown",
                f"The types are {', '.join(DIMENSIONS)}.",
            )
        created = self.new_set(name, kind, rest)
        if name.text in sets and not (exist and _alike(created, sets[name.text])):
            raise self.error(
                name,
                "Set cannot be created: set with the same name already exists",
                "Choose another name, or write -exist to keep a set that is the same.",
            )
        sets.setdefault(name.text, created)

    def new_set(self, name: Token, kind: Token, rest: list[Token]) -> IpSet:
        given = self.options(
            rest, {n: o.has_value for n, o in _CREATE.items() if kind.text in o.kinds}
        )
        family = self.family(kind.text, given.pop("family", None))
        options = {n: o.default for n, o in _CREATE.items() if o.default and kind.text in o.kinds}
        for option_, word in given.items():
            read = partial(header_value, kind.text, option_, word.text, family or Family.IPV4)
            options[option_] = self.at(word, read)
        if kind.text.startswith("bitmap:") and "range" not in options:
            raise self.error(kind, "Mandatory option `range' is missing", "Write range FROM-TO.")
        return IpSet(name.text, kind.text, family, options)

    def options(self, rest: list[Token], known: Mapping[str, bool]) -> dict[str, Token]:
        """Each option's value; the option's own word where none follows."""
        given: dict[str, Token] = {}
        waiting = list(rest)
        while waiting:
            word = waiting.pop(0)
            if word.text not in known:
                raise self.error(
                    word, f"Unknown argument: `{word.text}'", f"Known here: {', '.join(known)}."
                )
            if word.text in given:
                raise self.error(
                    word, f"Syntax error: {word.text} already specified", "Write it once."
                )
            if known[word.text] and not waiting:
                raise self.error(
                    word,
                    f"Missing mandatory argument of option `{word.text}'",
                    f"Write a value after {word.text}.",
                )
            given[word.text] = waiting.pop(0) if known[word.text] else word
        return given

    def family(self, kind: str, word: Token | None) -> Family | None:
        if word is None:
            unspecific = kind in ("bitmap:port", "hash:mac", "list:set")
            return None if unspecific else Family.IPV4
        families = {"inet": Family.IPV4, "inet6": Family.IPV6}
        if word.text not in families:
            raise self.error(
                word,
                f"Syntax error: unknown inet family {word.text}",
                "The families are inet and inet6.",
            )
        return families[word.text]

    def at(self, word: Token, read: Callable[[], str]) -> str:
        try:
            return read()
        except BadValueError as bad:
            raise self.error(word, bad.cause, bad.cure) from None

    # --- add and del ---

    def change(self, sets: dict[str, IpSet], words: list[Token], *, add: bool, exist: bool) -> None:
        _, name, entry, *rest = words
        changed = sets[name.text]
        if changed.kind == "list:set" and entry.text not in sets:
            raise self.error(
                entry,
                "Set to be added/deleted/tested as element does not exist.",
                f"Create {entry.text} before it becomes a member.",
            )
        place, rest = self.place(changed, rest) if changed.kind == "list:set" else (None, rest)
        extras = self.beside(changed, rest)
        elements = dict(changed.elements)
        try:
            # two ranges multiply: no more are taken than would fit
            keys = list(islice(keys_of(changed, entry.text), MOST_KEYS))
            if add and len(keys) > (room := room_in(changed)):
                raise BadValueError(
                    "Hash is full, cannot add more elements",
                    f"There is room for {room} more; give the set a larger maxelem.",
                )
        except BadValueError as bad:
            raise self.error(entry, bad.cause, bad.cure) from None
        for key in keys:
            if (key in elements) == add and not exist:
                raise self.error(
                    entry,
                    "Element cannot be added to the set: it's already added"
                    if add
                    else "Element cannot be deleted from the set: it's not added",
                    "Take the line out, or write -exist.",
                )
            elements.pop(key, None)
            if add:
                elements[key] = Element(key, extras)
        if place and add:
            elements = _moved(elements, keys[0], *place)
        sets[name.text] = replace(changed, elements=elements)

    def place(
        self, changed: IpSet, rest: list[Token]
    ) -> tuple[tuple[str, str] | None, list[Token]]:
        """Where in a list a member goes: ``before`` or ``after`` another one."""
        if len(rest) < 2 or rest[0].text not in ("before", "after"):
            return None, rest
        if (rest[1].text,) not in changed.elements:
            raise self.error(
                rest[1],
                "The set to which you referred with 'before' or 'after' is not added to the set.",
                "Name a set that is in the list already.",
            )
        return (rest[0].text, rest[1].text), rest[2:]

    def beside(self, changed: IpSet, rest: list[Token]) -> tuple[tuple[str, str], ...]:
        """An element's timeout, nomatch, counters and comment, in print order."""
        nets = "net" in changed.dimensions
        known = {name: name != "nomatch" for name in _BESIDE if name != "nomatch" or nets}
        given = self.options(rest, known)
        for option_, word in given.items():
            if (needed := _BESIDE[option_]) and needed not in changed.options:
                raise self.error(
                    word, _SUPPORT[needed], f"Write {needed} where the set is created."
                )
        values = {"packets": "0", "bytes": "0"} if changed.has_counters else {}
        if "timeout" in changed.options:
            values["timeout"] = changed.options["timeout"]
        for option_, word in given.items():
            values[option_] = self.at(word, partial(extra_value, option_, word.text))
        return tuple((name, values[name]) for name in _BESIDE if name in values)


# what two sets may differ in and still be the same to -exist
# kernel: net/netfilter/ipset/ip_set_hash_gen.h (mtype_same_set)
_INSIDE = ("hashsize", "bucketsize", "initval")


def _alike(one: IpSet, other: IpSet) -> bool:
    mine, yours = (
        (each.kind, each.family, {k: v for k, v in each.options.items() if k not in _INSIDE})
        for each in (one, other)
    )
    return mine == yours


def _moved(elements: dict[Key, Element], key: Key, where: str, other: str) -> dict[Key, Element]:
    order = [each for each in elements if each != key]
    order.insert(order.index((other,)) + (where == "after"), key)
    return {each: elements[each] for each in order}
