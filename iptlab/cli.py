"""The ``iptlab`` command: the lab, traces, the kernel, explanations, kube-proxy, grades.

Exit status: 0 for yes, 1 for no, 2 for an error (or a question that cannot be answered).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import NoReturn

from iptlab.coursework.assignment import write_assignment
from iptlab.coursework.grades import UNREADABLE, grades, read_seeds, summary, write_csv
from iptlab.coursework.submissions import submissions
from iptlab.english import explain, remarks
from iptlab.errors import FileError, IptlabError, RuleError
from iptlab.kernel.boxes import host_for
from iptlab.kernel.verify import REPORT, verify
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.kube_proxy import KUBERNETES, Proxy
from iptlab.kubernetes.loading import load
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.provenance import Provenance
from iptlab.lab import open_lab
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.hooks import Backend, Hook
from iptlab.packet import Family
from iptlab.ruleset import Ruleset, read_text
from iptlab.simulate.situation import trace
from iptlab.syntax.ipset import read_sets
from iptlab.version import __version__


class _Parser(argparse.ArgumentParser):
    """One line of complaint and one of advice instead of a usage screen."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nTry `{self.prog} --help'.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit status is the answer."""
    words = sys.argv[1:] if argv is None else argv
    # a packet's -> would be taken for an option; a word with a blank in it is not
    arguments = _parser().parse_args([f"{word} " if word == "->" else word for word in words])
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except IptlabError as error:
        print(f"iptlab: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 2
    except OSError as error:  # a full disk behind the output
        print(f"iptlab: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="iptlab", description="Learn iptables on a simulator that explains.")
    parser.add_argument("--version", action="version", version=f"iptlab {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    lab = commands.add_parser("lab", help="open the course in JupyterLab")
    lab.add_argument("folder", nargs="?", help="where the course goes (default: ./iptlab-course)")
    lab.add_argument("--no-browser", action="store_true", help="start without opening a browser")
    lab.add_argument("--port", type=int, help="the port to listen on")
    lab.set_defaults(run=_lab)

    tracer = commands.add_parser("trace", help="what happens to a packet, rule by rule")
    _add_rules(tracer)
    tracer.add_argument(
        "packet",
        nargs="+",
        metavar="PACKET",
        help="for example: in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN",
    )
    tracer.add_argument("--hook", choices=[str(hook) for hook in Hook], help="default: INPUT")
    tracer.set_defaults(run=_trace)

    asker = commands.add_parser("verify", help="whether the real kernel does the same")
    _add_rules(asker)
    asker.add_argument(
        "packets",
        nargs="+",
        metavar="PACKET",
        help="one or, each in quotes, more; without `in NAME' it is sent from the machine itself",
    )
    asker.add_argument("--backend", choices=[*Backend, "both"], default="both")
    asker.add_argument(
        "--host", default="", metavar="LINKS", help="eth0 203.0.113.2/24 eth1 192.168.1.1/24"
    )
    asker.add_argument("--sets", metavar="FILE", help="what `ipset save' prints")
    asker.set_defaults(run=_verify)

    teller = commands.add_parser("explain", help="what rules mean, in plain English")
    _add_rules(teller)
    teller.set_defaults(run=_explain)

    proxy = commands.add_parser(
        "kube-proxy",
        help="the rules that Kubernetes Services become",
        description=f"The rules that kube-proxy {KUBERNETES} (iptables mode) makes of Services.",
    )
    proxy.add_argument(
        "cluster",
        metavar="CLUSTER",
        help="what `kubectl get services,endpointslices,nodes -A -o yaml' printed, or - for input",
    )
    proxy.add_argument("--config", metavar="FILE", help="a KubeProxyConfiguration")
    proxy.add_argument("--node", metavar="NAME", help="the node (default: the first)")
    proxy.add_argument("--family", type=int, choices=[4, 6], help="default: that of the config")
    what = proxy.add_mutually_exclusive_group()
    what.add_argument("--save", action="store_true", help="print what iptables-save would show")
    what.add_argument("--explain", action="store_true", help="print why each rule is there")
    proxy.set_defaults(run=_kube_proxy)

    grader = commands.add_parser(
        "grade",
        help="grade a class's notebooks without running them",
        description="Reads the answers in notebooks; nothing in them is run. The folder holds one "
        "folder for each learner, or one notebook each.",
    )
    grader.add_argument("submissions", metavar="SUBMISSIONS", help="the folder handed in")
    grader.add_argument("--csv", default="-", metavar="FILE", help="the table (default: output)")
    grader.add_argument("--seeds", metavar="FILE", help="a table of learners and their IPTLAB_SEED")
    grader.set_defaults(run=_grade)

    setter = commands.add_parser(
        "assignment",
        help="make a lesson an nbgrader assignment",
        description="Writes a lesson's notebook with a locked cell behind every answer, which "
        "nbgrader takes the points from: iptlab assignment 01 source/ps1/01-a-rule.ipynb",
    )
    setter.add_argument("lesson", metavar="LESSON", help="its number: 01")
    setter.add_argument("file", metavar="FILE", help="the notebook to write")
    setter.add_argument("--points", type=float, default=1.0, help="for each exercise (default: 1)")
    setter.set_defaults(run=_assignment)
    return parser


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rules", metavar="RULES", help="an iptables-save file, or - for input")
    parser.add_argument("-6", "--ipv6", action="store_true", help="it is an ip6tables-save file")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _read_rules(arguments: argparse.Namespace) -> Ruleset:
    return Ruleset.parse(read_text(arguments.rules), 6 if arguments.ipv6 else 4)


def _read_as_far_as_it_goes(arguments: argparse.Namespace) -> tuple[Ruleset, RuleError | None]:
    """The rules, with why iptables refuses them if it does."""
    text, family = read_text(arguments.rules), 6 if arguments.ipv6 else 4
    try:
        return Ruleset.parse(text, family), None
    except RuleError as refusal:
        return Ruleset.parse(text, family, strict=False), refusal


def _lab(arguments: argparse.Namespace) -> int:
    return open_lab(arguments.folder, browser=not arguments.no_browser, port=arguments.port)


def _trace(arguments: argparse.Namespace) -> int:
    """Yes means accepted by every table of the hook."""
    hook = Hook(arguments.hook) if arguments.hook else None
    visit = trace(_read_rules(arguments), " ".join(arguments.packet), hook)
    print(json.dumps(visit.as_dict(), indent=1) if arguments.json else visit)
    if isinstance(visit.verdict, CannotTell):
        return 2
    return 0 if visit.accepted else 1


def _verify(arguments: argparse.Namespace) -> int:
    """Yes means that simulator and kernel agree; where they do not, a report is written."""
    words = arguments.packets
    packets = words if any(" " in word.strip() for word in words) else [" ".join(words)]
    sets = read_sets(read_text(arguments.sets)) if arguments.sets else {}
    family = 6 if arguments.ipv6 else 4
    rules = Ruleset.parse(read_text(arguments.rules), family, sets=sets)
    host = replace(host_for(packets, arguments.host), sets=sets).with_rules(rules)
    backends = tuple(Backend) if arguments.backend == "both" else (arguments.backend,)
    found = verify(host, packets, backends=backends)
    print(json.dumps(found.as_dict(), indent=1) if arguments.json else found)
    if found.disagrees:
        found.save_report(REPORT)
        print(f"iptlab: all that a report needs is in {REPORT}", file=sys.stderr)
        return 1
    return 0 if found.agrees else 2


def _explain(arguments: argparse.Namespace) -> int:
    """Yes means that nothing looks odd; rules that iptables refuses are an error, but told."""
    rules, refusal = _read_as_far_as_it_goes(arguments)
    found = [
        {"table": table.name, "chain": one.chain, "rules": one.rules, "text": one.text}
        for table in rules.tables.values()
        for chain in table.ordered()
        for one in remarks(table, chain)
    ]
    if arguments.json:
        notes = [note._asdict() for note in rules.notes]
        told = {"tables": rules.as_dict(), "remarks": found, "notes": notes}
        print(json.dumps(told, indent=1))
    else:
        print(explain(rules))
    if refusal:
        print(f"iptlab: {refusal}", file=sys.stderr)
        return 2
    return 1 if found else 0


def _grade(arguments: argparse.Namespace) -> int:
    """Yes means that every file could be read; the table has a row about each that could not."""
    handed_in = submissions(Path(arguments.submissions))
    seeds = read_seeds(StringIO(read_text(arguments.seeds))) if arguments.seeds else {}
    rows = list(grades(handed_in, seeds))
    table = StringIO()
    write_csv(rows, table)
    if arguments.csv == "-":
        print(table.getvalue(), end="")
        print(summary(rows), file=sys.stderr)
    else:
        _write(arguments.csv, table.getvalue())
        print(summary(rows))
    return 1 if any(row.status == UNREADABLE for row in rows) else 0


def _assignment(arguments: argparse.Namespace) -> int:
    write_assignment(arguments.lesson, Path(arguments.file), arguments.points)
    return 0


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from None


def _kube_proxy(arguments: argparse.Namespace) -> int:
    """Print a node's rules; what was not used of the manifests is told on the error output."""
    manifests = Manifests.read(arguments.cluster)
    config = Config.parse(read_text(arguments.config)) if arguments.config else Config()
    # without Nodes, the first that an endpoint runs on
    nodes = {end.node for one in manifests.slices for end in one.endpoints if end.node}
    first = "" if manifests.nodes else min(nodes, default="")
    name = arguments.node or config.node_name or first
    if name and manifests.nodes:
        manifests.node(name)  # refuses a name that is not there
    config = replace(config, node_name=name)
    family = Family(arguments.family) if arguments.family else config.families[0]
    proxy = Proxy(config, family)
    sync = proxy.sync(manifests)
    for remark in manifests.remarks:
        print(f"iptlab: {remark}", file=sys.stderr)
    if not manifests.services:
        print("iptlab: there is no Service; these rules are there always", file=sys.stderr)
    if arguments.explain:
        print(Provenance.of(proxy))
    else:
        print(load(sync).save() if arguments.save else sync.text, end="")
    return 0
