"""Replay recordings of the real kube-proxy: ``python tests/kube_proxy_golden.py PATH...``.

A path is a folder of scenarios or a .tar.xz of one; the README beside them explains the
format. Every restore text, every save text and every value of the state is compared, and
every flow is sent through our own simulator with these rules; the first difference of each
scenario is printed, and any difference makes the exit status 1.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from time import process_time

from kube_proxy_flows import Flow, FlowNode, pod_interface

from iptlab.errors import IptlabError
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.loading import load
from iptlab.kubernetes.manifests import Manifests
from iptlab.packet import Family
from iptlab.ruleset import Ruleset

# the files of a scenario that belong to the comparison, by their names
_WANTED = re.compile(
    r"(cluster|flows)(-\d+)?\.(yaml|json)|config\.json|(expected|state)(-\d+)?(\.ipv[46])?\.\w+"
)


@dataclass(frozen=True, eq=False)
class Scenario:
    """A recorded cluster: its files by name, input and expected output."""

    name: str
    files: Mapping[str, str]

    def steps(self) -> list[str]:
        """What follows ``cluster`` in the names of its moments: "", "-2", "-3"."""
        found = (re.fullmatch(r"cluster(-\d+)?\.yaml", name) for name in self.files)
        return sorted(match[1] or "" for match in found if match)


def scenarios(path: Path) -> Iterator[Scenario]:
    """The scenarios of a folder or an archive, sorted by name."""
    found: dict[str, dict[str, str]] = {}
    for name, text in _texts(path):
        folder, _, file = name.rpartition("/")
        found.setdefault(folder, {})[file] = text
    for folder, files in sorted(found.items()):
        if "config.json" in files:
            yield Scenario(folder, files)


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    if path.is_dir():
        for file in path.rglob("*"):
            if _WANTED.fullmatch(file.name):
                yield file.relative_to(path).as_posix(), file.read_text(encoding="utf-8")
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if _WANTED.fullmatch(member.name.rpartition("/")[2]):
                data = archive.extractfile(member)
                assert data is not None
                yield member.name, data.read().decode()


@dataclass
class Replay:
    """A scenario played through: what was compared, and the differences found."""

    scenario: Scenario
    compared: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    with_flows: bool = True
    seconds: float = 0.0  # of CPU time that the flows took

    def run(self) -> Replay:
        """Play every family through all steps; a refusal is a difference too."""
        try:
            self._play()
        except IptlabError as error:
            self.differences.append(f"refused: {error}")
        return self

    def _play(self) -> None:
        files = self.scenario.files
        config = Config.parse(files["config.json"])
        clusters = [
            (step, Manifests.parse(files[f"cluster{step}.yaml"])) for step in self.scenario.steps()
        ]
        loaded: dict[str, dict[Family, Ruleset]] = {step: {} for step, _ in clusters}
        for number, family in enumerate(config.families):
            suffix = f".ipv{family}" if number else ""
            for step, rules in self._family(config, family, clusters, suffix):
                loaded[step][family] = rules
        for step, manifests in clusters:
            self._flows(f"flows{step}.json", manifests, loaded[step])

    def _family(
        self, config: Config, family: Family, clusters: list[tuple[str, Manifests]], suffix: str
    ) -> Iterator[tuple[str, Ruleset]]:
        """Compare one family's syncs; the rules that the node has after each step."""
        proxy, connections = Proxy(config, family), config.connections
        rules: Ruleset | None = None
        wanted = any(re.match(rf"flows|.*{suffix}\.save", name) for name in self.scenario.files)
        for step, manifests in clusters:
            done = proxy.sync(manifests, connections=connections)
            connections = tuple(one for one in connections if one not in done.deleted)
            self._compare("rules", f"expected{step}{suffix}.rules", done.text)
            if wanted:
                rules = load(done, rules)
                self._compare("save", f"expected{step}{suffix}.save", rules.save())
                yield step, rules
            self._compare_state(f"state{step}{suffix}.json", done.as_dict())

    def _flows(self, file: str, manifests: Manifests, rules: Mapping[Family, Ruleset]) -> None:
        """Send every recorded flow of a step through a node with its rules."""
        flows = [Flow.of(one) for one in json.loads(self.scenario.files.get(file, "[]"))]
        if not flows or not self.with_flows:
            return
        config = self.scenario.files["config.json"]
        node, began = FlowNode.of(config, manifests, rules, pod_interface(flows)), process_time()
        for flow in flows:
            found = [f"{file}: {one}" for one in node.differences(flow)]
            for kind in ("flows", *{f"flows that end in {one.verdict}" for one in flow.ends}):
                self.compared[kind] += 1
                self.same[kind] += not found
            self.differences += found
        self.seconds += process_time() - began

    def _compare(self, kind: str, file: str, ours: str) -> None:
        theirs = self.scenario.files.get(file)
        if theirs is None:
            return
        self.compared[kind] += 1
        self.same[kind] += ours == theirs
        if ours != theirs:
            self.differences.append(f"{file}: {_first_difference(theirs, ours)}")

    def _compare_state(self, file: str, ours: Mapping[str, object]) -> None:
        theirs = json.loads(self.scenario.files.get(file, "{}"))
        for key, value in theirs.items():
            self.compared["state values"] += 1
            self.same["state values"] += ours.get(key) == value
            if ours.get(key) != value:
                self.differences.append(f"{file}: {key} is {value}, not {ours.get(key)}")


def _first_difference(theirs: str, ours: str) -> str:
    lines = zip_longest(theirs.split("\n"), ours.split("\n"))
    for number, (their, our) in enumerate(lines, start=1):
        if their != our:
            return f"line {number}\n    expected {their}\n    ours     {our}"
    return "no line differs"


def main(paths: list[str]) -> int:
    """Replay all scenarios of the paths, print what was found."""
    compared: Counter[str] = Counter()
    same: Counter[str] = Counter()
    failing = count = 0
    seconds = 0.0
    for path in paths:
        for scenario in scenarios(Path(path)):
            replay = Replay(scenario).run()
            compared += replay.compared
            same += replay.same
            seconds += replay.seconds
            count += 1
            if replay.differences:
                failing += 1
                print(f"{scenario.name}: {replay.differences[0]}")
    for kind, total in sorted(compared.items()):
        print(f"{kind}: {same[kind]} of {total} equal")
    if seconds:
        print(f"{compared['flows'] / seconds:.0f} flows a second of CPU time")
    print(f"scenarios: {count - failing} of {count} without a difference")
    return 1 if failing or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
