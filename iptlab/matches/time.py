"""``-m time``: the hour, the day and the date at which a packet comes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Flag, Given, Value
from iptlab.packet import Family, Packet

_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Clock(Value):
    """A time of day, in seconds since midnight."""

    seconds: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Clock:
        """``hh:mm`` or ``hh:mm:ss``."""
        rest, seconds = text, 0
        for unit, limit in ((3600, 24), (60, 60), (1, 60)):
            part, colon, after = rest.partition(":")
            more = bool(colon) and unit > 1
            proper = re.fullmatch(r"\d*", part, re.ASCII) and int(part or 0) < limit
            if not proper or (unit == 3600 and not colon) or (unit == 1 and colon):
                raise BadValueError(
                    f'invalid time "{rest}" specified, should be hh:mm[:ss] format and within '
                    "the boundaries",
                    "Write for example 08:30, at most 23:59:59.",
                )
            seconds += unit * int(part or 0)
            if not more:
                break
            rest = after
        return cls(seconds)

    def __str__(self) -> str:
        return f"{self.seconds // 3600:02}:{self.seconds // 60 % 60:02}:{self.seconds % 60:02}"


@dataclass(frozen=True, slots=True)
class Date(Value):
    """A date and time, in seconds since 1970."""

    seconds: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Date:
        """``YYYY``, followed as far as wanted by ``-MM``, ``-DD``, ``Thh``, ``:mm`` and ``:ss``."""
        shape = re.fullmatch(
            r"(\d+)(?:-(\d*)(?:-(\d*)(?:T(\d*)(?::(\d*)(?::(\d*))?)?)?)?)?", text, re.ASCII
        )
        given = (
            [int(part[:9] or 0) if part is not None else None for part in shape.groups()]
            if (shape)
            else []
        )
        limits = (2038, 12, 31, 23, 59, 59)
        if (
            not given
            or any((n or 0) > most for n, most in zip(given, limits, strict=True))
            or ((given[0] or 0) < 1970)
        ):
            raise BadValueError(
                f'Invalid date "{text}" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]',
                "Write for example 2030-12-31T23:59:59; years go from 1970 to 2038.",
            )
        year, month, day = given[0] or 0, _or_one(given[1]), _or_one(given[2])
        hour, minute, second = (number or 0 for number in given[3:])
        months = 12 * year + month - 1
        begun = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
        date = begun + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
        return cls(int((date - _EPOCH).total_seconds()))

    def __str__(self) -> str:
        return (_EPOCH + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%S")

    def words(self) -> str:
        return str(self).replace("T", " ")


def _or_one(number: int | None) -> int:
    return 1 if number is None else number


@dataclass(frozen=True, slots=True)
class Days(Value):
    """Some days of the week or of the month; they are counted from 1."""

    days: frozenset[int]
    every: ClassVar[frozenset[int]] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Whether no day is missing."""
        return self.days == self.every

    def others(self) -> Self:
        """All the days that are not among these."""
        return type(self)(self.every - self.days)


class Weekdays(Days):
    """Days of the week, Monday being 1."""

    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    every = frozenset(range(1, 8))

    @classmethod
    def parse(cls, text: str, family: Family) -> Weekdays:
        """``Mon,Tue``, or numbers from 1, Monday, to 7."""
        parts = text.split(",")
        if parts[-1] == "":
            parts.pop()
        return cls(frozenset(cls._day(part) for part in parts) & cls.every)

    @classmethod
    def _day(cls, text: str) -> int:
        cure = f"The days are {', '.join(cls.names)}, or 1 to 7 from Monday on."
        number = text or "0"
        if number.isascii() and number.isdecimal():
            if int(number) == 0:
                raise BadValueError("No, the week does NOT begin with Sunday.", cure)
            return int(number)
        for day, name in enumerate(cls.names, start=1):
            if text[:2] == name[:2]:
                return day
        raise BadValueError(f"{text} is not a valid day specifier", cure)

    def __str__(self) -> str:
        return ",".join(name for day, name in enumerate(self.names, start=1) if day in self.days)

    def listed(self) -> str:
        """The days as ``iptables -L`` prints them."""
        return str(self)


class Monthdays(Days):
    """Days of the month."""

    every = frozenset(range(1, 32))

    @classmethod
    def parse(cls, text: str, family: Family) -> Monthdays:
        """Numbers from 1 to 31."""
        days = set()
        for part in filter(None, text.split(",")):
            shown = part[:2]
            if not (shown.isascii() and shown.isdecimal()) or int(shown) > 31:
                raise BadValueError(
                    f"{shown} is not a valid day for --monthdays", "Write days from 1 to 31."
                )
            days.add(int(shown))
        return cls(frozenset(days) & cls.every)

    def __str__(self) -> str:
        return ",".join(str(day) for day in sorted(self.days))

    def listed(self) -> str:
        """The days as ``iptables -L`` prints them, which has its own English."""
        endings = {1: "st", 2: "nd", 3: "rd"}
        return ",".join(f"{day}{endings.get(day % 10, 'th')}" for day in sorted(self.days))


