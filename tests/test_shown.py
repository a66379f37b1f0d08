"""Every public value shows itself: as text, as HTML, as a data frame and as a page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from functools import cache
from html.parser import HTMLParser

import pytest
from traitlets import HasTraits

import iptlab
from iptlab.notebook.display import VIEWS
from iptlab.shown import Shown

HOSTILE = "<img src=x onerror=alert(1)>"
RULES = f"""*filter
:INPUT DROP [7:420]
:web - [0:0]
[3:180] -A INPUT -s 10.0.0.0/8 ! -i lo -p tcp -m comment --comment "{HOSTILE}" -j web
[2:120] -A web -p tcp -m tcp --dport 80 -j ACCEPT
-A web -p udp -j LOG --log-prefix "</script>"
COMMIT
"""
SYN = "in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:80 SYN"


@cache
def rules() -> iptlab.Ruleset:
    """A rule set in which somebody wrote markup."""
    return iptlab.Ruleset.parse(RULES)


@cache
def machine() -> iptlab.Machine:
    """A machine with those rules that has seen one packet."""
    machine = iptlab.Machine(iptlab.Host.server("10.0.0.1/24").with_rules(rules()))
    machine.journey(SYN)
    return machine


@cache
def lab() -> iptlab.Lab:
    """A home network in which somebody connected."""
    lab = iptlab.Lab.home_router()
    lab.connect("laptop", "server", 80)
    return lab


@cache
def proxy() -> iptlab.Proxy:
    """A kube-proxy that has been told of the shop."""
    shop = iptlab.Lab.kubernetes().cluster.place.manifests
    proxy = iptlab.Proxy()
    proxy.sync(shop)
    return proxy


def compared() -> object:
    """The answer of a comparison that finds a difference."""
    return iptlab.compare(iptlab.read_rules("-P INPUT DROP"), iptlab.read_rules("-P INPUT ACCEPT"))


VALUES: dict[str, Callable[[], object]] = {
    "Packet": lambda: iptlab.Packet.parse("tcp 10.0.0.9:4000 -> 10.0.0.1:80 SYN"),
    "Situation": lambda: iptlab.Situation.parse("in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:80 SYN"),
    "Owner": lambda: iptlab.Owner(1000, 100),
    "Rule": lambda: rules().tables["filter"].chains["INPUT"].rules[0],
    "Chain": lambda: rules().tables["filter"].chains["INPUT"],
    "Table": lambda: rules().tables["filter"],
    "Ruleset": rules,
    "HookVisit": lambda: iptlab.trace(rules(), SYN),
    "TableVisit": lambda: iptlab.trace(rules(), SYN).tables[0],
    "Interface": lambda: iptlab.Interface.of("eth0", "10.0.0.1/24", "fd00::1/64"),
    "Host": lambda: machine().host,
    "Machine": machine,
    "Journey": lambda: machine().copy().journey(SYN),
    "Connection": lambda: machine().connections()[0],
    "Lab": lab,
    "Transcript": lambda: lab().on("router", f"echo '{HOSTILE}'; iptables -L -n"),
    "Attempt": lambda: lab().last,
    "Trip": lambda: lab().last.trips[0],
    "Cluster": lambda: iptlab.Lab.kubernetes().cluster,
    "Manifests": lambda: iptlab.Lab.kubernetes().cluster.place.manifests,
    "Proxy": proxy,
    "Scope": iptlab.Scope,
    "Comparison": compared,
    "Difference": lambda: compared().difference,  # type: ignore[attr-defined]
    "Verification": lambda: iptlab.Verification((), {}),
    "Result": lambda: iptlab.grade(iptlab.exercise("00-first"), HOSTILE),
}


@cache
def value(name: str) -> Shown:
    """A value of the class."""
    found = VALUES[name]()
    assert isinstance(found, Shown)
    assert type(found).__name__ == name
    return found


OWN_VIEW: dict[str, Callable[[], object]] = {
    "Costs": lambda: iptlab.Costs([10, 20]),
    "LoadBalancing": lambda: iptlab.LoadBalancing(rules(), "tcp 10.0.0.9:4000 -> 10.0.0.1:80"),
}
VALUES |= OWN_VIEW
every_value = pytest.mark.parametrize("name", VALUES)


class Parts(HTMLParser):
    """The elements of a page, and that all are closed."""

    VOID = ("img", "meta")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self.VOID or self.open.pop() == tag


def test_every_public_class_is_shown_or_a_word_or_an_error_or_a_widget() -> None:
    classes = {one for one in map(iptlab.__getattr__, iptlab.__all__) if isinstance(one, type)}
    kinds = (Shown, Enum, iptlab.IptlabError, HasTraits)
    assert [one for one in classes if not issubclass(one, kinds)] == []
    shown = {one for one in classes if issubclass(one, Shown)}
    # what is drawn for a notebook alone is its own view
    assert {one for one in shown if "_repr_html_" not in vars(one)} <= {*VIEWS}


def test_every_view_is_tested_here() -> None:
    assert {kind.__name__ for kind in VIEWS} | {*OWN_VIEW} == set(VALUES)


@every_value
def test_text_is_no_inventory_of_fields(name: str) -> None:
    text = str(value(name))
    assert f"{name}(" not in text
    assert " object at 0x" not in text


@every_value
def test_html_is_plain_and_escaped(name: str) -> None:
    parts = Parts(value(name)._repr_html_())
    assert not {"script", "style", "svg", "link", "iframe"} & set(parts.tags)
    assert not [key for key, _ in parts.attributes if key.startswith("on")]
    sources = [to for key, to in parts.attributes if key == "src"]
    assert all((to or "").startswith("data:image/svg+xml;base64,") for to in sources)


@every_value
def test_a_frame_names_all_its_columns(name: str) -> None:
    frame = value(name).to_frame()
    assert len(set(frame.columns)) == len(frame.columns) > 0
    assert all(isinstance(column, str) for column in frame.columns)
    assert len(frame) > 0 or name == "Verification"


@every_value
def test_a_page_stands_alone(name: str) -> None:
    page = value(name).to_html()
    assert page.startswith("<!doctype html>")
    parts = Parts(page)
    assert parts.tags.count("main") == parts.tags.count("title") == 1
    # nothing is fetched: no address in any attribute, style or script
    assert not [
        to for key, to in parts.attributes if key in ("src", "href") and "data:" not in str(to)
    ]
    assert not re.search(r"@import|url\((?!#)|\bimport\b[^;]*from|fetch\(", page)
    assert HOSTILE not in page


# --- columns that the tools name ---


def test_rules_have_the_heads_of_iptables_list() -> None:
    (row,) = value("Chain").to_frame().to_dict("records")
    assert row == {
        **{"chain": "INPUT", "num": 1, "pkts": 3, "bytes": 180, "target": "web", "prot": "tcp"},
        **{"opt": "--", "in": "!lo", "out": "any", "source": "10.0.0.0/8"},
        **{"destination": "anywhere", "rule": str(value("Rule"))},
    }
    frame = value("Ruleset").to_frame()
    assert list(frame.query("chain == 'web'")["pkts"]) == [2, 0]


def test_entries_have_the_options_of_conntrack() -> None:
    (row,) = value("Machine").to_frame().to_dict("records")
    assert (row["orig_src"], row["orig_port_dst"]) == ("10.0.0.9", 80)
    assert (row["reply_src"], row["reply_port_dst"]) == ("10.0.0.1", 4000)
    assert (row["protonum"], row["state"], row["packets"]) == (6, "SYN_SENT", 1)


def test_addresses_have_the_keys_of_ip() -> None:
    frame = value("Interface").to_frame()
    assert list(frame["local"]) == ["10.0.0.1", "fd00::1"]
    assert list(frame["family"]) == ["inet", "inet6"]


def test_an_attempt_has_a_row_for_each_machine_of_each_packet() -> None:
    frame = value("Attempt").to_frame()
    assert list(frame[frame["number"] == 1]["machine"]) == ["laptop", "router", "server"]
    assert set(frame["fate"]) == {"sent", "forwarded", "delivered"}


# --- text as the tools print it ---


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Owner", "uid=1000 gid=100"),
        ("Interface", "eth0             UP             10.0.0.1/24 fd00::1/64"),
        ("Situation", "INPUT in eth0 ctstate NEW tcp 10.0.0.9:4000 -> 10.0.0.1:80 SYN"),
    ],
)
def test_text_is_the_tools_own(name: str, text: str) -> None:
    assert str(value(name)) == text


def test_a_situation_reads_what_it_prints() -> None:
    assert iptlab.Situation.parse(str(value("Situation"))) == value("Situation")


def test_values_need_no_pandas_until_they_are_asked_for_a_frame() -> None:
    code = (
        "import sys, iptlab; rules = iptlab.data('ufw.rules'); rules._repr_html_(); "
        "print(*{'pandas', 'anywidget', 'IPython'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
