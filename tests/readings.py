"""Read the metrics of this process, which other tests move, too: compare them with what they were."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from bot import metrics

Readings = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(page: str) -> Readings:
    """Return the value of every series on a page."""
    families = text_string_to_metric_families(page)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


class Moved:
    """How much a series has grown since this was made."""

    def __init__(self) -> None:
        self._before = _now()

    def __call__(self, name: str, **labels: str) -> float:
        series = (f"studyhall_{name}", frozenset(labels.items()))
        return _now().get(series, 0.0) - self._before.get(series, 0.0)


def _now() -> Readings:
    return parsed(metrics.page("", {}, {}).decode())
