"""What every widget has in common: its script, its static twin, and its page of its own."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import anywidget
from traitlets import HasTraits

from iptlab.html import Html, element

_HERE = files(__name__.rpartition(".")[0])
# a model as Jupyter's, for a page without Jupyter: what is set is kept and told to who listens
_MODEL = """
const listeners = new Map();
const model = {
  get: (name) => state[name],
  set: (name, value) => {
    if (state[name] === value) return;
    state[name] = value;
    for (const tell of listeners.get(`change:${name}`) ?? []) tell();
  },
  on: (event, tell) => listeners.set(event, [...(listeners.get(event) ?? []), tell]),
  off: (event, tell) =>
    listeners.set(event, (listeners.get(event) ?? []).filter((one) => one !== tell)),
  save_changes: () => {},
  send: () => {},
};
"""


def script(name: str) -> str:
    """The script of a widget behind what all of them share; a browser loads nothing more."""
    return "\n".join((_HERE / one).read_text("utf-8") for one in ("common.js", f"{name}.js"))


def style(name: str = "") -> str:
    """The style sheet that all widgets share, and one of the widget's own behind it."""
    return "\n".join((_HERE / f"{one}.css").read_text("utf-8") for one in ("common", name) if one)


class Widget(anywidget.AnyWidget):
    """A view that steps, folds or is clicked, with a static twin.

    A subclass names its ``_esm`` and ``_css`` (`script`, `style`), its synchronised traits,
    and says in `static` and ``__str__`` what it shows where no script runs.
    """

    def static(self) -> Html:
        """What GitHub, an untrusted notebook and a printed page show instead."""
        raise NotImplementedError(f"{type(self).__name__} has no static twin")

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live, about = super()._repr_mimebundle_(**options) or ({}, {})
        return live | {"text/plain": str(self), "text/html": str(self.static())}, about

    def to_html(self, title: str = "") -> str:
        """A page of its own that steps with no kernel, no server and no network."""
        return _page(self, title or str(self).partition("\n")[0])


def _page(widget: Widget, title: str) -> str:
    """The widget's script, style and state in one HTML page."""
    state = {name: getattr(widget, name) for name in _synchronised(widget)}
    # "<" would end the script early if a learner's comment says </script>
    text = json.dumps(state).replace("<", "\\u003c")
    code = str(widget._esm).replace("export default", "const widget =")
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            str(element("title", title)),
            f"<style>:root {{ color-scheme: light dark }}\n{widget._css}</style></head>",
            '<body><main id="here"></main>',
            f'<script type="module">\nconst state = {text};{_MODEL}{code}',
            'widget.render({ model, el: document.getElementById("here") });',
            "</script></body></html>",
        )
    )


def _synchronised(widget: HasTraits) -> list[str]:
    """The names of the traits that our widgets add to those of all widgets."""
    return [
        name
        for name, trait in widget.traits(sync=True).items()
        if issubclass(trait.this_class or object, Widget) and not name.startswith("_")
    ]
