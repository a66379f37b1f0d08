"""``-j SET``: put the packet's addresses into an ipset, or take them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, ChangeSet, Continue, Undecided
from iptlab.netfilter.context import CannotTell, Context, PacketSet
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.values import Flag, Integer, Value
from iptlab.packet import Family, Packet

_ENDS = "Write src or dst for each part of the set's elements: src,dst."


@dataclass(frozen=True, slots=True)
class SetElement(Value):
    """A set's name, and for each part of its elements which end of the packet it is."""

    name: str
    directions: tuple[str, ...]
    arity: ClassVar[int] = 2

    @classmethod
    def parse(cls, text: str, family: Family) -> SetElement:
        """``blocked src`` or ``pairs src,dst``."""
        name, _, ends = text.rpartition(" ")
        directions = tuple(end[:3] for end in ends.split(","))
        if len(name.encode()) > 31:
            raise BadValueError(
                f"setname `{name}' too long, max 31 characters.", "Name the set otherwise."
            )
        if not set(directions[:6]) <= {"src", "dst"}:
            raise BadValueError(
                "You must spefify (the comma separated list of) 'src' or 'dst'.", _ENDS
            )
        if len(directions) > 6:
            raise BadValueError("Can't be more src/dst options than 6.", _ENDS)
        return cls(name, directions)

    def __str__(self) -> str:
        return f"{self.name} {','.join(self.directions)}"


class Timeout(Integer):
    """Seconds."""

    most = 0xFFFFFFFE

    @classmethod
    def parse(cls, text: str, family: Family) -> Timeout:
        """A number of seconds."""
        try:
            return cls(Integer.parse(text, family).number)
        except BadValueError as bad:
            raise BadValueError(
                f"Invalid value for option --timeout or out of range 0-{cls.most}", bad.cure
            ) from None


@register_target("SET")
@dataclass(frozen=True)
class SetTarget(Target):
    """``-j SET --add-set NAME src|dst[,...] [--timeout S] [--exist]`` or ``--del-set``.

    Kernel: net/netfilter/xt_set.c (set_target_v3)

    Simplified: whether a set exists is not checked here; what --map-set finds is not known.
    """

    add: SetElement | None = option(
        "--add-set", SetElement, twice="--add-set can be specified only once", lax=True
    )
    exist: Flag | None = option("--exist", Flag, lax=True)
    timeout: Timeout | None = option("--timeout", Timeout, lax=True)
    delete: SetElement | None = option(
        "--del-set", SetElement, twice="--del-set can be specified only once", lax=True
    )
    map: SetElement | None = option(
        "--map-set", SetElement, twice="--map-set can be specified only once", lax=True
    )
    map_mark: Flag | None = option("--map-mark", Flag, lax=True)
    map_prio: Flag | None = option("--map-prio", Flag, lax=True)
    map_queue: Flag | None = option("--map-queue", Flag, lax=True)

    def __post_init__(self) -> None:
        """Check what goes together."""
        if not (self.add or self.delete or self.map):
            raise BadValueError(
                "You must specify either `--add-set' or `--del-set' or `--map-set'",
                "Write for example --add-set NAME src.",
            )
        adds = "used with `--add-set' only"
        if self.exist and not self.add:
            raise BadValueError(f"Flag `--exist' can be {adds}", "Leave --exist out.")
        if self.timeout and not self.add:
            raise BadValueError(f"Option `--timeout' can be {adds}", "Leave --timeout out.")
        mapped = [flag for flag in self.flags() if flag.startswith("map-")]
        if mapped and not self.map:
            raise BadValueError(
                f"Flag `--{mapped[0]}' can be used with `--map-set' only",
                f"Leave --{mapped[0]} out.",
            )
        if self.map and not mapped:
            raise BadValueError(
                "You must specify flags `--map-mark' or '--map-prio` or `--map-queue'",
                "Say what is to be taken from the set.",
            )

    def check_sets(self, sets: Mapping[str, PacketSet], family: Family) -> None:
        for element in filter(None, (self.add, self.delete, self.map)):
            found = sets.get(element.name)
            if found is None:
                raise BadValueError(
                    f"Set {element.name} doesn't exist.",
                    f"Create it before the rule: ipset create {element.name} hash:ip.",
                )
            if found.family not in (None, family):
                raise BadValueError(
                    f"The protocol family of set {element.name} is IPv{found.family}, "
                    "which is not applicable.",
                    f"A rule of IPv{family} needs a set of that family.",
                )

    def act(self, packet: Packet, context: Context) -> Action:
        if self.map:
            return Undecided(CannotTell(f"what set {self.map.name} holds is not known"))
        effects: list[ChangeSet] = []
        if self.add:
            seconds = self.timeout.number if self.timeout else None
            effects.append(
                ChangeSet(
                    self.add.name,
                    packet,
                    self.add.directions,
                    exist=bool(self.exist),
                    timeout=seconds,
                )
            )
        if self.delete:
            effects.append(ChangeSet(self.delete.name, packet, self.delete.directions, add=False))
        note = ", ".join(self._changes())
        return Continue(packet, note, tuple(effects))

    def _changes(self) -> list[str]:
        said = [f"added to set {self.add.name}"] if self.add else []
        return said + ([f"removed from set {self.delete.name}"] if self.delete else [])

    def explain(self) -> str:
        if self.map:
            return f"gets what set {self.map.name} maps it to and goes on"
        return f"is {' and '.join(self._changes())} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return " ".join(word.removeprefix("--") for word in self.option_words())
