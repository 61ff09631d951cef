from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from offline.proof import table
from offline.proof.report.document import write_report
from rtbci.recipe import Recipe
from tests.offline.evaluation.report.test_document import Page
from tests.offline.proof.report.examples import (
    compared,
    proven,
    recipe,
    use,
)

SECTIONS = [
    "Overview", "Generated and real EEG", "Ceiling and floor", "Maps", "Signals", "Losses", "Use",
    "Hard case", "Robustness", "Left out", "Provenance",
]  # fmt: skip


def written(found, path: Path) -> tuple[str, Page]:
    write_report(found, path)
    source = path.read_text(encoding="utf-8")
    return source, Page(source)


def few_electrodes(**changes):
    """A proof whose electrodes make no maps on the head, which take long to draw."""
    material = replace(proven().material, recipe=recipe(channels=("CZ", "O1", "O2")))
    parts = {"material": material, "compared": (compared(n_channels=3),), "signals": ()}
    return proven(**parts | changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[str, Page]:
    fewer = recipe(bands=Recipe().bands[:2])  # bands, as heads take long to draw
    found = proven(material=replace(proven().material, recipe=fewer))
    return written(found, tmp_path_factory.mktemp("report") / "deep" / "report.html")


def test_everything_found_is_on_one_page_that_fetches_nothing(whole):
    source, page = whole
    assert page.contents == SECTIONS
    # Planes of the maps, standing, features; butterflies, spectra and bands of the signal; losses;
    # with and without; recall and balanced accuracy; attacks.
    assert page.tags.count("figure") == (2 + 1 + 1) + (1 + 1 + 2) + 1 + 1 + 2 + 1
    fetched = [value for name, value in page.attributes if name == "src"]
    assert all(value.startswith("data:") for value in fetched)
    assert "link" not in page.tags
    assert len(source) < 8e6


def test_simulated_data_are_called_so_before_anything_else(whole):
    _, page = whole
    assert [text.split(":")[0] for text in page.alerts] == ["simulated data"]
    assert page.texts.count("Generated EEG: simulated data | SEED: leave one subject out") == 2
    assert "floor (gaussian), good (esc-gan), poor (wgan-gp)" in page.texts


def in_order(texts: list[str], words: list[str]) -> bool:
    """Tell whether words stand in a row, one after the other."""
    return any(texts[k : k + len(words)] == words for k in range(len(texts)))


def test_the_tables_are_those_of_the_terminal(whole):
    _, page = whole
    found = proven()
    tables = [
        table.comparison(found),
        table.signals(found),
        table.robustness(found),
        *(table.scarcity(found.use, name, "negative") for name in found.use.whole.recognisers),
    ]
    for each in tables:
        for row in zip(*(column.cells for column in each.columns), strict=True):
            assert in_order(page.texts, [str(cell).strip() for cell in row])
    # A head that is hyphenated there is whole here.
    assert in_order(page.texts, ["spectrum [nats]", "covariance", "rhythm", "amplitude [SD]"])
    assert in_order(page.texts, ["real", "0.05", "0.95", "0.05", "0.050", "51.2", "88.8"])
    assert table.legend(found) in page.texts


def test_the_real_row_stands_out(whole):
    source, _ = whole
    assert source.count('<td class="strong">real</td>') == 2
    assert '<td class="strong">good</td>' not in source


def test_what_was_not_asked_for_is_not_there(tmp_path):
    asked = proven().proof.model_copy(update={"scarce": None, "robustness": None})
    fold = compared(n_channels=3)
    fold = replace(fold, rows=tuple(replace(row, losses={}) for row in fold.rows))
    changes = {"proof": asked, "withstood": {}, "use": replace(use(), scarce={})}
    found = few_electrodes(compared=(fold,), **changes)
    _, page = written(found, tmp_path / "report.html")
    left = [each for each in SECTIONS if each not in ("Signals", "Hard case", "Robustness")]
    assert page.contents == left
    assert "No generator was trained step by step." in page.texts
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_few_electrodes_have_no_maps_but_all_else(tmp_path):
    _, page = written(few_electrodes(), tmp_path / "report.html")
    assert "Fewer than 4 electrodes make no map." in page.texts
    assert page.tags.count("figure") == 1 + 1 + 1 + 1 + 2 + 1


def test_names_are_text_and_nothing_else(tmp_path):
    odd = "<b>&\"'$x$"
    found = few_electrodes()
    named = {
        name: replace(each, dataset=odd, protocol=odd)
        for name, each in found.use.whole.findings.items()
    }
    whole = replace(found.use.whole, findings=named)
    _, page = written(replace(found, use=replace(found.use, whole=whole)), tmp_path / "report.html")
    assert odd in page.texts
