"""The broken clusters: each shows what is complained about, and its healthy twin does not."""

from __future__ import annotations

from fractions import Fraction

import pytest

from iptlab import course
from iptlab.console.lab import Lab
from iptlab.course.broken import CASES, Case, Fates, Repair, Stranger
from iptlab.course.broken.cases import away, node4, pods_of_node4, refused, till, visitors
from iptlab.course.broken.fates import read_ends, told
from iptlab.course.broken.repair import Probe, Question
from iptlab.course.broken.typed import commands
from iptlab.errors import IptlabError
from iptlab.grading import Variants, grade
from iptlab.notebook import cases as verbs

SEEDS = range(9)
# after so many seeds a case begins anew
SIX, THREE = range(6), range(3)
WEB = Probe("", "shell", "http://10.96.0.80/", "connection refused")


def happens(probe: Probe, lab: Lab) -> bool:
    """Whether a connection ends as the probe says, however chance decides."""
    return all(map(probe.met, probe.attempts(lab)))


def is_broken(case: Case, complaint: Probe) -> bool:
    """Whether people complain with reason, and no longer once the cluster is mended."""
    return happens(complaint, case.lab()) and not happens(complaint, case.mended())


# --- clusters ---


def test_everything_that_people_meet_is_broken_for_somebody() -> None:
    found = {make(seed).name for make in CASES for seed in SEEDS}
    assert found == {"selector", "unready", "local", "hairpin", "cidr", "foreign", "stale"}


@pytest.mark.parametrize("seed", SIX)
def test_nobody_is_behind_the_service(seed: int) -> None:
    assert is_broken(refused(seed), WEB)


@pytest.mark.parametrize("seed", THREE)
def test_one_node_has_no_backend(seed: int) -> None:
    node = 3 - seed % 3
    complaint = Probe("", "client", f"http://192.168.10.1{node}:30081", "timed out")
    assert f"node{node} (192.168.10.1{node}" in away(seed).says
    assert is_broken(away(seed), complaint)


@pytest.mark.parametrize("seed", SIX[::2])
def test_a_pod_cannot_reach_itself(seed: int) -> None:
    case = node4(seed)
    (cart,) = (name for name in case.lab().hosts if "/cart-" in name)
    complaint = Probe("", cart, "tcp://10.96.0.63:6379", "timed out")
    assert is_broken(case, complaint)
    assert happens(Probe("", "till", "tcp://10.96.0.63:6379"), case.lab())


@pytest.mark.parametrize("seed", SIX[1::2])
def test_a_pod_is_taken_for_a_stranger(seed: int) -> None:
    case, pods = node4(seed), pods_of_node4(seed)
    to, lab = "tcp://10.96.0.63:6379", case.lab()
    assert f"{pods}.3), connects" in case.says
    assert happens(Probe("", "till", to, source=f"{pods}.1"), lab)
    lab.on("node1", "kubectl run other --image=alpine")
    other = lab["other"].host.interfaces[0].addresses[0].ip
    assert happens(Probe("", "other", to, source=str(other)), lab)


@pytest.mark.parametrize("seed", THREE)
def test_visitors_are_shut_out_with_the_scanner(seed: int) -> None:
    case, node = visitors(seed), 1 + seed % 3
    assert is_broken(case, Probe("", "client", f"http://192.168.10.1{node}:30081", "timed out"))
    scan = Probe("", "client", f"http://10.244.{node}.2/", "timed out")
    assert happens(scan, case.lab())
    assert happens(scan, case.mended())


@pytest.mark.parametrize("seed", SEEDS)
def test_one_flow_follows_a_stale_entry(seed: int) -> None:
    case = till(seed)
    port = 5300 + 11 * (seed % 9)
    lost = Question("", "shell", "10.96.0.10", "no route to host", port=port)
    assert f"port {port}," in case.says
    assert is_broken(case, lost)
    assert happens(Question("", "shell", "10.96.0.10", port=port + 1), case.lab())


# --- exercises ---

REPAIRS = [
    one
    for one in course.lessons()["13"]
    if isinstance(one, Variants) and isinstance(one.make(0), Repair)
]


