"""How a match or a target declares its options, and how it is found by name.

An extension is a frozen dataclass whose fields are made by ``option(...)``. From that
declaration follow parsing, printing, negation and refusal; from ``reads=`` follow the test
on a packet, the English sentence, and the reason when it says no.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, NamedTuple, TypeVar

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action
from iptlab.netfilter.context import Answer, CannotTell, Context, Memory, PacketSet
from iptlab.netfilter.fields import Either, Field
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag, Given, Value
from iptlab.packet import Family, Packet


@dataclass(frozen=True)
class Spelling:
    """Another name for an option, with its own way to read the words behind it."""

    arity: int
    read: Callable[[str, Family], Value]


@dataclass(frozen=True)
class Option:
    """One option of an extension, as the man page lists it."""

    name: str
    value: type[Value]
    negatable: bool = False
    required: bool = False
    missing: str = ""
    twice: str = ""
    default: Value | Mapping[Family, Value] | None = None
    shown: bool = True
    formal: str = ""
    also: tuple[str, ...] = ()
    spellings: Mapping[str, Spelling] = field(default_factory=dict)
    reads: Field | None = None
    warns: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, str] | None = None
    lax: bool = False

    def reader(self, name: str) -> Spelling:
        """How the words behind ``name``, one of the option's names, are read."""
        return self.spellings.get(name) or Spelling(self.value.arity, self.value.parse)

    def default_for(self, family: Family) -> Value | None:
        """The value that stands in when the option is not given."""
        return self.default[family] if isinstance(self.default, Mapping) else self.default

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which the option may be written."""
        return (self.name, *self.also, *self.spellings)


def option(
    name: str,
    value: type[Value],
    *,
    negatable: bool = False,
    required: bool = False,
    missing: str = "",
    twice: str = "",
    default: Value | Mapping[Family, Value] | None = None,
    shown: bool = True,
    formal: str = "",
    also: tuple[str, ...] = (),
    spellings: Mapping[str, Spelling] | None = None,
    reads: Field | None = None,
    warns: Mapping[str, str] | None = None,
    after: tuple[str, str] | None = None,
    lax: bool = False,
) -> Any:
    """Declare a field of an extension to be this option.

    The field holds ``Given[value]`` if the option is negatable, else the value itself;
    None if it may be left out and was. ``missing`` is what the tool says if a required one
    is not there and it has words of its own for that. ``default`` stands in for a missing
    one; with ``shown=False`` a value equal to the default is not printed. ``also`` are names
    with the same meaning, ``spellings`` names with another way of writing the value.
    ``twice`` is what the tool says to a second one, if it has words of its own for that,
    and ``formal`` the name by which its refusals call the option, if that is another one.
    ``warns`` is what the tool says when the option is given under one of its names.
    ``after`` is an option that must stand before it, with what the tool says if it does not;
    ``lax`` means that the tool overlooks a ``!`` before it and an earlier one of its kind.
    """
    declared = Option(
        name=name,
        value=value,
        negatable=negatable,
        required=required,
        missing=missing,
        twice=twice,
        default=default,
        shown=shown,
        formal=formal,
        also=also,
        spellings=spellings or {},
        reads=reads,
        warns=warns or {},
        after=after,
        lax=lax,
    )
    if required:
        return field(metadata={"option": declared})
    usual = declared.default_for(Family.IPV4)
    stand_in = Given(usual) if negatable and usual is not None else usual
    return field(default=stand_in, metadata={"option": declared})


# the errors of the kernel as iptables words them (libiptc/libiptc.c, iptc_strerror)
INVALID = "Invalid argument"
NO_SUCH = "No chain/target/match by that name"
OUT_OF_RANGE = "Numerical result out of range"


class Refused(NamedTuple):
    """Why the kernel refuses what the tool takes, a cure, and how the tool words its error."""

    cause: str
    cure: str
    error: str = INVALID


@dataclass(frozen=True, slots=True)
class Condition:
    """One question that a rule asks of a packet: an option and the field it reads."""

    option: Option
    given: Given[Value]

    def answer(self, packet: Packet, context: Context) -> Answer:
        """Whether the packet is as the option wants it.

        A field that the packet does not have makes every condition fail, negated or not.
        """
        return self.ask(packet, context)

    @property
    def ask(self) -> Ask:
        """The question made ready: what it needs is looked up once, not for every packet."""
        given, read = self.given, self.field.read
        value, agrees = given.value, given.agrees

        def answer(packet: Packet, context: Context) -> Answer:
            actual = read(packet, context)
            if actual is None:
                return False
            if isinstance(actual, CannotTell):
                return actual
            if isinstance(actual, Either):
                return agrees(any([thing in value for thing in actual]))
            return agrees(actual in value)

        return answer

    @property
    def field(self) -> Field:
        """The field that the option reads."""
        assert self.option.reads is not None
        return self.option.reads

    def why_not(self, packet: Packet, context: Context) -> str:
        """The option beside what is so: ``--dport 443, but this packet goes to port 80``."""
        return f"{self}, but this packet {self.field.fact(packet, context)}"

    def says(self) -> str:
        """What the condition claims about the packet: ``goes to port 443``."""
        return self.field.says(self.given.value, negated=self.given.negated)

    def __str__(self) -> str:
        return option_text(self.option, self.given)


def option_text(declared: Option, given: Given[Value]) -> str:
    """An option with its value as iptables-save prints it, ``!`` first."""
    name = f"! {declared.name}" if given.negated else declared.name
    value = str(given.value)
    return f"{name} {value}" if value and name else name or value


class Extension(ABC):
    """What matches and targets share: a name, declared options, where they may stand.

    ``protocols``, ``tables``, ``hooks`` and ``families`` are what the kernel insists on
    (None: anywhere); ``check`` is what the tool insists on.
    """

    name: ClassVar[str] = ""
    protocols: ClassVar[tuple[int, ...] | None] = None
    tables: ClassVar[tuple[TableName, ...] | None] = None
    hooks: ClassVar[tuple[Hook, ...] | None] = None
    families: ClassVar[tuple[Family, ...] | None] = None
    # the fields that several elements of one extension share, and the option between these
    shared: ClassVar[tuple[str, ...]] = ()
    parted_by: ClassVar[str] = ""
    # what iptables -L prints before the extension; two of them forget the blank
    gap: ClassVar[str] = " "

    @classmethod
    @cache
    def options(cls) -> tuple[tuple[str, Option], ...]:
        """Field name and option, in the order iptables-save prints them."""
        return tuple(
            (declared.name, declared.metadata["option"])
            for declared in fields(cls)  # type: ignore[arg-type]
            if "option" in declared.metadata
        )

    def given(self) -> Iterator[tuple[Option, Given[Value]]]:
        """The options that have a value, in print order."""
        for name, declared in self.options():
            value = getattr(self, name)
            if value is not None:
                yield declared, value if isinstance(value, Given) else Given(value)

    def option_words(self) -> tuple[str, ...]:
        """The options as iptables-save prints them, one text an option."""
        return tuple(
            option_text(declared, given)
            for declared, given in self.given()
            if declared.shown or given.negated or given.value != declared.default
        )

    def flags(self) -> tuple[str, ...]:
        """The given options that stand alone, without their dashes."""
        return tuple(o.name[2:] for o, given in self.given() if isinstance(given.value, Flag))

    @classmethod  # noqa: B027
    def check_elements(cls, count: int) -> None:
        """Raise BadValueError if no more elements than so many may be there."""

    @classmethod
    def element(cls, shared: dict[str, object], values: dict[str, object]) -> Extension:
        """One of several elements, with what it shares with the others."""
        return cls(**shared, **values)

    @classmethod
    def settled(cls, values: dict[str, object]) -> dict[str, object]:
        """The fields as options in this order leave them; most do not touch each other."""
        return values

    @classmethod  # noqa: B027
    def check_word(cls, text: str, protocol: int, *, negated: bool) -> None:
        """Raise BadValueError for words that the tool takes only beside another ``-p``.

        ``protocol`` is what ``-p`` or, ``negated``, ``! -p`` has named before (0: nothing).
        """

    def check(self, protocol: int, family: Family) -> None:  # noqa: B027
        """Raise BadValueError for what the tool refuses beside ``-p protocol`` (0: none)."""

    def check_sets(self, sets: Mapping[str, PacketSet], family: Family) -> None:  # noqa: B027
        """Raise BadValueError for an ipset that is not among ``sets`` or does not fit."""

    def kernel_refusal(self) -> Refused | None:
        """What the kernel says of these values, which the tool takes; None: it takes them too."""
        return None

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        """The same where it depends on the rest of the rule.

        ``protocol`` is that of ``-p`` (0: none), ``hooks`` are those whose packets get here.
        """
        return self.kernel_refusal()

    def exclude(self, *names: str) -> None:
        """Raise BadValueError if more than one of these options is given."""
        formal = {o.name: o.formal or o.name for o, _ in self.given()}
        first, second, *_ = (*(name for name in names if name in formal), "", "")
        if second:
            first, second = formal[first], formal[second]
            raise BadValueError(
                f'{self.name}: option "{first}" cannot be used together with "{second}".',
                f"Leave one of {first} and {second} out.",
            )

    def need(self, name: str, other: str) -> None:
        """Raise BadValueError if option ``name`` is given without ``other``."""
        there = {declared.name for declared, _ in self.given()}
        if name in there and other not in there:
            raise BadValueError(
                f'{self.name}: option "{name}" also requires "{other}".',
                f"Write {other} too, or leave {name} out.",
            )

    @abstractmethod
    def explain(self) -> str:
        """The extension in plain English."""

    def listed(self, *, numeric: bool) -> str:
        """What ``iptables -L`` prints for it; without ``numeric`` names replace numbers."""
        return " ".join((self.name, *self.option_words()))

    def listed_beside(self, protocol: int, *, numeric: bool) -> str:
        """The same in a rule with ``-p protocol``, whose services have names of their own."""
        return self.listed(numeric=numeric)


Ask = Callable[[Packet, Context], Answer]


class Match(Extension):
    """A test on a packet: ``-m NAME`` and its options.

    One whose options all say what they read needs nothing else. Others override
    ``holds`` (or ``asks``), ``why_not``, ``explain`` and ``landmarks`` together.
    """

    def conditions(self) -> tuple[Condition, ...]:
        """The given options that read a field, in print order."""
        found: tuple[Condition, ...] = ()
        for name, declared in self._readers():
            value = getattr(self, name)
            if value is not None:
                given = value if isinstance(value, Given) else Given(value)
                found += (Condition(declared, given),)
        return found

    @classmethod
    @cache
    def _readers(cls) -> tuple[tuple[str, Option], ...]:
        """The options that read a field; many matches have none, and that is soon known."""
        return tuple((name, declared) for name, declared in cls.options() if declared.reads)

    def asks(self, known: Container[Condition] = ()) -> tuple[Ask, ...]:
        """What ``holds`` asks of a packet, one question after another: all must hold.

        Those conditions may be left out that are ``known`` to hold.
        """
        if type(self).holds is not Match.holds:
            return (self.holds,)
        return tuple([each.ask for each in self.conditions() if each not in known])

    def holds(self, packet: Packet, context: Context) -> Answer:
        """Whether every condition holds."""
        return every(self.asks(), packet, context)

    def why_not(self, packet: Packet, context: Context) -> str:
        """The first condition that said no, beside what is so."""
        for condition in self.conditions():
            answer = condition.answer(packet, context)
            if answer is not True:
                doubt = isinstance(answer, CannotTell)
                return str(answer) if doubt else condition.why_not(packet, context)
        return ""

    @property
    def draws(self) -> bool:
        """Whether it may ask ``context.choose``, which answers another way every time."""
        return False

    @property
    def remembers(self) -> bool:
        """Whether being asked changes what it will answer to later packets."""
        return type(self).remember is not Match.remember

    def remember(self, packet: Packet, context: Context) -> Memory:
        """The memory after this match was asked about the packet; most remember nothing."""
        return context.memory

    def explain(self) -> str:
        """What is claimed about the packet: ``goes to port 443``."""
        return " and ".join(condition.says() for condition in self.conditions())

    def landmarks(self) -> Iterator[tuple[str, Value]]:
        """The fields this match reads, and the values at which its answer changes."""
        for condition in self.conditions():
            yield condition.field.name, condition.given.value

    def __str__(self) -> str:
        return " ".join(("-m", self.name, *self.option_words()))


def every(asks: Iterable[Ask], packet: Packet, context: Context) -> Answer:
    """True if all say so; a no decides; otherwise the first "cannot tell" is the answer."""
    doubt: Answer = True
    for ask in asks:
        answer = ask(packet, context)
        if answer is False:
            return False
        if answer is not True and doubt is True:
            doubt = answer
    return doubt


class Target(Extension):
    """What a rule does with a packet that matches: ``-j NAME`` and its options.

    ``column`` is what ``iptables -L`` shows as its target, if that is another name.
    """

    column: ClassVar[str] = ""

    @abstractmethod
    def act(self, packet: Packet, context: Context) -> Action:
        """What happens to the packet; a target never changes anything itself."""

    def __str__(self) -> str:
        return " ".join(("-j", self.name, *self.option_words()))


# --- the two registries ---

E = TypeVar("E", bound=Extension)


class Registry(Mapping[str, type[E]]):
    """Extensions by name; the file of an announced one is imported when it is first asked for."""

    def __init__(self) -> None:
        self._loaded: dict[str, type[E]] = {}
        self._announced: dict[str, str] = {}

    def announce(self, package: str, files: Mapping[str, str]) -> None:
        """Say in which files of ``package`` the extensions of these names are."""
        self._announced |= {name: f"{package}.{file}" for name, file in files.items()}

    def add(self, name: str, kind: type[E]) -> None:
        """Make an extension known; a second one of the same name is refused."""
        if name in self._loaded or self._announced.get(name, kind.__module__) != kind.__module__:
            raise BadValueError(f"two extensions are called {name}")
        self._loaded[name] = kind

    def __getitem__(self, name: str) -> type[E]:
        if name not in self._loaded and name in self._announced:
            import_module(self._announced[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._announced | self._loaded)

    def __len__(self) -> int:
        return len(self._announced | self._loaded)

    def __contains__(self, name: object) -> bool:
        return name in self._loaded or name in self._announced


MATCHES: Registry[Match] = Registry()
TARGETS: Registry[Target] = Registry()


def register_match(name: str) -> Callable[[type[Match]], type[Match]]:
    """Class decorator: make the match known as ``-m name``."""
    return _entering(MATCHES, name)


def register_target(name: str) -> Callable[[type[Target]], type[Target]]:
    """Class decorator: make the target known as ``-j name``."""
    return _entering(TARGETS, name)


def _entering(registry: Registry[E], name: str) -> Callable[[type[E]], type[E]]:
    def enter(kind: type[E]) -> type[E]:
        kind.name = name
        registry.add(name, kind)
        return kind

    return enter
