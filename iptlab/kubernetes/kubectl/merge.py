"""Patches and what they make of an object: merged, strategically merged, JSON operations.

Source: RFC 7386, RFC 6902; apimachinery/pkg/util/strategicpatch (three-way merge)
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from iptlab.kubernetes.api.kinds import Kind
from iptlab.kubernetes.api.resources import Tree
from iptlab.kubernetes.kubectl.request import CommandError

# the field that tells the entries of a list apart, by the list's path: types.go, patchMergeKey
_POD_KEYS = {
    "spec.containers": "name",
    "spec.initContainers": "name",
    "spec.containers.ports": "containerPort",
    "spec.containers.env": "name",
    "spec.containers.volumeMounts": "mountPath",
    "spec.volumes": "name",
    "status.conditions": "type",
}
_TEMPLATE_KEYS = {f"spec.template.{path}": key for path, key in _POD_KEYS.items()}
_KEYS: Mapping[str, Mapping[str, str]] = {
    "Service": {"spec.ports": "port", "status.conditions": "type"},
    "Pod": _POD_KEYS,
    "Deployment": _TEMPLATE_KEYS,
    "ReplicaSet": _TEMPLATE_KEYS,
    "Node": {"spec.taints": "key", "status.addresses": "type", "status.conditions": "type"},
}
_DIRECTIVE = "$patch"


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: mappings are merged, all else is replaced, null takes a field away."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def strategic(kind: Kind, target: Any, patch: Any, path: str = "") -> Any:
    """Like merge, but lists whose entries have a key are merged entry by entry."""
    if isinstance(patch, dict):
        if patch.get(_DIRECTIVE) == "replace":
            return {name: deepcopy(one) for name, one in patch.items() if name != _DIRECTIVE}
        result = dict(target) if isinstance(target, dict) else {}
        for name, value in patch.items():
            if value is None:
                result.pop(name, None)
            else:
                inner = f"{path}.{name}".strip(".")
                result[name] = strategic(kind, result.get(name), value, inner)
        return result
    key = _key(kind, path, target, patch)
    if not key:
        return deepcopy(patch)
    merged = {one[key]: one for one in target or ()}
    for entry in patch:
        if entry.get(_DIRECTIVE) == "delete":
            merged.pop(entry[key], None)
        else:
            merged[entry[key]] = strategic(kind, merged.get(entry[key]), entry, path)
    return list(merged.values())


def three_way(kind: Kind, last: Any, new: Any, live: Any, *, path: str = "") -> Any:
    """What ``kubectl apply`` makes: the live object with what was written since changed in it.

    What the last manifest had and the new one has not goes; what neither ever had stays.
    """
    if isinstance(new, dict):
        result = dict(live) if isinstance(live, dict) else {}
        last = last if isinstance(last, dict) else {}
        for name in last:
            if name not in new:
                result.pop(name, None)
        for name, value in new.items():
            inner = f"{path}.{name}".strip(".")
            if value is None:
                result.pop(name, None)
            else:
                result[name] = three_way(kind, last.get(name), value, result.get(name), path=inner)
        return result
    key = _key(kind, path, live, new)
    if not key:
        return deepcopy(new)
    before = {one[key]: one for one in last or () if isinstance(one, dict) and key in one}
    there = {one[key]: one for one in live or ()}
    wanted = {one[key]: one for one in new}
    kept = [one for name, one in there.items() if name not in wanted and name not in before]
    return [
        *(
            three_way(kind, before.get(k), one, there.get(k), path=path)
            for k, one in wanted.items()
        ),
        *kept,
    ]


def _key(kind: Kind, path: str, *lists: Any) -> str:
    """The field that tells the entries of lists apart; empty if there is none."""
    key = _KEYS.get(kind.name, {}).get(path, "")
    for one in lists:
        if not isinstance(one, list | None):
            return ""
        keys = [entry.get(key) if isinstance(entry, dict) else None for entry in one or ()]
        # an entry without key, or one key twice: nobody can tell which is meant
        if any(isinstance(k, dict | list | None) for k in keys) or len({*keys}) < len(keys):
            return ""
    return key


def apply_operations(target: Tree, operations: Any) -> Tree:
    """RFC 6902: a list of operations, one after the other."""
    if not isinstance(operations, list):
        raise CommandError('error: a JSON patch is a list: [{"op": "replace", …}]')
    result = deepcopy(target)
    for one in operations:
        if not isinstance(one, dict) or not isinstance(one.get("path"), str):
            raise CommandError('error: every operation of a JSON patch has "op" and "path"')
        _operate(result, one)
    return result


def _operate(root: Any, one: Mapping[str, Any]) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in one["path"].split("/")[1:]]
    op = one.get("op")
    if not steps or op not in ("add", "remove", "replace", "test"):
        raise CommandError(f"error: Unexpected kind: {op}")
    holder = root
    for step in steps[:-1]:
        holder = _inside(holder, step, one)
    last = steps[-1]
    if op == "test":
        if _inside(holder, last, one) != one.get("value"):
            raise _refused(f"testing value {one['path']} failed: test failed")
    elif isinstance(holder, list):
        _operate_on_list(holder, last, one)
    elif op == "add" or last in holder:
        holder.pop(last, None)
        if op != "remove":
            holder[last] = deepcopy(one.get("value"))
    else:
        raise _refused(f"{op} operation does not apply: doc is missing key: {one['path']}")


def _operate_on_list(holder: list[Any], step: str, one: Mapping[str, Any]) -> None:
    if one["op"] == "add":
        number = len(holder) if step == "-" else int(step) if step.isdecimal() else -1
        if not 0 <= number <= len(holder):
            raise _refused(f"add operation does not apply: no place {one['path']}")
        holder.insert(number, deepcopy(one.get("value")))
        return
    _inside(holder, step, one)
    holder[int(step) : int(step) + 1] = (
        [] if one["op"] == "remove" else [deepcopy(one.get("value"))]
    )


def _inside(holder: Any, step: str, one: Mapping[str, Any]) -> Any:
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    if isinstance(holder, list) and step.isdecimal() and int(step) < len(holder):
        return holder[int(step)]
    raise _refused(f"{one['op']} operation does not apply: doc is missing path: {one['path']}")


def _refused(why: str) -> CommandError:
    cause = "the server rejected our request due to an error in our request"
    return CommandError(f"The request is invalid: {cause}: {why}")
