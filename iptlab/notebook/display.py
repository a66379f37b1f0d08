"""Which values IPython shows as HTML, which as text, and how."""

from __future__ import annotations

from iptlab.console.lab import Lab
from iptlab.console.shell import Transcript
from iptlab.console.tally import Tally
from iptlab.grading.feedback import Comparison, Difference
from iptlab.kernel.verify import Verification
from iptlab.kubernetes.cluster import Backends
from iptlab.netfilter.context import Connection
from iptlab.netfilter.rules import Chain, Table
from iptlab.notebook.lab_view import attempt_html, lab_html, tally_html, transcript_html
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Journey
from iptlab.simulate.network import Attempt
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
    Lab: lab_html,
    Transcript: transcript_html,
    Attempt: attempt_html,
    Tally: tally_html,
}
# shown as ``print`` shows them, in HTML too
PLAIN = (Backends, Comparison, Connection, Difference, Packet)