@pytest.mark.parametrize("variants", REPAIRS, ids=lambda one: one.id)
def test_doing_nothing_mends_nothing(variants: Variants) -> None:
    for seed in SIX:
        assert grade(variants.make(seed), "node1# true").code not in ("", "other")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("kubectl delete node node2", "Nobody can try that now"),
        ("kubectl scale deployment web --replicas=9999", "A command fails"),
        ("node2# iptables -N A\n" * 41, "40 lines are enough"),
        ("node2# echo 'never closed", "A command fails"),
        ("node7# true", "there is no host 'node7'"),
    ],
)
def test_whatever_is_typed_is_answered(answer: str, says: str) -> None:
    result = grade(course.exercise("13-mend"), answer)
    assert result.status in ("wrong", "error")
    assert says in str(result)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("node1 iptables -L", "node1# iptables -L"),
        ("node2: conntrack -L", "node2# conntrack -L"),
        ("node2 # conntrack -L", "node2# conntrack -L"),
        ("node2", "node2# iptables -L"),
        ("kubectl get pods\nnode3$ ip route", "node3# ip route"),
    ],
)
def test_a_name_without_its_prompt_is_no_wrong_answer(typed: str, written: str) -> None:
    result = grade(course.exercise("13-mend"), typed)
    assert (result.status, result.code) == ("error", "no-machine")
    assert f"behind its prompt: {written}" in str(result)


def test_a_question_needs_its_pod() -> None:
    assert grade(course.exercise("13-forget"), "kubectl delete pod shell").status == "wrong"


def test_commands_are_typed_where_it_says() -> None:
    text = (
        "node2# conntrack -D \\\n  -p udp\n$ kubectl apply -f - <<E\nkind: Pod\nE\nclient# true\n"
    )
    assert commands(text) == [
        ("node2", "conntrack -D \\\n  -p udp"),
        ("node1", "kubectl apply -f - <<E\nkind: Pod\nE"),
        ("client", "true"),
    ]
    assert commands("iptables -L") == [("node1", "iptables -L")]


def test_a_learner_gets_the_case_of_the_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IPTLAB_SEED", "1")
    assert happens(WEB, verbs.broken(1))
    assert "connection refused" in capsys.readouterr().out
    assert str(verbs.stranger()) == str(Stranger(1).rules)
    with pytest.raises(IptlabError, match="there is no broken cluster 6; there are 1 to 5"):
        verbs.broken(6)


# --- a node never seen before ---


def fates(seed: int) -> Fates:
    """The last exercise for a seed."""
    exercise = course.exercise("13-stranger", seed)
    assert isinstance(exercise, Fates)
    return exercise


def test_all_that_can_become_of_a_packet_is_asked_of_somebody() -> None:
    words = {end.split()[-1] for seed in SEEDS for ends in fates(seed).truth for end in ends}
    assert words == {"REJECT", "DROP", "UNTOUCHED", "kept", "rewritten"}


@pytest.mark.parametrize("seed", SEEDS)
def test_chances_are_those_of_equal_backends(seed: int) -> None:
    for ends in fates(seed).truth:
        assert sum(ends.values()) == 1
        given = read_ends(told(ends))
        assert given.keys() == ends.keys()
        assert set(given.values()) == {Fraction(1, len(ends))}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_packet_names_what_the_dump_has(seed: int) -> None:
    node = Stranger(seed)
    inner, door, empty, balanced = node.services
    rules = str(node.rules)
    assert f"-d {inner.ip}/32 -p tcp" in rules
    assert f"--dport {door.node_port} -j KUBE-EXT" in rules
    assert f"shop/{empty.name} has no endpoints" in rules
    assert f"-d {balanced.vip}/32 -p tcp" in rules
    assert len({one.name for one in node.services}) == len({one.ip for one in node.services}) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ACCEPT",
        "10.1.1.5:80",
        "10.1.1.5 kept",
        "1/0 10.1.1.5:80 kept",
        "10.1.1.5:80 lost",
        "10.1.1.5:80 kept, 10.1.1.5:80 kept",
        "10.1.1.5:80 kept, REJECT",
    ],
)
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(IptlabError):
        read_ends(text)
