"""``-j CONNMARK``: a mark on the connection, which all its packets share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue, SetConnmark, Undecided, shifted
from iptlab.netfilter.context import CannotTell, Connection, Context
from iptlab.netfilter.extension import Match, Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Integer
from iptlab.packet import Packet
from iptlab.targets.mark import SPELLINGS, XMark


class Bits(Integer):
    """Which bits of a mark count."""

    def __str__(self) -> str:
        return f"{self.number:#x}"


class Shift(Integer):
    """By how many bits a mark is shifted."""

    most = 32


_ALL = Bits(0xFFFFFFFF)


@register_target("CONNMARK")
@dataclass(frozen=True)
class Connmark(Target):
    """``-j CONNMARK --set-xmark VALUE[/MASK] | --save-mark | --restore-mark``.

    --save-mark copies the packet's mark to the connection, --restore-mark the other way,
    so that every later packet of the connection can get the mark that the first one got.

    Kernel: net/netfilter/xt_connmark.c (connmark_tg_shift)
    """

    xmark: XMark | None = option("--set-xmark", XMark, spellings=SPELLINGS)
    save: Flag | None = option("--save-mark", Flag)
    restore: Flag | None = option("--restore-mark", Flag)
    nfmask: Bits | None = option("--nfmask", Bits)
    ctmask: Bits | None = option("--ctmask", Bits)
    mask: Bits | None = option("--mask", Bits)
    left_shift: Shift | None = option("--left-shift-mark", Shift)
    right_shift: Shift | None = option("--right-shift-mark", Shift)

    def __post_init__(self) -> None:
        """Check what goes together; ``--mask`` is both masks at once, a missing one is all bits."""
        self.exclude("--set-xmark", "--save-mark", "--restore-mark")
        self.exclude("--nfmask", "--mask")
        self.exclude("--ctmask", "--mask")
        if not (self.xmark or self.save or self.restore):
            raise BadValueError(
                "CONNMARK target: No operation specified",
                "Write --set-mark VALUE, --save-mark or --restore-mark.",
            )
        normal: dict[str, object] = {"mask": None}
        if self.xmark:
            given = self.ctmask or self.mask
            mask = given.number if given else self.xmark.mask
            normal |= {"xmark": XMark(self.xmark.value, mask), "nfmask": None, "ctmask": None}
        else:
            normal["nfmask"] = self.nfmask or self.mask or _ALL
            normal["ctmask"] = self.ctmask or self.mask or _ALL
        if self.left_shift == Shift(0):
            normal["left_shift"] = None
        if self.right_shift == Shift(0):
            normal["right_shift"] = None
        for name, value in normal.items():
            object.__setattr__(self, name, value)

    @classmethod
    def settled(cls, values: dict[str, object]) -> dict[str, object]:
        """The last of the two shifts counts."""
        shifts = [name for name in values if name.endswith("shift")]
        return {name: value for name, value in values.items() if name not in shifts[:-1]}

    @property
    def shift(self) -> int:
        """How far the mark is shifted to the left; negative: to the right."""
        if self.right_shift:
            return -self.right_shift.number
        return self.left_shift.number if self.left_shift else 0

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if abs(self.shift) == Shift.most:
            return Refused(
                "a mark has 32 bits; nothing is left of it after this shift", "Shift by less."
            )
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        known = context.tracked
        if known is None:
            return Continue(packet, note="no connection, nothing to mark")
        if self.restore:
            return self._restored(packet, known)
        if self.xmark:
            change = SetConnmark(self.xmark.value, self.xmark.mask, self.shift)
        else:
            assert self.nfmask
            assert self.ctmask
            saved = shifted(packet.mark & self.nfmask.number, self.shift)
            change = SetConnmark(saved, self.ctmask.number)
        if isinstance(known, Connection):
            note = f"connection mark {change.applied(known.mark):#x}"
        elif change.mask == _ALL.number:
            note = f"connection mark {change.applied(0):#x}"
        else:
            note = "connection mark changed"
        return Continue(packet, note, (change,))

    def _restored(self, packet: Packet, known: Connection | CannotTell) -> Action:
        if isinstance(known, CannotTell):
            return Undecided(known)
        assert self.nfmask
        assert self.ctmask
        found = shifted(known.mark & self.ctmask.number, self.shift)
        mark = packet.mark & ~self.nfmask.number ^ found
        return Continue(packet.marked(mark), note=f"mark {mark:#x}")

    def explain(self) -> str:
        if self.xmark:
            return f"gets its connection's mark changed ({self.xmark.listed()}) and goes on"
        masked = "" if self._masks() == "" else f" ({self._masks()})"
        if self.save:
            return f"has its mark saved in its connection{masked} and goes on"
        return f"gets the mark of its connection{masked} and goes on"

    def _masks(self) -> str:
        if self.nfmask == self.ctmask:
            return "" if self.nfmask == _ALL else f"mask {self.nfmask}"
        if self.save:
            return f"nfmask {self.nfmask} ctmask ~{self.ctmask}"
        return f"ctmask {self.ctmask} nfmask ~{self.nfmask}"

    def listed(self, *, numeric: bool) -> str:
        if self.xmark:
            what = self.xmark.listed()
        else:
            what = " ".join(filter(None, ("save" if self.save else "restore", self._masks())))
        shift = f"left-shift-mark {self.left_shift}" if self.left_shift else ""
        shift = f"right-shift-mark {self.right_shift}" if self.right_shift else shift
        return " ".join(filter(None, ("CONNMARK", what, shift)))
