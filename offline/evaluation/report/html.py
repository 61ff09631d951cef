"""The report's words and tables as HTML; every text from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.evaluation.findings import Findings
from offline.evaluation.report.metrics_file import plain
from offline.evaluation.table import (
    EMPTY,
    Row,
    counted,
    extent,
    legend,
    percent,
    rows,
    smoothed,
)

if TYPE_CHECKING:
    from rich.table import Table

CSS = """
.rtbci-warning { background: #b00020; color: white; font-weight: bold; font-size: 1.15rem;
  padding: .6rem 1rem; margin: 0 0 .6rem; border-radius: .3rem; }
.rtbci table { border-collapse: collapse; margin: .4rem 0 1rem; }
.rtbci th, .rtbci td { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: left;
  vertical-align: top; }
.rtbci thead th { border-bottom: 2px solid #888; vertical-align: bottom; }
.rtbci table.numbers { font-size: .85rem; }
.rtbci table.numbers th, .rtbci table.numbers td { padding: .2rem .45rem; }
.rtbci table.numbers td { white-space: pre; font-variant-numeric: tabular-nums; }
.rtbci table.numbers td + td, .rtbci table.numbers th + th { text-align: right; }
.rtbci td table { margin: 0; }
.rtbci .strong { font-weight: bold; }
.rtbci .alarm { color: #b00020; font-weight: bold; }
.rtbci .scroll { overflow-x: auto; }
.rtbci .note { color: #444; max-width: 60rem; }
"""

_ALARMS = ("NO",)


def overview(findings: Findings) -> str:
    """Return what was done, what has to be known of it first, and the table."""
    names = [summary.recogniser for summary in findings.summaries]
    seeds = max((summary.seeds for summary in findings.summaries), default=0)
    said = (
        f"{counted(len(names), 'recogniser')} trained and tested on {findings.dataset}, "
        f"{counted(seeds, 'seed')} each. Protocol: {findings.protocol}."
    )
    if findings.causal:
        said += (
            " Features, scaling and predictions are those that the live system would have computed "
            "at that moment of the recording; nothing was chosen on the test part."
        )
    return (
        asked(findings, said, {})
        + _block(_numbers(_heads(findings), [_cells(findings, row) for row in rows(findings)]))
        + note(legend(findings))
    )


def asked(findings: Findings, said: str, more: Mapping[str, str]) -> str:
    """Return what was done, what has to be known of it first, and what it was done with.

    Parameters
    ----------
    findings : Findings
        Whose data and protocol these are.
    said : str
        What was done, in a few sentences.
    more : mapping of str to str
        More of what it was done with.
    """
    facts = {
        "data set": findings.dataset,
        "protocol": findings.protocol,
        "classes": ", ".join(findings.classes),
        "subjects": f"{len(findings.subjects)}: {', '.join(findings.subjects)}",
        "extent": extent(findings),
        "left out": f"{len(findings.left_out)}, see Left out" if findings.left_out else "nothing",
    }
    return _block(warnings(findings) + f"<p>{escape(said)}</p>" + _pairs(facts | dict(more)))


def of_terminal(table: Table) -> str:
    """Return a table as a terminal shows it; a name in bold stays so."""
    # What is hyphenated or broken there has room here.
    heads = [" ".join(str(each.header).replace("-\n", "").split()) for each in table.columns]
    body = zip(*(column.cells for column in table.columns), strict=True)
    title = f"<p><b>{escape(str(table.title))}</b></p>" if table.title else ""
    return _block(title + _numbers(heads, body))


def warnings(findings: Findings) -> str:
    """Return a loud line for each reservation."""
    return "".join(
        f'<div class="rtbci-warning" role="alert">{escape(text)}</div>'
        for text in findings.warnings
    )


def subjects_table(findings: Findings) -> str:
    """Return balanced accuracies in per cent, a row a subject and a column a recogniser."""
    names = [summary.recogniser for summary in findings.summaries]
    body = [
        [subject, *(_share(summary.per_subject.get(subject)) for summary in findings.summaries)]
        for subject in findings.subjects
    ]
    return _block(_numbers(["subject", *names], body))


def looked_at_table(findings: Findings) -> str:
    """Return balanced accuracy lost without each band, points, a row a recogniser."""
    heads: tuple[str, ...] = ()
    body = []
    for name, explained in findings.explained.items():
        heads = ("recogniser", *(f"without {band}" for band in explained.bands))
        lost = np.round(explained.mean.band_accuracy, 3) + 0.0  # no minus before a zero
        body.append([name, *map(percent, lost.tolist())])
    caption = '<p class="note">Points of balanced accuracy that are lost without a band.</p>'
    return _block(caption + _numbers(heads, body))


def left_out_table(findings: Findings) -> str:
    """Return what was not used, and why."""
    if not findings.left_out:
        return _block("<p>Nothing was left out.</p>")
    body = [[each.name, each.why] for each in findings.left_out]
    return _block(_table(["what", "why"], body))


def provenance_table(findings: Findings) -> str:
    """Return versions, seeds, recipe and all else that the numbers depend on."""
    return _block(_value(plain(findings.provenance)))


def note(text: str) -> str:
    """Return a paragraph."""
    return _block(f'<p class="note">{escape(text)}</p>')


def _heads(findings: Findings) -> list[str]:
    heads = [
        "recogniser", "balanced accuracy", "± over seeds", "accuracy", "macro F1",
        "trial accuracy", "ECE", "Brier", "p",
    ]  # fmt: skip
    if smoothed(findings):
        heads += ["lag [s]"]
    if findings.controls:
        heads += ["random labels", "chance inside"]
    if findings.leak:
        heads += ["LEAKY windows", "LEAKY, random labels"]
    return heads


def _cells(findings: Findings, row: Row) -> list[str]:
    cells = [
        row.recogniser, f"{row.balanced_accuracy}\n{row.interval}", row.seeds_sd, row.accuracy,
        row.macro_f1, row.trial_accuracy, row.calibration_error, row.brier, row.permutation_p,
    ]  # fmt: skip
    if smoothed(findings):
        cells += [row.lag]
    if findings.controls:
        cells += [f"{row.control}\n{row.control_interval}", row.chance_inside]
    if findings.leak:
        cells += [row.leak, row.leak_control]
    return cells


def _share(value: float | None) -> str:
    return EMPTY if value is None else percent(value)


def _block(html: str) -> str:
    return f'<div class="rtbci">{html}</div>'


def _numbers(heads: Sequence[str], body: Iterable[Sequence[Any]]) -> str:
    return f'<div class="scroll">{_table(heads, body, "numbers")}</div>'


def _table(heads: Sequence[str], body: Iterable[Sequence[Any]], kind: str = "") -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    lines = "".join(f"<tr>{''.join(map(_cell, each))}</tr>" for each in body)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'


def _cell(text: Any) -> str:
    """Return a cell of a string, or of what a terminal shows, which may be in bold."""
    alarm = ' class="alarm"' if str(text) in _ALARMS else ""
    strong = ' class="strong"' if "bold" in str(getattr(text, "style", "")) else ""
    return f"<td{alarm}{strong}>{escape(str(text))}</td>"


def _pairs(pairs: Mapping[str, Any]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{_value(value)}</td></tr>'
        for name, value in pairs.items()
    )
    return f"<table><tbody>{lines}</tbody></table>"


def _value(value: Any) -> str:
    """Return plain data: a dict as a table, a list of alike dicts as one with columns."""
    if isinstance(value, dict):
        return _pairs(value) if value else EMPTY
    if isinstance(value, list):
        if value and all(
            isinstance(each, dict) and each.keys() == value[0].keys() for each in value
        ):
            return _table(list(value[0]), [[_text(each[key]) for key in each] for each in value])
        return escape(", ".join(map(_text, value))) if value else EMPTY
    return escape(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
