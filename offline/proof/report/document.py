"""The report of a proof."""

from __future__ import annotations

from pathlib import Path

from offline.ablation import BASE
from offline.evaluation.report import ablation, html
from offline.evaluation.report.heads import MIN_MAPPED
from offline.evaluation.report.page import Page, write_page
from offline.evaluation.table import counted, title
from offline.proof import table
from offline.proof.fidelity import REAL, TEST
from offline.proof.report.embedding import embedding_figure
from offline.proof.report.losses import losses_figure
from offline.proof.report.maps import band_figure
from offline.proof.report.robustness import robustness_figure
from offline.proof.report.scarce import balanced_figure, recall_figure
from offline.proof.report.signals import butterfly_figure, power_figure, spectra_figure
from offline.proof.report.standing import FLOORS, standing_figure
from offline.proof.run import Proven
from offline.proof.signal_fidelity import SignalCompared

_HEADS = (
    "Seen from above, nose up. One scale for real and generated, that of the real ones; what goes "
    "beyond is as dark as its end."
)


def write_report(proven: Proven, path: Path) -> None:
    """Write the report of a proof.

    Parameters
    ----------
    proven : Proven
        What was found.
    path : Path
        HTML file to be written; it is complete or absent.
    """

    def fill(page: Page) -> None:
        _add_overview(page.tagged("overview"), proven)
        _add_maps(page.tagged("maps"), proven)
        if proven.signals:
            _add_signals(page.tagged("signals"), proven, proven.signals[0])
        _add_losses(page.tagged("training"), proven)
        _add_use(page.tagged("use"), proven)
        if proven.withstood:
            _add_robustness(page.tagged("robustness"), proven)
        _add_circumstances(page.tagged("circumstances"), proven)

    write_page(f"Generated EEG: {title(proven.use.whole.findings[BASE])}", path, fill)


def _add_overview(page: Page, proven: Proven) -> None:
    proof, whole = proven.proof, proven.use.whole
    kinds = {name: settings.kind for name, settings in proof.generators.items()}
    folds = [each.fold for each in proven.compared]
    said = (
        f"{counted(len(kinds), 'generator')} learned from the training part of "
        f"{counted(len(folds), 'fold')} of {whole.findings[BASE].dataset}. What they make is "
        "compared with real EEG that was held out, of other trials or people as the protocol has "
        "it, never inside a trial; then recognisers learn with it and without, in as many steps."
    )
    more = {
        "generators": ", ".join(
            name if name == kind else f"{name} ({kind})" for name, kind in kinds.items()
        ),
        "folds compared": ", ".join(folds),
        "features": f"those of the network {proof.network}",
        "recognisers": ", ".join(whole.recognisers),
    }
    page.text("Overview", html.asked(whole.findings[BASE], said, more))
    tables = [table.comparison(proven), *([table.signals(proven)] if proven.signals else [])]
    told = "".join(map(html.of_terminal, tables)) + html.note(table.legend(proven))
    page.text("Generated and real EEG", told)
    page.figure(
        "Ceiling and floor",
        standing_figure(proven),
        "Means over folds, and from the worst to the best fold where there are several. Grey, and "
        f"the line: “{REAL}”, real maps compared with other real maps: the ceiling, but where they "
        "are of few people or trials, as who learns from more can come nearer. Orange: the "
        f"generator that does best. Light: floors, which have no network ({', '.join(FLOORS)}); "
        "a generator that is no better than these is not worth its training. Who makes nothing but "
        "means of real maps, or what lies between two, is near to them in level and easily "
        "recognised, and yet told apart, or a copy.",
    )


def _add_maps(page: Page, proven: Proven) -> None:
    recipe, section = proven.material.recipe, "Maps"
    if len(recipe.channels) < MIN_MAPPED:
        note = html.note(f"Fewer than {MIN_MAPPED} electrodes make no map.")
        page.text("Maps of the classes", note, section=section)
    else:
        newest = f" (of {recipe.segments} maps the newest)" if recipe.segments > 1 else ""
        for plane, name in enumerate(recipe.planes):
            page.figure(
                name,
                band_figure(proven.compared, recipe, plane),
                f"Mean {name}{newest} of each class less the mean over classes, in the training "
                f"part's standard deviations, mean over folds. “{TEST}”: the real maps that all "
                f"are compared with; “{REAL}”: other real maps that were held out too. {_HEADS}",
                section=section,
            )
    first = proven.compared[0]
    page.figure(
        "Features",
        embedding_figure(first, recipe.classes),
        f"What the network {proven.proof.network}, trained on the same training part, makes of "
        "each map: its last layer's input, on the two principal components of the held-out real "
        "maps' own, so that nothing generated rules the picture. Pale dots, the same in each "
        "panel: the held-out real maps; crosses: those in the panel's title. What lies outside is "
        f"drawn at the edge. Fold: {first.fold}.",
        section=section,
    )


