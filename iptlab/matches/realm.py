"""``-m realm``: the realm of the route that a packet takes."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.devgroup import NamedMask
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Given
from iptlab.packet import Family


class RealmMask(NamedMask):
    """A realm of ``ip route ... realms N``; other routes have realm 0."""

    zero = "cosmos"


REALM = Field(
    "realm", lambda p, c: 0, "takes a route of realm {}", "does not take a route of realm {}"
)


@register_match("realm")
@dataclass(frozen=True)
class Realm(Match):
    """``-m realm [!] --realm N[/MASK]``.

    Kernel: net/netfilter/xt_realm.c

    Simplified: every route has realm 0.
    """

    families = (Family.IPV4,)
    hooks = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)

    realm: Given[RealmMask] = option(
        "--realm", RealmMask, negatable=True, required=True, reads=REALM
    )

    def listed(self, *, numeric: bool) -> str:
        value = self.realm.value
        return f"{'! ' * self.realm.negated}realm {value.number if numeric else value}"
