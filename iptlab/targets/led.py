"""``-j LED``: let a light of the machine blink."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.values import Flag, Text, Value, read_integer
from iptlab.packet import Family, Packet


class Trigger(Text):
    """The name behind ``netfilter-`` that the kernel's LED triggers know, always quoted."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Trigger:
        """At most 16 bytes."""
        if len(text.encode()) > 16:
            raise BadValueError(
                "Argument must have a maximum length of 16 characters", "Write a shorter name."
            )
        return cls(text)

    def __str__(self) -> str:
        return f'"{self.text}"'


@dataclass(frozen=True, slots=True)
class Delay(Value):
    """For how many milliseconds the light stays on; None: for ever."""

    milliseconds: int | None

    @classmethod
    def parse(cls, text: str, family: Family) -> Delay:
        """A number, or ``inf``."""
        number = read_integer(text)
        if text == "inf":
            return cls(None)
        if number is None or number > 0xFFFFFFFF:
            raise BadValueError(
                "Delay value must be within range 0..4294967295", "Write milliseconds, or inf."
            )
        return cls(number)

    def __str__(self) -> str:
        return "inf" if self.milliseconds is None else str(self.milliseconds)


@register_target("LED")
@dataclass(frozen=True)
class Led(Target):
    """``-j LED --led-trigger-id NAME [--led-delay MS] [--led-always-blink]``.

    Kernel: net/netfilter/xt_LED.c
    """

    trigger: Trigger = option("--led-trigger-id", Trigger, required=True)
    delay: Delay = option("--led-delay", Delay, default=Delay(0), shown=False)
    always_blink: Flag | None = option("--led-always-blink", Flag)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"the light {self.trigger.text} blinks")

    def explain(self) -> str:
        return f"makes the light {self.trigger.text} blink and goes on"

    def listed(self, *, numeric: bool) -> str:
        return " ".join((f"led-trigger-id:{self.trigger}", *self.option_words()[1:]))