def _add_signals(page: Page, proven: Proven, compared: SignalCompared) -> None:
    recipe, section = proven.material.recipe, "Signals"
    page.figure(
        "Butterfly plots",
        butterfly_figure(compared, recipe.classes),
        "All channels of one window of each class, that of median strength. One scale, that of "
        f"the real ones; what goes beyond is cut off. Fold: {compared.fold}.",
        section=section,
    )
    page.figure(
        "Spectra",
        spectra_figure(compared, recipe.classes),
        f"Power spectral density of all windows (Welch): median over channels. “{TEST}”: the real "
        f"windows that all are compared with; “{REAL}”: other real windows that were held out. "
        f"Fold: {compared.fold}.",
        section=section,
    )
    for band in recipe.bands if len(recipe.channels) >= MIN_MAPPED else ():
        page.figure(
            f"Power, {band.name}",
            power_figure(compared, recipe, band),
            f"Mean power from {band.low:g} to {band.high:g} Hz of each class, less the held-out "
            f"windows' mean over classes and channels. {_HEADS} Fold: {compared.fold}.",
            section=section,
        )


def _add_losses(page: Page, proven: Proven) -> None:
    name = "Losses"
    learned = {row.name: row.losses for row in proven.compared[0].rows if row.losses}
    if learned:
        page.figure(
            name,
            losses_figure(learned),
            f"Each loss, epoch by epoch. Fold: {proven.compared[0].fold}.",
        )
    else:
        page.text(name, html.note("No generator was trained step by step."))


def _add_use(page: Page, proven: Proven) -> None:
    use, scarce, section = proven.use, proven.proof.scarce, "Use"
    for name in use.whole.recognisers:
        found = html.of_terminal(ablation.variants_table(use.whole, name))
        page.text(f"With and without, {name}", found, section=section)
    page.text("How to read it", html.note(ablation.legend(use.whole)), section=section)
    page.figure(
        "With and without",
        ablation.variants_figure(use.whole),
        f"Balanced accuracy per window with each generator's maps among those that are learned "
        f"from, and without (“{BASE}”, grey and the line): mean over subjects, and its 95 % "
        "interval.",
        section=section,
    )
    if scarce is None:
        return
    section = "Hard case"
    for name in use.whole.recognisers:
        found = html.of_terminal(table.scarcity(use, name, scarce.label))
        page.text(f"Little of {scarce.label}, {name}", found, section=section)
    page.figure(
        f"Recall of {scarce.label}",
        recall_figure(use, scarce.label),
        f"Share of the windows of {scarce.label} that are recognised where only a part of those "
        "in the training part is kept: with each generator's maps, and without (grey).",
        section=section,
    )
    page.figure(
        "Balanced accuracy",
        balanced_figure(use),
        f"Balanced accuracy over all classes where little of {scarce.label} is kept: recall that "
        "is bought with the other classes' shows here. Dashed: chance.",
        section=section,
    )


def _add_robustness(page: Page, proven: Proven) -> None:
    section = "Robustness"
    found = html.of_terminal(table.robustness(proven))
    page.text(f"{proven.proof.network} under attack, table", found, section=section)
    page.figure(
        f"{proven.proof.network} under attack",
        robustness_figure(proven.withstood),
        "Share of right answers on windows as they are, and changed to mislead the network that "
        f"answers: with each generator's maps, and without (“{BASE}”, grey and the line). Means "
        "over folds, and from the worst to the best fold where there are several.",
        section=section,
    )


def _add_circumstances(page: Page, proven: Proven) -> None:
    base = proven.use.whole.findings[BASE]
    page.text("Left out", html.left_out_table(base))
    page.text("Provenance", html.provenance_table(base))