_AMBIGUOUS = (
    'WARNING: --localtz is being replaced by --kerneltz, since "local" is ambiguous. '
    "Note the kernel timezone has caveats - see manpage for details."
)


@register_match("time")
@dataclass(frozen=True)
class Time(Match):
    """``-m time [--timestart hh:mm] [--timestop hh:mm] [[!] --weekdays Mon,Tue] ...``; UTC.

    A night such as 22:00 to 06:00 counts each of its two halves to its own day, unless
    ``--contiguous`` makes the morning part of the evening before.

    Kernel: net/netfilter/xt_time.c (time_mt)

    Simplified: the kernel's own time zone, which ``--kerneltz`` asks for, is UTC.
    """

    timestart: Clock = option("--timestart", Clock, default=Clock(0))
    timestop: Clock = option("--timestop", Clock, default=Clock(_DAY - 1))
    monthdays: Given[Monthdays] | None = option("--monthdays", Monthdays, negatable=True)
    weekdays: Given[Weekdays] | None = option("--weekdays", Weekdays, negatable=True)
    datestart: Date = option("--datestart", Date, default=Date(0), shown=False)
    datestop: Date = option("--datestop", Date, default=Date(_LAST))
    utc: Flag | None = option("--utc", Flag)
    kerneltz: Flag | None = option(
        "--kerneltz", Flag, also=("--localtz",), warns={"--localtz": _AMBIGUOUS}
    )
    contiguous: Flag | None = option("--contiguous", Flag)

    def __post_init__(self) -> None:
        """Refuse what contradicts itself; iptables keeps the other days instead of a ``!``."""
        self.exclude("--utc", "--kerneltz")
        object.__setattr__(self, "utc", None)
        if self.contiguous and self.timestart.seconds < self.timestop.seconds:
            raise BadValueError(
                "time: --contiguous only makes sense when stoptime is smaller than starttime",
                "Leave --contiguous out: these hours do not cross midnight.",
            )
        for name in ("monthdays", "weekdays"):
            given: Given[Days] | None = getattr(self, name)
            if given and given.negated:
                object.__setattr__(self, name, Given(given.value.others()))

    def holds(self, packet: Packet, context: Context) -> Answer:
        if context.now is None:
            return CannotTell("nobody said what time it is")
        now = context.now.replace(tzinfo=UTC) if context.now.tzinfo is None else context.now
        stamp = int((now - _EPOCH).total_seconds())
        if not self.datestart.seconds <= stamp <= self.datestop.seconds:
            return False
        clock, start, stop = stamp % _DAY, self.timestart.seconds, self.timestop.seconds
        if start < stop:
            if not start <= clock <= stop:
                return False
        elif stop < clock < start:
            return False
        elif self.contiguous and clock <= stop:
            stamp -= _DAY
        day = _EPOCH + timedelta(seconds=stamp)
        return all(
            given is None or number in given.value.days
            for given, number in ((self.weekdays, day.isoweekday()), (self.monthdays, day.day))
        )

    def why_not(self, packet: Packet, context: Context) -> str:
        if context.now is None:
            return str(self.holds(packet, context))
        return f"{self}, but it is {context.now:%A, %Y-%m-%d %H:%M:%S}"

    def explain(self) -> str:
        return f"comes {self._when() or 'at any time'} (UTC)"

    def landmarks(self) -> Iterator[tuple[str, Value]]:
        for name in ("timestart", "timestop", "datestart", "datestop"):
            yield "now", getattr(self, name)
        for given in filter(None, (self.weekdays, self.monthdays)):
            yield "now", given.value

    @property
    def _all_day(self) -> bool:
        return (self.timestart.seconds, self.timestop.seconds) == (0, _DAY - 1)

    def option_words(self) -> tuple[str, ...]:
        words = super().option_words()
        return words[2:] if self._all_day else words

    def _when(self) -> str:
        words = []
        if not self._all_day:
            words.append(f"from {self.timestart} to {self.timestop}")
        words += [
            f"on {given.value.listed()}" for given in (self.weekdays, self.monthdays) if given
        ]
        if self.datestart.seconds:
            words.append(f"starting from {self.datestart.words()}")
        if self.datestop.seconds != _LAST:
            words.append(f"until date {self.datestop.words()}")
        return " ".join(words)

    def listed(self, *, numeric: bool) -> str:
        words = ["TIME", self._when(), "" if self.kerneltz else "UTC"]
        return " ".join(filter(None, (*words, "contiguous" * bool(self.contiguous))))
