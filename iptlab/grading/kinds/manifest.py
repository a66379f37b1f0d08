"""Edit a manifest until traffic flows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iptlab.errors import IptlabError, ManifestError
from iptlab.grading.exercise import Exercise
from iptlab.grading.fates import told
from iptlab.grading.result import Result
from iptlab.kubernetes.api.applied import refuse_services
from iptlab.kubernetes.cluster import Backend, Backends, Cluster
from iptlab.simulate.network import Result as Seen

MOST_MACHINES = 60
ANSWERS = "connected"


@dataclass(frozen=True)
class Flow:
    """Who connects to what, and who must answer; ``says`` is the reason in the story's words.

    ``client`` and ``to`` are as for ``Cluster.connect``. ``wanted`` are all pods that may
    answer, or what the client sees instead: ``connection refused``, ``timed out``;
    ``connected`` stands for any pod.
    """

    client: str
    to: str
    wanted: tuple[str, ...]
    says: str

    def met(self, backends: tuple[Backend, ...]) -> bool:
        """Whether exactly those answer."""
        if self.wanted == (ANSWERS,):
            return all(one.result is Seen.CONNECTED for one in backends)
        return {_name(one) for one in backends} == set(self.wanted)


def _name(backend: Backend) -> str:
    return backend.pod if backend.result is Seen.CONNECTED else str(backend.result)


@dataclass(frozen=True, kw_only=True)
class EditManifest(Exercise):
    """Edit a manifest until every one of the ``flows`` reaches whom it should.

    ``beside`` are manifests of what else is there, which nobody has to read or edit.
    """

    magic = "manifest"

    flows: tuple[Flow, ...]
    beside: str = ""

    def judge(self, answer: object) -> Result:
        if not isinstance(answer, str):
            return self.unreadable("The answer is YAML: write it below %%manifest.", "not-text")
        try:
            # an empty line for the one that names the exercise, so that lines are counted right
            cluster = Cluster.parse(f"\n{answer}\n---\n{self.beside}")
            refuse_services(f"\n{answer}")
        except ManifestError as error:
            return self.unreadable(f"{error}"[:800], "unreadable")
        machines = len(cluster.nodes) + len(cluster.pods)
        if machines > MOST_MACHINES:
            message = f"{machines} nodes and pods are too many: at most {MOST_MACHINES}."
            return self.unreadable(message, "too-large")
        for flow in self.flows:
            if result := self._missed(cluster, flow):
                return result
        return self.correct(
            f"All {len(self.flows)} connections reach whom they should, however chance decides."
        )

    def _missed(self, cluster: Cluster, flow: Flow) -> Result | None:
        """What to say if the connection does not end as wanted."""
        wanted = (
            ("connection", f"{flow.client} -> {flow.to}"),
            ("wanted", " or ".join(flow.wanted)),
        )
        try:
            attempts = tuple(cluster.outcomes(flow.client, flow.to))
        except IptlabError as error:
            return self.wrong(cluster, flow.says, facts=(*wanted, ("your cluster", str(error))))
        backends = Backends.of(attempts)
        if flow.met(backends):
            return None
        facts = (*wanted, ("your cluster", told(backends)))
        remarks = tuple(("remark", said) for said in cluster.place.manifests.remarks[:3])
        message = f"{flow.says} This is not so yet:"
        return self.wrong(cluster, message, attempts[0], facts=(*facts, *remarks))


def reaches(client: str, to: str, *wanted: str) -> Callable[[object], bool]:
    """The mistake of a cluster in which exactly these answer, or this is what the client sees."""
    flow = Flow(client, to, wanted, "")

    def shows(answer: object) -> bool:
        try:
            return isinstance(answer, Cluster) and flow.met(answer.backends(client, to))
        except IptlabError:  # what the learner wrote has no such Service
            return False

    return shows
