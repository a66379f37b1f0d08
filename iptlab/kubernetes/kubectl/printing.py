"""Objects as ``-o yaml``, ``json``, ``name``, ``jsonpath`` and ``custom-columns`` print them."""

from __future__ import annotations

from collections.abc import Sequence

from iptlab.kubernetes.api.resources import Resource, Tree
from iptlab.kubernetes.kubectl.jsonpath import print_path, values_at
from iptlab.kubernetes.kubectl.request import CommandError, Request
from iptlab.kubernetes.kubectl.tables import table
from iptlab.kubernetes.kubectl.yaml_text import to_json, to_line, to_yaml

_FORMATS = (
    "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,"
    "jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,yaml"
)


def print_object(request: Request, one: Resource) -> None:
    """Print one object in the form that the command asks for."""
    _print(request, one.values, [one])


def print_objects(request: Request, found: Sequence[Resource], *, single: bool) -> None:
    """Print objects in the form that the command asks for, as a List if there may be several."""
    if single:
        print_object(request, found[0])
        return
    listed: Tree = {
        "apiVersion": "v1",
        "items": [one.values for one in found],
        "kind": "List",
        "metadata": {"resourceVersion": ""},
    }
    _print(request, listed, found)


def _print(request: Request, whole: Tree, found: Sequence[Resource]) -> None:
    form, _, rest = request.output.partition("=")
    match form:
        case "yaml":
            request.out.append(to_yaml(whole))
        case "json":
            request.out.append(to_json(whole))
        case "name":
            for one in found:
                request.say(str(one))
        case "jsonpath":
            if not rest:
                raise CommandError("error: template format specified but no template given")
            request.out.append(print_path(rest, whole))
        case "custom-columns":
            _print_columns(request, rest, found)
        case _:
            raise unknown_format(form)


def unknown_format(form: str) -> CommandError:
    """The error about an output format that there is not."""
    return CommandError(
        f'error: unable to match a printer suitable for the output format "{form}", allowed '
        f"formats are: {_FORMATS}"
    )


def _print_columns(request: Request, text: str, found: Sequence[Resource]) -> None:
    """A table of one's own: ``NAME:.metadata.name,IP:.status.podIP``."""
    pairs = [part.partition(":") for part in text.split(",")]
    if not text or any(not name or not path for name, _, path in pairs):
        raise CommandError(
            f"error: expected name:jsonpath pairs such as NAME:.metadata.name, found {text}"
        )
    rows = []
    for one in found:
        cells = []
        for _, _, path in pairs:
            values = values_at(path.strip("{}"), one.values)
            words = [value if isinstance(value, str) else to_line(value) for value in values]
            cells.append(",".join(words) or "<none>")
        rows.append(cells)
    request.out.append(table([name for name, _, _ in pairs], rows))
