"""``-j LOG``: write a line to the kernel log and go on."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.values import Flag, Text, Value, read_integer
from iptlab.packet import Family, Packet

# names as -L prints them, and those that are read: libxtables/xtoptions.c (syslog levels)
LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
_READ = {name: n for n, name in enumerate(LEVELS) if name not in ("err", "warn")}
_READ |= {"panic": 0, "error": 3, "warning": 4}


@dataclass(frozen=True, slots=True)
class LogLevel(Value):
    """A syslog level from 0 (emerg) to 7 (debug)."""

    number: int

    @classmethod
    def parse(cls, text: str, family: Family) -> LogLevel:
        """A number or a name."""
        number = _READ.get(text, read_integer(text))
        if number is None or number > 7:
            raise BadValueError(
                f'log level "{text}" unknown', f"The levels are {', '.join(_READ)} or 0 to 7."
            )
        return cls(number)

    def __str__(self) -> str:
        return str(self.number)

    def words(self) -> str:
        return LEVELS[self.number]


class Prefix(Text):
    """The first words of the log line; the kernel keeps 29 bytes."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Prefix:
        """The text, cut after 29 bytes as the tool does."""
        if not text:
            raise BadValueError(
                "Argument must have a minimum length of 1 characters",
                "Write a word or two, or leave --log-prefix out.",
            )
        return cls(text.encode()[:29].decode(errors="ignore"))


@register_target("LOG")
@dataclass(frozen=True)
class Log(Target):
    """``-j LOG [--log-prefix TEXT] [--log-level LEVEL]``; the packet goes on to the next rule.

    Kernel: net/netfilter/xt_LOG.c
    """

    prefix: Prefix | None = option("--log-prefix", Prefix)
    level: LogLevel = option("--log-level", LogLevel, default=LogLevel(4), shown=False)
    tcp_sequence: Flag | None = option("--log-tcp-sequence", Flag)
    tcp_options: Flag | None = option("--log-tcp-options", Flag)
    ip_options: Flag | None = option("--log-ip-options", Flag)
    uid: Flag | None = option("--log-uid", Flag)
    macdecode: Flag | None = option("--log-macdecode", Flag)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(
            packet, note=f"logged{f' with prefix {self.prefix}' if self.prefix else ''}"
        )

    def explain(self) -> str:
        prefix = f" with the prefix {self.prefix}" if self.prefix else ""
        return f"is written to the kernel log{prefix} and goes on"

    def listed(self, *, numeric: bool) -> str:
        prefix = (f'prefix "{self.prefix.text}"',) if self.prefix else ()
        wanted = [flag.removeprefix("log-") for flag in self.flags()]
        if numeric:
            bits = sum(_BITS[name] for name in wanted)
            return " ".join((f"LOG flags {bits} level {self.level}", *prefix))
        return " ".join((f"LOG level {LEVELS[self.level.number]}", *wanted, *prefix))


# kernel: include/uapi/linux/netfilter/nf_log.h
_BITS = {"tcp-sequence": 1, "tcp-options": 2, "ip-options": 4, "uid": 8, "macdecode": 32}
