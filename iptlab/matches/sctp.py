"""``-m sctp``: ports and chunks of the SCTP header."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple

from iptlab.errors import BadValueError
from iptlab.matches.ports import KeptPorts, PortMatch, listed_ports
from iptlab.names import SCTP_CHUNK_FLAGS, SCTP_CHUNKS
from iptlab.netfilter import fields as read
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.ports import check_services
from iptlab.netfilter.values import Given, Value
from iptlab.packet import Family, Packet, Protocol


class Which(StrEnum):
    """How many of the listed chunk types a packet must carry, and what besides."""

    ANY = "any"
    ALL = "all"
    ONLY = "only"


class WantedChunk(NamedTuple):
    """A chunk type; its flags in upper case must be set, in lower case clear."""

    name: str
    flags: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.flags}" if self.flags else self.name

    def fits(self, carried: str) -> bool:
        """Whether ``carried``, a packet's ``INIT`` or ``DATA:BE``, is such a chunk."""
        name, _, flags = carried.partition(":")
        return name == self.name and all(
            (flag.upper() in flags) == flag.isupper() for flag in self.flags
        )


class Carried(tuple[str, ...]):
    """The chunks of a packet, in its order."""

    def words(self) -> str:
        """The chunks as a sentence says them."""
        return " and ".join(self)


@dataclass(frozen=True, slots=True)
class ChunkTest(Value):
    """``any|all|only`` and chunk types; no types at all is NONE, None stands for ALL.

    >>> str(ChunkTest.parse("any SACK,DATA:BE", Family.IPV4))
    'any DATA:BE,SACK'
    """

    which: Which
    chunks: tuple[WantedChunk, ...] | None
    arity: ClassVar[int] = 2
    too_few: ClassVar[str] = "requires two args"

    @classmethod
    def parse(cls, text: str, family: Family) -> ChunkTest:
        """``any INIT,DATA:BE``, ``all ALL`` or ``only NONE``."""
        which, _, types = text.partition(" ")
        if which.lower() not in set(Which):
            raise BadValueError(
                'Match type has to be one of "ALL", "ANY" or "ONLY"',
                "Write for example --chunk-types any INIT.",
            )
        if types.upper() == "ALL":
            return cls(Which(which.lower()), None)
        wanted: dict[str, str] = {}
        for word in () if types.upper() == "NONE" else filter(None, types.split(",")):
            name, _, flags = word.partition(":")
            known = _flags_of(name, flags)
            wanted[name.upper()] = wanted.get(name.upper(), "") + known
        chunks = (WantedChunk(name, _in_order(name, flags)) for name, flags in wanted.items())
        return cls(Which(which.lower()), tuple(sorted(chunks, key=_number)))

    def __contains__(self, item: object) -> bool:
        """Whether a packet with these chunks is wanted.

        Kernel: net/netfilter/xt_sctp.c (match_packet)
        """
        assert isinstance(item, Carried)
        wanted = [WantedChunk(name) for name in SCTP_CHUNKS] if self.chunks is None else self.chunks
        match self.which:
            case Which.ANY:
                return any(want.fits(chunk) for chunk in item for want in wanted)
            case Which.ALL:
                return all(any(want.fits(chunk) for chunk in item) for want in wanted)
            case Which.ONLY:
                return all(any(want.fits(chunk) for want in wanted) for chunk in item)

    def __str__(self) -> str:
        if self.chunks is None:
            return f"{self.which} ALL"
        return f"{self.which} {','.join(map(str, self.chunks)) or 'NONE'}"

    def words(self) -> str:
        which, _, types = str(self).partition(" ")
        return f"{which} of {types}" if self.which is not Which.ONLY else str(self)


def _number(chunk: WantedChunk) -> int:
    return SCTP_CHUNKS[chunk.name]


def _flags_of(name: str, flags: str) -> str:
    """The flags of one word, checked; iptables forgets those of I_DATA."""
    number = SCTP_CHUNKS.get(name.upper())
    if number is None:
        raise BadValueError(
            f"Unknown sctp chunk `{name}'",
            f"The chunks are {', '.join(SCTP_CHUNKS)}; ALL and NONE stand alone.",
        )
    known = SCTP_CHUNK_FLAGS.get(name.upper(), {})
    if set(flags.upper()) - set(known):
        raise BadValueError(
            f"Invalid flags for chunk type {number}",
            f"{name.upper()} has " + (f"the flags {', '.join(known)}." if known else "no flags."),
        )
    return "" if name.upper() == "I_DATA" else flags


def _in_order(name: str, flags: str) -> str:
    """Each flag once, in iptables' order; where both cases are given, it must be set."""
    known: Iterable[str] = SCTP_CHUNK_FLAGS.get(name, ())
    spelled = (flag if flag in flags else flag.lower() for flag in known)
    return "".join(flag for flag in spelled if flag in flags)


def _carried(packet: Packet) -> Carried | CannotTell | None:
    if packet.protocol != Protocol.SCTP or packet.fragment:
        return None
    if not packet.chunks:
        return CannotTell("nobody said which SCTP chunks the packet carries")
    return Carried(packet.chunks)


CHUNKS = Field(
    "chunks",
    lambda p, c: _carried(p),
    "carries SCTP chunks, {}",
    "does not carry SCTP chunks, {}",
    "has no SCTP chunks",
)


@register_match("sctp")
@dataclass(frozen=True)
class Sctp(PortMatch):
    """``-p sctp [--sport PORT] [--dport PORT] [--chunk-types any|all|only TYPE[:FLAGS]]``.

    Kernel: net/netfilter/xt_sctp.c
    """

    protocols = (Protocol.SCTP,)

    sport: Given[KeptPorts] | None = option(
        "--sport",
        KeptPorts,
        negatable=True,
        also=("--source-port",),
        twice="Only one `--source-port' allowed",
        reads=read.SPORT,
    )
    dport: Given[KeptPorts] | None = option(
        "--dport",
        KeptPorts,
        negatable=True,
        also=("--destination-port",),
        twice="Only one `--destination-port' allowed",
        reads=read.DPORT,
    )
    chunk_types: Given[ChunkTest] | None = option(
        "--chunk-types",
        ChunkTest,
        negatable=True,
        twice="Only one `--chunk-types' allowed",
        reads=CHUNKS,
    )

    @classmethod
    def check_word(cls, text: str, protocol: int, *, negated: bool) -> None:
        check_services(text, "sctp")

    def listed(self, *, numeric: bool) -> str:
        words = listed_ports(self, self.sport, self.dport, numeric=numeric)
        if self.chunk_types:
            words.append(f"{'! ' * self.chunk_types.negated}{self._listed_chunks(numeric=numeric)}")
        return " ".join(words)

    def _listed_chunks(self, *, numeric: bool) -> str:
        assert self.chunk_types
        test = self.chunk_types.value
        if not numeric or not test.chunks:
            return str(test)
        numbers = (
            f"0x{_number(chunk):04X}{':' * bool(chunk.flags)}{chunk.flags}" for chunk in test.chunks
        )
        return f"{test.which} {','.join(numbers)}"
