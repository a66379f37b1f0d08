"""``-m owner``: the user and group of the process that sent a packet from this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from iptlab.errors import BadValueError
from iptlab.netfilter.context import CannotTell, Context, Owner
from iptlab.netfilter.extension import Condition, Match, Refused, option, register_match
from iptlab.netfilter.fields import Either, Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Given, Value, read_integer
from iptlab.packet import Family, Packet

# Debian's base-passwd, which every Debian machine has
_BOTH = """root=0 daemon=1 bin=2 sys=3 mail=8 news=9 uucp=10 proxy=13 www-data=33 backup=34
    list=38 irc=39"""
_USERS = f"{_BOTH} sync=4 games=5 man=6 lp=7 _apt=42 nobody=65534"
_GROUPS = f"""{_BOTH} adm=4 tty=5 disk=6 lp=7 man=12 kmem=15 dialout=20 fax=21 voice=22 cdrom=24
    floppy=25 tape=26 sudo=27 audio=29 dip=30 operator=37 src=40 shadow=42 utmp=43 video=44 sasl=45
    plugdev=46 staff=50 games=60 users=100 nogroup=65534"""


def _table(text: str) -> dict[str, int]:
    pairs = (entry.split("=") for entry in text.split())
    return {name: int(number) for name, number in pairs}


@dataclass(frozen=True, slots=True)
class Ids(Value):
    """One id, or all from ``low`` to ``high``."""

    low: int
    high: int
    names: ClassVar[Mapping[str, int]] = {}

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """A name, a number, or two numbers with a dash."""
        if text in cls.names:
            return cls(cls.names[text], cls.names[text])
        ends = [read_integer(end) for end in re.split("[-:]", text)]
        if len(ends) > 2 or any(end is None or end > 0xFFFFFFFE for end in ends):
            raise BadValueError(
                f'Bad value for this option: "{text}"',
                "Write an id such as 1000, a range such as 1000-2000, or root; names that only "
                "your own machine knows are not known here.",
            )
        return cls(ends[0], ends[-1])  # type: ignore[arg-type]

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and self.low <= item <= self.high

    def covers(self, other: Value) -> bool:
        return isinstance(other, Ids) and self.low <= other.low <= other.high <= self.high

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"

    @property
    def named(self) -> str:
        """The name of this one id, else its number."""
        found = [name for name, number in self.names.items() if self.low == self.high == number]
        return found[0] if found else str(self)

    def words(self) -> str:
        return self.named


class UserIds(Ids):
    """Users, by number or by the names that every Debian machine has."""

    names = _table(_USERS)


class GroupIds(Ids):
    """Groups, by number or by the names that every Debian machine has."""

    names = _table(_GROUPS)


def _of(context: Context, attribute: str) -> object:
    """The user or group of the sender; nothing for what no process sent."""
    owner = context.owner
    if owner is None:
        return CannotTell("nobody said which process sent the packet")
    number = getattr(owner, attribute)
    return number if owner.has_socket and number is not None else Either()


def _in_groups(packet: Packet, context: Context) -> object:
    return CannotTell("nobody said in which other groups the sending process is")


def _socket(packet: Packet, context: Context) -> object:
    owner: Owner | None = context.owner
    if owner is None:
        return CannotTell("nobody said whether a socket sent the packet")
    return owner.has_socket


UID = Field(
    "uid",
    lambda p, c: _of(c, "uid"),
    "was sent by user {}",
    "was not sent by user {}",
    "was sent by no user's process",
)
GID = Field(
    "gid",
    lambda p, c: _of(c, "gid"),
    "was sent by group {}",
    "was not sent by group {}",
    "was sent by no group's process",
)
GROUPS = replace(GID, name="groups", read=_in_groups)
SOCKET = Field("socket", _socket, "was sent by a socket{}", "was not sent by a socket{}")


@register_match("owner")
@dataclass(frozen=True)
class OwnerMatch(Match):
    """``-m owner [!] --uid-owner USER [!] --gid-owner GROUP [!] --socket-exists``.

    What the kernel sends by itself, such as a RST, has no owner: ``! --uid-owner`` holds for it.

    Kernel: net/netfilter/xt_owner.c
    """

    hooks = (Hook.OUTPUT, Hook.POSTROUTING)

    socket_exists: Given[Flag] | None = option(
        "--socket-exists", Flag, negatable=True, reads=SOCKET
    )
    uid_owner: Given[UserIds] | None = option("--uid-owner", UserIds, negatable=True, reads=UID)
    gid_owner: Given[GroupIds] | None = option("--gid-owner", GroupIds, negatable=True, reads=GID)
    suppl_groups: Flag | None = option(
        "--suppl-groups",
        Flag,
        after=(
            "--gid-owner",
            'owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first"',
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a match that asks nothing."""
        if not any(self.given()):
            raise BadValueError(
                "owner: At least one of --uid-owner, --gid-owner or --socket-exists is required",
                "Write for example --uid-owner root.",
            )

    def kernel_refusal(self) -> Refused | None:
        for given in filter(None, (self.uid_owner, self.gid_owner)):
            low, high = given.value.low, given.value.high
            if low > high:
                return Refused(f"{low}-{high} is no range", f"Write {high}-{low}.")
        return None

    def conditions(self) -> tuple[Condition, ...]:
        asked = super().conditions()
        if not self.suppl_groups:
            return asked
        return tuple(
            Condition(replace(each.option, reads=GROUPS), each.given) if each.field is GID else each
            for each in asked
        )

    def listed(self, *, numeric: bool) -> str:
        words = []
        if self.socket_exists:
            words.append(f"{'! ' * self.socket_exists.negated}owner socket exists")
        for word, given in (("UID", self.uid_owner), ("GID", self.gid_owner)):
            if given:
                shown = str(given.value) if numeric else given.value.named
                words.append(f"{'! ' * given.negated}owner {word} match {shown}")
        words += ["incl. suppl. groups"] * bool(self.suppl_groups)
        return " ".join(words)
