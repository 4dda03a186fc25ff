"""Just enough SVG: elements whose texts and attributes are always escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from chaos.measure.formats import printable


def tag(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """`<name attributes>children</name>`; children that are not Markup are escaped.

    Attribute names are written with `_` for `-`, and `class_` for `class`; None leaves one out.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), number(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(_child(child) for child in children)
    return Markup("<{name}{written}>{inside}</{name}>").format(
        name=name, written=written, inside=inside
    )


def number(value: str | float) -> str:
    """A coordinate to a tenth of a pixel; a text as it is, but for what HTML forbids."""
    if isinstance(value, str):
        return printable(value)
    return f"{value:.1f}".removesuffix(".0")


def path(points: Iterable[tuple[float, float]]) -> str:
    """The `d` of an open path through the points."""
    return "M" + "L".join(f"{number(x)},{number(y)}" for x, y in points)


def _child(child: str) -> Markup:
    return child if isinstance(child, Markup) else escape(printable(child))
