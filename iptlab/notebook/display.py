"""Which values IPython shows as HTML, which as text, and how."""

from __future__ import annotations

from iptlab.kernel.verify import Verification
from iptlab.netfilter.context import Connection
from iptlab.netfilter.rules import Chain, Table
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Journey
from iptlab.simulate.trace import HookVisit
from iptlab.view import (
    chain_html,
    journey_html,
    ruleset_html,
    table_html,
    verification_html,
    visit_html,
)

VIEWS = {
    Verification: verification_html,
    HookVisit: visit_html,
    Journey: journey_html,
    Chain: chain_html,
    Table: table_html,
    Ruleset: ruleset_html,
}
# shown as ``print`` shows them, in HTML too
PLAIN = (Connection, Packet)
