"""Every public value as HTML: tables and lines that read wherever a notebook is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iptlab.console.lab import Lab
from iptlab.console.shell import Transcript
from iptlab.grading.feedback import Comparison, Difference
from iptlab.grading.result import Result
from iptlab.grading.scope import Scope
from iptlab.html import Html, element
from iptlab.kernel.verify import Verification
from iptlab.kubernetes.cluster import Cluster
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.manifests import Manifests
from iptlab.netfilter.context import Connection, Owner
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.notebook.lab_view import attempt_html, lab_html, transcript_html
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.situation import Situation
from iptlab.simulate.trace import HookVisit, TableVisit
from iptlab.simulate.trips import Attempt, Trip
from iptlab.view import (
    chain_html,
    journey_html,
    ruleset_html,
    table_html,
    table_visit_html,
    verification_html,
    visit_html,
)


def html(value: Shown) -> Html:
    """The value as HTML that a notebook shows, also one that is not trusted."""
    return next(VIEWS[kind] for kind in type(value).__mro__ if kind in VIEWS)(value)


def _plain(value: object) -> Html:
    """What ``print`` shows, in its own lines."""
    return element("pre", str(value))


VIEWS: dict[type[Shown], Callable[[Any], Html]] = {
    Verification: verification_html,
    TableVisit: table_visit_html,
    HookVisit: visit_html,
    Journey: journey_html,
    Chain: chain_html,
    Table: table_html,
    Ruleset: ruleset_html,
    Lab: lab_html,
    Transcript: transcript_html,
    Attempt: attempt_html,
    Result: Result.html,
    **dict.fromkeys((Rule, Packet, Connection, Situation, Owner, Interface, Host, Machine), _plain),
    **dict.fromkeys((Trip, Manifests, Cluster, Proxy, Scope, Comparison, Difference), _plain),
}
