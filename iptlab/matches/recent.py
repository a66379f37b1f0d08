"""``-m recent``: a list of addresses, each with the times when it was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, Context, Memory
from iptlab.netfilter.extension import Match, Refused, option, register_match
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.networks import read_host, written
from iptlab.netfilter.values import Flag, Given, Integer, Text, Value
from iptlab.packet import Address, Family, Packet


class Seconds(Integer):
    """A time in seconds, at least one."""

    least = 1


class ListName(Text):
    """The name of a list, printed as it stands; the kernel keeps 199 bytes of it."""

    @classmethod
    def parse(cls, text: str, family: Family) -> ListName:
        """The first 199 bytes of the text."""
        return cls(text.encode()[:199].decode(errors="ignore"))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Mask(Value):
    """A mask, written as an address."""

    address: Address

    @classmethod
    def parse(cls, text: str, family: Family) -> Mask:
        """``255.255.255.0`` or ``ffff:ffff::``; a bare number is not a prefix length here."""
        return cls(read_host(text, family))

    @property
    def is_full(self) -> bool:
        """Whether every bit of an address counts."""
        return int(self.address) == (1 << self.address.max_prefixlen) - 1

    def __str__(self) -> str:
        return written(self.address)


class Entry(NamedTuple):
    """What a list knows of one address: when it was seen, and with which TTL last."""

    stamps: tuple[float, ...]
    ttl: int


_FULL = {Family.IPV4: "255.255.255.255", Family.IPV6: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
ACTIONS = {"--set": "SET", "--rcheck": "CHECK", "--update": "UPDATE", "--remove": "REMOVE"}


@register_match("recent")
@dataclass(frozen=True)
class Recent(Match):
    """``-m recent --set | --rcheck | --update | --remove`` on the list ``--name``.

    ``--set`` stores the packet's address and always matches. ``--rcheck`` matches if the
    address is in the list (at least ``--hitcount`` times within ``--seconds``); ``--update``
    too, and then stores it again; ``--remove`` matches if it could take it out.

    Kernel: net/netfilter/xt_recent.c (recent_mt)

    Simplified: a list holds as many addresses and times as it is given, and every rule masks
    addresses its own way, while in the kernel the first rule to name a list decides that.
    """

    set: Given[Flag] | None = option("--set", Flag, negatable=True)
    rcheck: Given[Flag] | None = option("--rcheck", Flag, negatable=True)
    update: Given[Flag] | None = option("--update", Flag, negatable=True)
    remove: Given[Flag] | None = option("--remove", Flag, negatable=True)
    seconds: Seconds | None = option("--seconds", Seconds)
    reap: Flag | None = option("--reap", Flag)
    hitcount: Integer | None = option("--hitcount", Integer)
    rttl: Flag | None = option("--rttl", Flag)
    list_name: ListName = option("--name", ListName, default=ListName("DEFAULT"))
    mask: Mask = option(
        "--mask",
        Mask,
        default={family: Mask.parse(ones, family) for family, ones in _FULL.items()},
    )
    rsource: Flag | None = option("--rsource", Flag)
    rdest: Flag | None = option("--rdest", Flag)

    def __post_init__(self) -> None:
        """Refuse what does not go together; fill in what is not said."""
        self.exclude(*ACTIONS)
        self.exclude("--rttl", "--set")
        self.exclude("--rttl", "--remove")
        self.need("--reap", "--seconds")
        if not any((self.set, self.rcheck, self.update, self.remove)):
            raise BadValueError(
                "recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'",
                "Write --set to store an address, --rcheck to look it up.",
            )
        if self.hitcount == Integer(0):
            object.__setattr__(self, "hitcount", None)
        if not self.rdest:
            object.__setattr__(self, "rsource", Flag())

    @classmethod
    def settled(cls, values: dict[str, object]) -> dict[str, object]:
        """The last of --rsource and --rdest counts."""
        sides = [name for name in values if name in ("rsource", "rdest")]
        return {name: value for name, value in values.items() if name not in sides[:-1]}

    # --- what it looks up ---

    @property
    def action(self) -> tuple[str, bool]:
        """The option that says what to do, and whether ``!`` turns the answer round."""
        declared, given = next(self.given())
        return declared.name, given.negated

    def _list(self, packet: Packet) -> tuple[object, ...]:
        return ("recent", self.list_name.text, packet.family)

    def _address(self, packet: Packet) -> int:
        return int(packet.dst if self.rdest else packet.src) & int(self.mask.address)

    def _entry(self, packet: Packet, context: Context) -> Entry | None:
        """What the list knows of the packet's address; with --rttl only if the TTL is the same."""
        entry = self._entries(packet, context).get(self._address(packet))
        return None if entry and self.rttl and entry.ttl != _ttl(packet, context) else entry

    def _entries(self, packet: Packet, context: Context) -> Mapping[int, Entry]:
        nothing: Mapping[int, Entry] = {}
        return context.memory.recall(self._list(packet), nothing)

    def _within(self, entry: Entry, context: Context) -> tuple[float, ...]:
        """The times that count: all, or those of the last ``--seconds``."""
        oldest = context.seconds - self.seconds.number if self.seconds else float("-inf")
        return tuple(stamp for stamp in entry.stamps if stamp >= oldest)

    def _found(self, packet: Packet, context: Context) -> bool:
        entry = self._entry(packet, context)
        if self.set or entry is None:
            return self.set is not None
        hits = self.hitcount.number if self.hitcount else 1
        return bool(self.remove) or len(self._within(entry, context)) >= hits

    def holds(self, packet: Packet, context: Context) -> Answer:
        return self._found(packet, context) != self.action[1]

    def remember(self, packet: Packet, context: Context) -> Memory:
        known = self._entries(packet, context)
        entry, address = self._entry(packet, context), self._address(packet)
        held = self.holds(packet, context)
        if entry and self.remove:
            changed = {key: value for key, value in known.items() if key != address}
        elif self.set or (entry and self.update and held):
            stamps = entry.stamps if entry else ()
            if self.reap and entry:
                stamps = self._within(entry, context)
            now = Entry((*stamps, context.seconds), _ttl(packet, context))
            changed = {**known, address: now}
        else:
            return context.memory
        return context.memory.store(self._list(packet), changed)

    # --- how it is said ---

    def why_not(self, packet: Packet, context: Context) -> str:
        end = f"{'dst' if self.rdest else 'src'} {packet.dst if self.rdest else packet.src}"
        entry = self._entry(packet, context)
        times = len(self._within(entry, context)) if entry else 0
        seen = f"in it {times} time{'s' * (times != 1)}" if entry else "not in it"
        option_, negated = self.action
        return f"{'! ' * negated}{option_} asks the list {self.list_name}, and {end} is {seen}"

    def explain(self) -> str:
        option_, negated = self.action
        end = "destination" if self.rdest else "source"
        which = f"list {self.list_name}"
        if self.set:
            never = " and is then said not to match" * negated
            return f"has its {end} stored in {which}{never}"
        said = f"has its {end} in {which}"
        if self.hitcount:
            said += f" at least {self.hitcount} times"
        if self.seconds:
            said += f" within {self.seconds} seconds"
        if self.rttl:
            said += " with the same TTL"
        if negated:
            said = said.replace("has", "does not have", 1)
        more = {"--update": " (and stores it again)", "--remove": " (and takes it out)"}
        return said + more.get(option_, "")

    def listed(self, *, numeric: bool) -> str:
        option_, negated = self.action
        words = [f"{'! ' * negated}recent: {ACTIONS[option_]}"]
        words += [f"seconds: {self.seconds}"] * bool(self.seconds)
        words += ["reap"] * bool(self.reap)
        words += [f"hit_count: {self.hitcount}"] * bool(self.hitcount)
        words += ["TTL-Match"] * bool(self.rttl)
        words += [f"name: {self.list_name}", f"side: {'dest' if self.rdest else 'source'}"]
        return " ".join([*words, f"mask: {self.mask}"])

    def kernel_refusal(self) -> Refused | None:
        """What the kernel refuses.

        Kernel: net/netfilter/xt_recent.c (recent_mt_check)
        """
        option_, _ = self.action
        if option_ in ("--set", "--remove") and (self.seconds or self.hitcount):
            return Refused(
                f"{option_} does not count: --seconds and --hitcount mean nothing to it",
                "Give them to --rcheck or --update.",
            )
        if self.hitcount and self.hitcount.number > 65535:
            return Refused(
                "--hitcount is more than a list can count", "Write a number up to 65535."
            )
        return name_refusal(self.list_name.text, "--name")


def name_refusal(name: str, option_: str) -> Refused | None:
    """Cause and cure for a name that cannot be a file's in /proc.

    Kernel: net/netfilter/x_tables.c (xt_check_proc_name)
    """
    if name in ("", ".", "..") or "/" in name:
        return Refused(
            f"{option_} `{name}' is no file name", "The list is a file in /proc; name it so."
        )
    return None


def _ttl(packet: Packet, context: Context) -> int:
    """The TTL as the packet came in; forwarding has already taken one off."""
    forwarded = context.hook in (Hook.FORWARD, Hook.POSTROUTING) and context.owner is None
    return packet.ttl + forwarded
