"""What every widget has in common: its script, its static twin, and its page of its own."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import anywidget

from iptlab.html import Html, document

_HERE = files(__name__.rpartition(".")[0])
# what begins a line; behind code a comment stays, for it might be a string's
_COMMENT = re.compile(r"^\s*(//[^\n]*|/\*.*?\*/)\s*\n", re.M | re.S)
# a model as Jupyter's, for a page without Jupyter: what is set is kept and told to who listens
_MODEL = """
const listeners = new Map();
const model = {
  alone: true, // there is no kernel to ask
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

# what a widget sends when it is opened; the rest it sends when it is asked
ROOM = 250_000


def size(state: object) -> int:
    """How many bytes a value takes on its way to the browser."""
    return len(json.dumps(state, ensure_ascii=False).encode())


def script(*names: str) -> str:
    """The scripts of a widget behind what all share; a browser loads nothing more.

    Every widget on a page brings its own copy: so without comments and indentation.
    """
    text = "\n".join((_HERE / f"{one}.js").read_text("utf-8") for one in ("common", *names))
    return re.sub(r"\n\s+", "\n", _COMMENT.sub("", text))


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

    def shown(self) -> dict[str, Any]:
        """The traits that our widgets add to those of all widgets: what the script reads."""
        return {
            name: getattr(self, name)
            for name, trait in self.traits(sync=True).items()
            if issubclass(trait.this_class or object, Widget) and not name.startswith("_")
        }

    def alone(self) -> dict[str, Any]:
        """The same for a page where no kernel answers: nothing of it is left to be asked for."""
        return self.shown()

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live, about = super()._repr_mimebundle_(**options) or ({}, {})
        return live | {"text/plain": str(self), "text/html": str(self.static())}, about

    def to_html(self, title: str = "") -> str:
        """A page of its own that steps with no kernel, no server and no network."""
        return _page(self, title or str(self).partition("\n")[0])


def _page(widget: Widget, title: str) -> Html:
    """The widget's script, style and state in one HTML page."""
    # "<" would end the script early if a learner's comment says </script>
    text = json.dumps(widget.alone()).replace("<", "\\u003c")
    code = str(widget._esm).replace("export default", "const widget =")
    # a block of its own, whose names no script above it can have taken
    script = f"{code}\n{{\nconst state = {text};{_MODEL}"
    script += 'widget.render({ model, el: document.getElementById("here") });\n}\n'
    here = Html('<main id="here"></main>\n<script type="module">\n' + script + "</script>")
    return document(title, str(widget._css), here)
