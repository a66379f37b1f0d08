"""``-m hashlimit``: a limit for each address, port or pair of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from iptlab.errors import BadValueError
from iptlab.matches.limit import Rate
from iptlab.matches.recent import name_refusal
from iptlab.netfilter.context import Answer, Context, Memory
from iptlab.netfilter.extension import OUT_OF_RANGE, Match, Refused, option, register_match
from iptlab.netfilter.networks import PrefixLength
from iptlab.netfilter.values import Flag, Given, Integer, Text, Value, read_integer
from iptlab.packet import Family, Packet

_FACTORS = {"k": 1024, "m": 1024**2}


@dataclass(frozen=True, slots=True)
class HashRate(Rate):
    """So many packets a second, minute, hour or day, or so many bytes a second.

    The kernel keeps what a chunk of 16 bytes costs, so a rate of bytes is not exact.

    >>> print(HashRate.parse("512kb/s", Family.IPV4), HashRate.parse("60/min", Family.IPV4))
    512kb/s 1/sec
    """

    in_bytes: bool = False
    written_in: str = field(default="second", compare=False)
    scale: ClassVar[int] = 1_000_000
    units: ClassVar[dict[str, int]] = {unit: each * 100 for unit, each in Rate.units.items()}
    option: ClassVar[str] = "--hashlimit-upto"

    @classmethod
    def parse(cls, text: str, family: Family) -> HashRate:
        """``5/sec``, ``5/minute``, ``512kb/s`` or ``10mb/s``."""
        bad = BadValueError(
            f'hashlimit: Bad value for "{cls.option}" option: "{text}"',
            "Write packets or bytes and their time: 5/minute, 512kb/s.",
        )
        if "b/s" in text:
            found = re.match(r"\s*(\d+)(?:\.\d*)?(kb/s|mb/s)?", text, re.ASCII)
            if not found or not int(found[1]):
                raise bad
            return HashRate(_cost(int(found[1]) * _FACTORS.get(found[2], 1)), True)
        try:
            period = cls.read_period(text)
        except BadValueError as refused:
            raise bad if refused.cause.startswith("bad rate") else refused from None
        unit = text.partition("/")[2].lower() or "s"
        return HashRate(period, False, next(name for name in cls.units if name.startswith(unit)))

    @property
    def bytes(self) -> int:
        """How many bytes a second a rate of bytes allows."""
        return (0xFFFFFFFF // self.period - 1) << 4

    def __str__(self) -> str:
        """Bytes are printed in the largest unit that means the same cost."""
        if not self.in_bytes:
            return Rate.__str__(self)
        for suffix, factor in _UNITS.items():
            if self.bytes >= factor and _cost(self.bytes & 2**32 - factor) == self.period:
                return f"{self.bytes // factor}{suffix}/s"
        return f"{self.bytes}b/s"

    def words(self) -> str:
        return str(self).replace("/s", " a second") if self.in_bytes else Rate.words(self)

    def expiry(self, unit: str = "") -> int:
        """How many milliseconds one unit of time lasts: the one named, or the one printed."""
        shown = "second" if self.in_bytes else self._best()[1]
        return self.units[unit or shown] // 1000


class RateAbove(HashRate):
    """The same, as ``--hashlimit-above`` reads it."""

    option = "--hashlimit-above"


_UNITS = {"mb": 1 << 20, "kb": 1 << 10, "b": 1}
_FACTORS = {"kb/s": 1 << 10, "mb/s": 1 << 20}


def _cost(number: int) -> int:
    """What 16 bytes cost at a rate of so many bytes a second.

    Source: extensions/libxt_hashlimit.c (bytes_to_cost)
    """
    return 0xFFFFFFFF // ((number >> 4) + 1)


class HashBurst(Integer):
    """How many packets or bytes may pass at once before the rate counts."""

    least = 1
    most = 1_000_000

    @classmethod
    def parse(cls, text: str, family: Family) -> HashBurst:
        """``5`` packets, or bytes: ``20mb``."""
        found = re.fullmatch(r"(\w*?)([km]?)(b?)", text, re.ASCII)
        number = read_integer(found[1]) if found else None
        if found is None or not number:
            raise BadValueError(
                'bad value for option "--hashlimit-burst", or out of range (1-1000000).', _BURST
            )
        size = number * {"k": 1 << 10, "m": 1 << 20}.get(found[2], 1) & 0xFFFFFFFF
        return cls(size)

    @property
    def size(self) -> str:
        """The number of bytes in the largest unit that is not larger, cut to a whole number."""
        suffix, factor = next((s, f) for s, f in _UNITS.items() if self.number >= f)
        return f"{self.number // factor}{suffix}"


_BURST = "Write a number of packets, or for a rate in bytes a size such as 20mb."


MODES = ("srcip", "srcport", "dstip", "dstport")


@dataclass(frozen=True, slots=True)
class Modes(Value):
    """What each bucket belongs to: source and destination addresses and ports."""

    words_: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, family: Family) -> Modes:
        """Some of srcip, srcport, dstip and dstport, in any order."""
        given = {word for word in text.split(",") if word}
        if wrong := given - set(MODES):
            raise BadValueError(
                f'hashlimit: Bad value for "--hashlimit-mode" option: "{wrong.pop()}"',
                f"The modes are {', '.join(MODES)}, joined by commas.",
            )
        return cls(tuple(mode for mode in MODES if mode in given))

    @property
    def is_everything(self) -> bool:
        """Whether all packets share one bucket."""
        return not self.words_

    def __str__(self) -> str:
        return ",".join(self.words_)

    def words(self) -> str:
        full = {
            "srcip": "source",
            "srcport": "source port",
            "dstip": "destination",
            "dstport": "destination port",
        }
        return " and ".join(full[mode] for mode in self.words_)


class TableName(Text):
    """The name of a table of buckets; rules that name the same one share it."""

    @classmethod
    def parse(cls, text: str, family: Family) -> TableName:
        """The name as it stands, not empty."""
        if not text:
            raise BadValueError("Argument must have a minimum length of 1 characters", "Name it.")
        return cls(text)

    def __str__(self) -> str:
        return self.text


class Bucket(NamedTuple):
    """What is left to pass, in microseconds of the rate, and when that was so."""

    credit: float
    at: float
    refills: int = 0


# milliseconds between two sweeps; extensions/libxt_hashlimit.c (XT_HASHLIMIT_GCINTERVAL)
_GC_INTERVAL = 1000


@register_match("hashlimit")
@dataclass(frozen=True)
class Hashlimit(Match):
    """``-m hashlimit --hashlimit-upto RATE | --hashlimit-above RATE --hashlimit-name NAME``.

    Each group of packets that ``--hashlimit-mode`` makes has its own bucket, full at first.
    ``upto`` matches while there is enough in it, ``above`` when there is not. A bucket that no
    packet asked for during ``--hashlimit-htable-expire`` milliseconds is forgotten by the next
    sweep, of which there is one every ``--hashlimit-htable-gcinterval``, and is full again.

    Kernel: net/netfilter/xt_hashlimit.c (revision 3; htable_gc)

    Simplified: tables do not fill up, sweeps come at whole intervals of the clock, and
    ``--hashlimit-rate-match`` counts as a bucket does.
    """

    upto: Given[HashRate] | None = option(
        "--hashlimit-upto", HashRate, negatable=True, also=("--hashlimit",)
    )
    above: Given[HashRate] | None = option("--hashlimit-above", RateAbove, negatable=True)
    burst: HashBurst | None = option("--hashlimit-burst", HashBurst)
    mode: Modes | None = option("--hashlimit-mode", Modes)
    table: TableName | None = option("--hashlimit-name", TableName)
    size: Integer | None = option("--hashlimit-htable-size", Integer)
    max: Integer | None = option("--hashlimit-htable-max", Integer)
    gcinterval: Integer | None = option("--hashlimit-htable-gcinterval", Integer)
    expire: Integer | None = option("--hashlimit-htable-expire", Integer)
    srcmask: PrefixLength | None = option("--hashlimit-srcmask", PrefixLength)
    dstmask: PrefixLength | None = option("--hashlimit-dstmask", PrefixLength)
    rate_match: Flag | None = option("--hashlimit-rate-match", Flag)
    rate_interval: Integer | None = option("--hashlimit-rate-interval", Integer)

    def __post_init__(self) -> None:
        """Refuse what does not go together; bring the rest to the form that is printed."""
        self.exclude("--hashlimit-upto", "--hashlimit-above")
        given = self.upto or self.above
        if given is None:
            raise BadValueError(
                "You have to specify --hashlimit",
                "Write --hashlimit-upto 5/minute, or --hashlimit-above for the packets beyond.",
            )
        if self.table is None:
            raise BadValueError(
                'hashlimit: option "--hashlimit-name" must be specified',
                "Give the table a name: --hashlimit-name ssh.",
            )
        over = (self.above is not None) != given.negated
        written = given.value
        expiry = self.expire.number if self.expire else written.expiry(written.written_in)
        rate, interval = self._interval(written)
        forms = {
            "upto": None if over else Given(rate),
            "above": Given(rate) if over else None,
            "burst": self._burst(rate),
            "size": _unless(self.size, 0),
            "max": _unless(self.max, 0),
            "gcinterval": _unless(self.gcinterval, _GC_INTERVAL),
            "expire": _unless(Integer(expiry), rate.expiry()),
            "rate_interval": _unless(interval, 1),
        }
        for name, value in forms.items():
            object.__setattr__(self, name, value)

    def _interval(self, rate: HashRate) -> tuple[HashRate, Integer | None]:
        """For --hashlimit-rate-match the rate is so many in each interval of seconds."""
        if self.rate_interval == Integer(0):
            raise BadValueError(
                'hashlimit: Bad value for "--hashlimit-rate-interval" option: "0"',
                "Write a number of seconds.",
            )
        if not self.rate_match:
            return rate, None
        seconds = rate.expiry(rate.written_in) // 1000
        interval = self.rate_interval or Integer(seconds)
        return HashRate(rate.period // seconds, rate.in_bytes), interval

    def _burst(self, rate: HashRate) -> HashBurst | None:
        """The burst as it is kept: for bytes a whole number of seconds."""
        if not rate.in_bytes:
            burst = self.burst or HashBurst(5)
            if burst.number > HashBurst.most:
                cause = 'bad value for option "--hashlimit-burst", or out of range (1-1000000).'
                raise BadValueError(cause, _BURST)
            return burst
        if self.burst is None or not rate.bytes:
            return None
        if self.burst.number < rate.bytes:
            raise BadValueError(
                f"burst cannot be smaller than {rate.bytes}b", "The burst is at least one second."
            )
        return HashBurst(-(-self.burst.number // rate.bytes) * rate.bytes)

    def check(self, protocol: int, family: Family) -> None:
        """A mask of all bits is not worth printing; only here is it known how many those are."""
        for name in ("srcmask", "dstmask"):
            if getattr(self, name) == PrefixLength(family.bits):
                object.__setattr__(self, name, None)

    @property
    def rate(self) -> HashRate:
        """The rate, whichever side of it is asked for."""
        given = self.upto or self.above
        assert given is not None
        return given.value

    def option_words(self) -> tuple[str, ...]:
        return tuple(
            f"{declared.name} {self._said(declared.name, given.value)}".rstrip()
            for declared, given in self.given()
        )

    def _said(self, name: str, value: Value) -> str:
        in_bytes = isinstance(value, HashBurst) and self.rate.in_bytes
        return value.size if in_bytes and isinstance(value, HashBurst) else str(value)

    # --- the buckets ---

    def _key(self, packet: Packet) -> tuple[object, ...]:
        assert self.table is not None
        modes = self.mode.words_ if self.mode else ()
        # kernel: include/linux/netfilter.h (proto_ports_offset); of IPsec, the SPI's two halves
        ports = divmod(packet.spi or 0, 65536)
        has = {
            "srcip": int(packet.src) >> _host_bits(self.srcmask, packet.family),
            "srcport": packet.sport or ports[0],
            "dstip": int(packet.dst) >> _host_bits(self.dstmask, packet.family),
            "dstport": packet.dport or ports[1],
        }
        group = tuple(has[mode] for mode in modes)
        return ("hashlimit", self.table.text, packet.family, modes, group)

    def _cost(self, packet: Packet) -> float:
        """What the packet takes out of its bucket, in microseconds."""
        if not self.rate.in_bytes:
            return self.rate.period
        return min(1e6, (packet.length // 16 + 1) * 16e6 / max(self.rate.bytes, 16))

    def _full(self, context: Context) -> Bucket:
        assert self.burst is not None or self.rate.in_bytes
        if self.rate.in_bytes:
            seconds = self.burst.number // self.rate.bytes if self.burst else 0
            return Bucket(1e6, context.seconds, seconds)
        assert self.burst is not None
        return Bucket(self.rate.period * self.burst.number, context.seconds)

    def _swept(self, bucket: Bucket, now: float) -> bool:
        """Whether a bucket was idle for so long that it is forgotten."""
        idle = self.expire.number if self.expire else self.rate.expiry()
        every = self.gcinterval.number if self.gcinterval else _GC_INTERVAL
        last_sweep = now - now % (max(every, 1) / 1000)
        return last_sweep >= bucket.at + idle / 1000

    def _bucket(self, packet: Packet, context: Context) -> Bucket:
        """The bucket as it is when the packet comes."""
        full = self._full(context)
        left = context.memory.recall(self._key(packet), full)
        if self._swept(left, context.seconds):
            left = full
        refilled = left.credit + (context.seconds - left.at) * 1e6
        now = Bucket(min(full.credit, refilled), context.seconds, left.refills)
        if self.rate.in_bytes and now.credit < self._cost(packet) and now.refills:
            now = Bucket(full.credit, now.at, now.refills - 1)
        return now

    def _enough(self, packet: Packet, context: Context) -> bool:
        return self._bucket(packet, context).credit >= self._cost(packet)

    def holds(self, packet: Packet, context: Context) -> Answer:
        return self._enough(packet, context) == (self.upto is not None)

    def remember(self, packet: Packet, context: Context) -> Memory:
        bucket = self._bucket(packet, context)
        if self._enough(packet, context):
            bucket = bucket._replace(credit=bucket.credit - self._cost(packet))
        return context.memory.store(self._key(packet), bucket)

    # --- how it is said ---

    def _group(self) -> str:
        return f" for each {self.mode.words()}" if self.mode else ""

    def why_not(self, packet: Packet, context: Context) -> str:
        state = "within" if self._enough(packet, context) else "above"
        option_ = "upto" if self.upto else "above"
        return f"--hashlimit-{option_} {self.rate}, but this packet is {state} the rate"

    def explain(self) -> str:
        size = self.burst and self._said("", self.burst)
        burst = f" with a burst of {size}" if size else ""
        side = "is within the limit of" if self.upto else "is above the limit of"
        return f"{side} {self.rate.words()}{self._group()}{burst}"

    def listed(self, *, numeric: bool) -> str:
        rate, expiry = self.rate, self.expire.number if self.expire else self.rate.expiry()
        if self.rate_interval and not rate.in_bytes:
            rate = HashRate(rate.period * self.rate_interval.number)
        words = {
            declared.name.removeprefix("--hashlimit-"): self._said(declared.name, given.value)
            for declared, given in self.given()
        }
        words["htable-expire"] = str(expiry) if expiry != rate.expiry() else ""
        said = [f"limit: {'up to' if self.upto else 'above'} {rate}"]
        for name in _LISTED:
            if words.get(name) or (name in words and name == "rate-match"):
                said.append(f"{name} {words[name].replace(',', '-')}".rstrip())
        return " ".join(said)

    def kernel_refusal(self) -> Refused | None:
        """What the kernel refuses.

        Kernel: net/netfilter/xt_hashlimit.c (hashlimit_mt_check_common)
        """
        assert self.table is not None
        rate, bits = self.rate, 2**64
        if 0 in (each.number for each in (self.gcinterval, self.expire) if each):
            return Refused("a table needs times above zero", "Write milliseconds, at least 1.")
        if PrefixLength(None) in (self.srcmask, self.dstmask):
            return Refused(
                "a mask with holes makes no groups", "Write a prefix length from 0 to 32."
            )
        if rate.in_bytes and rate.period <= 1:
            return Refused(f"the kernel cannot count as fast as {rate}", "Write a lower rate.")
        if not rate.in_bytes and not self.rate_match and self.burst:
            one = rate.period * _CREDITS % bits
            if rate.period * self.burst.number * _CREDITS % bits < one:
                return Refused(
                    f"the kernel cannot count {rate} with a burst of {self.burst}",
                    "Write a faster rate or a smaller burst.",
                    OUT_OF_RANGE,
                )
        return name_refusal(self.table.text, "--hashlimit-name")


_LISTED = (
    *("burst", "mode", "htable-size", "htable-max", "htable-gcinterval", "htable-expire"),
    *("srcmask", "dstmask", "rate-match", "rate-interval"),
)
# kernel: xt_hashlimit.c (CREDITS_PER_JIFFY), how many credits a microsecond is worth
_CREDITS = 137_438_953


def _unless(given: Integer | None, usual: int) -> Integer | None:
    return None if given == Integer(usual) else given


def _host_bits(mask: PrefixLength | None, family: Family) -> int:
    return 0 if mask is None else family.bits - mask.number
