"""``-m policy``: whether a packet was or will be protected by IPsec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.matches.conntrack import HostMask
from iptlab.netfilter.extension import Match, Refused, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Given, Integer, ProtocolNumber, Value
from iptlab.packet import Family

_PROTOCOLS = (50, 51, 108)


@dataclass(frozen=True, slots=True)
class Word(Value):
    """One of a few words."""

    word: str
    known: ClassVar[tuple[str, ...]] = ()
    wrong: ClassVar[str] = ""

    @classmethod
    def parse(cls, text: str, family: Family) -> Word:
        """The word, in lower case."""
        if text not in cls.known:
            raise BadValueError(f'{cls.wrong} "{text}"', f"Write {' or '.join(cls.known)}.")
        return cls(text)

    def __contains__(self, item: object) -> bool:
        return item == self.word

    def __str__(self) -> str:
        return self.word


class Way(Word):
    """Decryption (in) or encryption (out)."""

    known = ("in", "out")
    wrong = "policy_match: invalid dir"


class Kind(Word):
    """Whether IPsec had its hand in it."""

    known = ("none", "ipsec")
    wrong = "policy match: invalid policy"


class Mode(Word):
    """The mode of an association."""

    known = ("transport", "tunnel")
    wrong = "policy match: invalid mode"


class Spi(Integer):
    """An SPI, printed in hexadecimal."""

    def __str__(self) -> str:
        return f"{self.number:#x}"


class IpsecProtocol(ProtocolNumber):
    """ah, esp or ipcomp."""

    @classmethod
    def parse(cls, text: str, family: Family) -> IpsecProtocol:
        """A name or its number."""
        plain = ProtocolNumber.parse_exactly(text, family)
        if plain.number not in _PROTOCOLS:
            raise BadValueError(
                "policy match: protocol must be ah/esp/ipcomp", "Write ah, esp or ipcomp."
            )
        return cls(plain.number)


POLICY = Field("policy", lambda p, c: "none", "has IPsec policy {}", "does not have policy {}")


@register_match("policy")
@dataclass(frozen=True)
class Policy(Match):
    """``-m policy --dir in|out --pol none|ipsec`` and what the association must be like.

    Kernel: net/netfilter/xt_policy.c

    Simplified: no packet is protected by IPsec here, so ``--pol none`` always holds and
    ``--pol ipsec`` never.
    """

    shared = ("way", "kind", "strict")
    parted_by = "--next"

    way: Way = option(
        "--dir",
        Way,
        required=True,
        missing="policy match: neither --dir in nor --dir out specified",
    )
    kind: Kind = option("--pol", Kind, default=Kind("ipsec"), reads=POLICY)
    strict: Flag | None = option("--strict", Flag)
    reqid: Given[Integer] | None = option(
        "--reqid", Integer, negatable=True, twice="policy match: double --reqid option"
    )
    spi: Given[Spi] | None = option(
        "--spi", Spi, negatable=True, twice="policy match: double --spi option"
    )
    protocol: Given[IpsecProtocol] | None = option(
        "--proto", IpsecProtocol, negatable=True, twice="policy match: double --proto option"
    )
    mode: Given[Mode] | None = option(
        "--mode", Mode, negatable=True, twice="policy match: double --mode option"
    )
    tunnel_dst: Given[HostMask] | None = option(
        "--tunnel-dst", HostMask, negatable=True, twice="policy match: double --tunnel-dst option"
    )
    tunnel_src: Given[HostMask] | None = option(
        "--tunnel-src", HostMask, negatable=True, twice="policy match: double --tunnel-src option"
    )
    parted: Flag | None = option("--next", Flag)
    later: tuple[Policy, ...] = ()

    @classmethod
    def check_elements(cls, count: int) -> None:
        if count > 3:
            raise BadValueError(
                "policy match: maximum policy depth reached", "There may be four elements."
            )

    @classmethod
    def element(cls, shared: dict[str, object], values: dict[str, object]) -> Policy:
        """A later element, whose emptiness the first one checks."""
        return cls(**(values | shared | {"strict": None, "parted": None}))  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.kind.word == "none" and self.strict:
            raise BadValueError(
                "policy match: policy none but --strict given", "Leave --strict out."
            )
        if self.kind.word == "none" and self.later:
            raise BadValueError("policy match: policy none but policy given", "Leave --next out.")
        if self.kind.word == "none":
            return
        self.need("--next", "--strict")
        empty = [n for n, each in enumerate((self, *self.later)) if not each.asked]
        if self.strict and empty:
            raise BadValueError(
                f"policy match: empty policy element {empty[0]}. --strict is in effect, but at "
                "least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.",
                "Say what the association must be like, or leave --strict out.",
            )
        tunnel = self.mode and self.mode.value.word == "tunnel" and not self.mode.negated
        if (self.tunnel_src or self.tunnel_dst) and not tunnel:
            raise BadValueError(
                "policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode",
                "Write --mode tunnel too.",
            )

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        wrong = {
            "in": (Hook.OUTPUT, Hook.POSTROUTING),
            "out": (Hook.PREROUTING, Hook.INPUT),
        }[self.way.word]
        if bad := [hook for hook in hooks if hook in wrong]:
            return Refused(
                f"--dir {self.way} makes no sense at {bad[0]}",
                "A packet is decrypted before INPUT and FORWARD, and encrypted after OUTPUT.",
            )
        return None

    @property
    def asked(self) -> tuple[str, ...]:
        """What one element asks of an association."""
        common = {"--dir", "--pol", "--strict", "--next"}
        words = zip(
            (declared.name for declared, _ in self.given()), super().option_words(), strict=True
        )
        return tuple(word for name, word in words if name not in common)

    def option_words(self) -> tuple[str, ...]:
        head = (f"--dir {self.way}", f"--pol {self.kind}")
        if self.kind.word == "none":
            return head
        later = (word for each in self.later for word in ("--next", *each.asked))
        return (*head, *["--strict"] * bool(self.strict), *self.asked, *later)

    def explain(self) -> str:
        asked = " ".join(self.option_words()[2:])
        return super().explain() + f" ({asked})" * bool(asked)

    def listed(self, *, numeric: bool) -> str:
        words = " ".join(self.option_words())
        if self.later:
            head, *later = words.split(" --next ")
            first = head.index(self.asked[0])
            elements = (head[first:], *later)
            words = head[:first] + " ".join(f"[{n}] {each}" for n, each in enumerate(elements))
        if numeric and self.protocol:
            words = words.replace(
                f"--proto {self.protocol.value}", f"--proto {self.protocol.value.number}"
            )
        return f"policy match {words.replace('--', '')}"
