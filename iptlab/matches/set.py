"""``-m set``: whether the packet is in a named ipset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, CannotTell, Context, PacketSet
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Flag, Given, Integer, Value, read_integer
from iptlab.packet import Family, Packet


@dataclass(frozen=True, slots=True)
class SetLookup(Value):
    """A set by name, and for each of its dimensions which end of the packet to look up."""

    name: str
    directions: tuple[str, ...]
    arity: ClassVar[int] = 2

    @classmethod
    def parse(cls, text: str, family: Family) -> SetLookup:
        """``NAME src,dst,...`` with up to six directions."""
        name, _, directions = text.rpartition(" ")
        if len(name.encode()) > 31:
            raise BadValueError(
                f"setname `{name}' too long, max 31 characters.", "Check the name: ipset list -n."
            )
        ends = tuple(end[:3] for end in directions.split(","))
        if not set(ends[:6]) <= {"src", "dst"}:
            raise BadValueError(
                "You must spefify (the comma separated list of) 'src' or 'dst'.",
                "Write src or dst for each dimension of the set: src,dst for hash:ip,port.",
            )
        if len(ends) > 6:
            raise BadValueError(
                "Can't be more src/dst options than 6.", "No set has more than three dimensions."
            )
        return cls(name, ends)

    def __str__(self) -> str:
        return f"{self.name} {','.join(self.directions)}"

    def words(self) -> str:
        by = ",".join(self.directions)
        ends = {"src": "its source", "dst": "its destination"}
        return f"{self.name} by {ends.get(by, by)}"


class Counter(Integer):
    """How many packets or bytes an element has counted."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Counter:
        """A number of up to 64 bits."""
        number = read_integer(text)
        if number is None or number >= 2**64:
            raise BadValueError(
                f"Cannot parse {text} as a counter value", "Write a number of packets or bytes."
            )
        return cls(number)


_ONE_OF = "only one of the --{}-[eq|lt|gt] is allowed"


@register_match("set")
@dataclass(frozen=True)
class SetMatch(Match):
    """``-m set [!] --match-set NAME src,dst``: the packet is in an ipset.

    Kernel: net/netfilter/xt_set.c (set_match_v4); sets: iptlab.netfilter.ipset
    """

    match_set: Given[SetLookup] = option(
        "--match-set",
        SetLookup,
        negatable=True,
        required=True,
        missing="You must specify `--match-set' with proper arguments",
        twice="--match-set can be specified only once",
        also=("--set",),
        warns={"--set": "--set option deprecated, please use --match-set"},
    )
    return_nomatch: Flag | None = option("--return-nomatch", Flag)
    update_counters: Given[Flag] | None = option("--update-counters", Flag, negatable=True)
    update_subcounters: Given[Flag] | None = option("--update-subcounters", Flag, negatable=True)
    packets_eq: Given[Counter] | None = option(
        "--packets-eq", Counter, negatable=True, twice=_ONE_OF.format("packets")
    )
    packets_lt: Counter | None = option("--packets-lt", Counter, twice=_ONE_OF.format("packets"))
    packets_gt: Counter | None = option("--packets-gt", Counter, twice=_ONE_OF.format("packets"))
    bytes_eq: Given[Counter] | None = option(
        "--bytes-eq", Counter, negatable=True, twice=_ONE_OF.format("bytes")
    )
    bytes_lt: Counter | None = option("--bytes-lt", Counter, twice=_ONE_OF.format("bytes"))
    bytes_gt: Counter | None = option("--bytes-gt", Counter, twice=_ONE_OF.format("bytes"))

    def __post_init__(self) -> None:
        """Refuse two tests of one counter; forget what is so anyway."""
        names = [declared.name for declared, _ in self.given()]
        for what in ("packets", "bytes"):
            if sum(name.startswith(f"--{what}-") for name in names) > 1:
                raise BadValueError(
                    _ONE_OF.format(what),
                    "Use a second -m set for the other bound.",
                )
        for name in ("update_counters", "update_subcounters"):
            given = getattr(self, name)
            if given and not given.negated:
                object.__setattr__(self, name, None)

    def check_sets(self, sets: Mapping[str, PacketSet], family: Family) -> None:
        check_set(self.match_set.value.name, sets, family)

    def holds(self, packet: Packet, context: Context) -> Answer:
        found = self._found(packet, context)
        return found if isinstance(found, CannotTell) else found != self.match_set.negated

    def _found(self, packet: Packet, context: Context) -> Answer:
        lookup = self.match_set.value
        asked = (context.sets or {}).get(lookup.name)
        if asked is None:
            return CannotTell(f"nobody said what is in the set {lookup.name}")
        holes = self.return_nomatch is not None
        found = asked.holds(packet, context, lookup.directions, holes=holes)
        if found and asked.has_counters and self.counts:
            return CannotTell("how often an element was matched is not counted")
        return found

    @property
    def counts(self) -> bool:
        """Whether an option asks for an element's counters."""
        return any(option_.value is Counter for option_, _ in self.given())

    def why_not(self, packet: Packet, context: Context) -> str:
        found = self._found(packet, context)
        if isinstance(found, CannotTell):
            return str(found)
        lookup = self.match_set.value
        asked = (context.sets or {})[lookup.name]
        sought = asked.sought(packet, context, lookup.directions)
        said = f"{'! ' * self.match_set.negated}--match-set {lookup}"
        return f"{said}, but {sought} is {'' if found else 'not '}in that set"

    def explain(self) -> str:
        said = f"is {'not ' * self.match_set.negated}in the set {self.match_set.value.words()}"
        return f"{said} (among its holes)" if self.return_nomatch else said

    def listed(self, *, numeric: bool) -> str:
        return " ".join(words.replace("--", "") for words in self.option_words())


def check_set(name: str, sets: Mapping[str, PacketSet], family: Family) -> None:
    """Raise BadValueError for a set that does not exist or holds addresses of another family."""
    if name not in sets:
        known = ", ".join(sets) or "none"
        raise BadValueError(
            f"Set {name} doesn't exist.",
            f"Create it before the rule: ipset create {name} hash:ip (there are: {known}).",
        )
    if sets[name].family not in (None, family):
        raise BadValueError(
            f"The protocol family of set {name} is IPv{sets[name].family}, "
            "which is not applicable.",
            f"A rule of IPv{family} needs a set of that family.",
        )
