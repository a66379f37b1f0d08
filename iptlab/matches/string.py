"""``-m string``: bytes anywhere in a packet."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import NO_SUCH, Match, Refused, Spelling, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Flag, Given, Integer, Text, Value
from iptlab.packet import Family, Packet

_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Pattern(Value):
    """The bytes to look for; printed as text if all of them can be printed."""

    data: bytes

    @classmethod
    def parse(cls, text: str, family: Family) -> Pattern:
        """The text as it stands."""
        data = text.encode()
        if len(data) > _LONGEST:
            raise BadValueError(
                'STRING too long "' + text + '"', f"The kernel takes {_LONGEST} bytes."
            )
        return cls(data)

    @property
    def printable(self) -> bool:
        """Whether it is saved as ``--string`` rather than as ``--hex-string``."""
        return all(0x20 <= byte < 0x7F for byte in self.data)

    def __str__(self) -> str:
        if not self.printable:
            return f'"|{self.data.hex()}|"'
        return '"' + re.sub(r'([\\"])', r"\\\1", self.data.decode()) + '"'

    def words(self) -> str:
        return str(self)


def hex_pattern(text: str, family: Family) -> Pattern:
    r"""``--hex-string``: bytes between bars are in hexadecimal, ``\`` makes a bar a bar.

    Source: extensions/libxt_string.c (parse_hex_string)

    >>> hex_pattern("|00 ff|abc", Family.IPV4).data
    b'\x00\xffabc'
    """
    if not text:
        raise BadValueError("STRING must contain at least one char", "Write what to look for.")
    source, data, at, in_hex = text.encode(), bytearray(), 0, False
    while at < len(source):
        if source[at : at + 1] == b"\\" and not in_hex and at + 1 < len(source):
            data.append(source[at + 1])
            at += 2
            continue
        if source[at : at + 1] == b"|":
            in_hex = not in_hex
            at += 1
            while in_hex and source[at : at + 1] == b" ":
                at += 1
            if at >= len(source):
                break
        if in_hex:
            data.append(_hex_byte(source, at))
            at += 3 if source[at + 2 : at + 3] == b" " else 2
        else:
            data.append(source[at])
            at += 1
    return Pattern(bytes(data))


def _hex_byte(source: bytes, at: int) -> int:
    cure = "Between two bars write bytes of two hexadecimal digits: |00 ff|."
    if at + 1 >= len(source):
        raise BadValueError("Odd number of hex digits", cure)
    if at + 2 >= len(source):
        raise BadValueError("Invalid hex block", cure)
    digits = source[at : at + 2].decode(errors="replace")
    for digit in digits:
        if digit not in "0123456789abcdefABCDEF":
            raise BadValueError(f"Invalid hex char '{digit}'", cure)
    return int(digits, 16)


class Offset(Integer):
    """A number of bytes from the IP header on."""

    most = 0xFFFF


def _carried(packet: Packet) -> bytes | None:
    """What a packet carries; an ICMP error as much of the quoted packet's as it has room for."""
    quoted = packet.quoted
    if quoted is None or quoted.payload is None:
        return packet.payload
    room = packet.length - (28 if packet.family is Family.IPV4 else 48)
    return quoted.payload[: max(len(quoted.payload) - quoted.length + room, 0)]


PAYLOAD = Field(
    "payload",
    lambda p, c: Pattern(text) if (text := _carried(p)) else None,
    "contains {}",
    "does not contain {}",
    "carries nothing",
)


@register_match("string")
@dataclass(frozen=True)
class String(Match):
    """``-m string --algo bm|kmp [!] --string TEXT [--from N] [--to N] [--icase]``.

    A connection's text may be cut anywhere into packets, so this is no way to block words.

    Kernel: net/netfilter/xt_string.c

    Simplified: only the payload is searched, not the bytes of the headers before it.
    """

    pattern: Given[Pattern] = option(
        "--string",
        Pattern,
        negatable=True,
        required=True,
        missing="STRING match: You must specify `--string' or `--hex-string'",
        spellings={"--hex-string": Spelling(1, hex_pattern)},
        reads=PAYLOAD,
    )
    algo: Text = option("--algo", Text, required=True)
    start: Offset = option("--from", Offset, default=Offset(0), shown=False)
    end: Offset = option("--to", Offset, default=Offset(0xFFFF), shown=False)
    icase: Flag | None = option("--icase", Flag)

    def holds(self, packet: Packet, context: Context) -> Answer:
        text = _carried(packet)
        if text is None:
            return CannotTell("nobody said what the packet carries behind its headers")
        headers = packet.length - len(text)
        return self.pattern.holds(lambda pattern: self._found(pattern.data, text, headers))

    def why_not(self, packet: Packet, context: Context) -> str:
        answer = self.holds(packet, context)
        if isinstance(answer, CannotTell):
            return str(answer)
        return "" if answer else self.conditions()[0].why_not(packet, context)

    def _found(self, wanted: bytes, text: bytes, headers: int) -> bool:
        if self.icase:
            wanted, text = wanted.lower(), text.lower()
        first, last = max(self.start.number - headers, 0), self.end.number - headers
        return (
            0 <= text.find(wanted, first) + len(wanted) - 1 < max(last, 0)
            and wanted in text[first:]
        )

    def kernel_refusal(self) -> Refused | None:
        if self.algo.text not in ("bm", "kmp"):
            return Refused(
                f"the kernel has no algorithm {self.algo}",
                "Write --algo bm or --algo kmp.",
                NO_SUCH,
            )
        if not self.pattern.value.data:
            return Refused("there is nothing to look for", "Write at least one character.")
        if self.start.number > self.end.number:
            return Refused("the search ends before it begins", "Write --from less than --to.")
        return None

    def option_words(self) -> tuple[str, ...]:
        name = "--string" if self.pattern.value.printable else "--hex-string"
        words = [
            f"{'! ' * self.pattern.negated}{name} {self.pattern.value}",
            f"--algo {self.algo.text}",
        ]
        words += [f"--from {self.start}"] * (self.start.number != 0)
        words += [f"--to {self.end}"] * (self.end.number != Offset.most)
        words += ["--icase"] * bool(self.icase)
        return tuple(words)

    def listed(self, *, numeric: bool) -> str:
        words = [f"STRING match {'!' * self.pattern.negated} {self.pattern.value}"]
        words.append(f"ALGO name {self.algo.text}")
        words += [f"FROM {self.start}"] * (self.start.number != 0)
        words += [f"TO {self.end}"] * (self.end.number != Offset.most)
        words += ["ICASE"] * bool(self.icase)
        return " ".join(words)
