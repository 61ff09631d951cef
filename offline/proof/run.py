"""The whole of a proof: compare, use, attack."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from offline.evaluation.augmenting import scarce_label
from offline.evaluation.evaluate import Places, bench_of
from offline.evaluation.fitting import Bench, Learned, learn
from offline.evaluation.material import Material, gather
from offline.evaluation.outcome import Task
from offline.evaluation.protocols import Fold
from offline.generators import build_generator
from offline.models.registry import NETWORKS
from offline.proof.config import Proof
from offline.proof.fidelity import Compared, Made, compare, made_maps
from offline.proof.parts import Parts, parts_of
from offline.proof.robustness import Withstood, attack, require_toolbox
from offline.proof.sets import evenly
from offline.proof.signal_fidelity import SignalCompared, compare_signals, headsets
from offline.proof.signal_parts import signal_parts_of
from offline.proof.use import Use, find_use, variants_of
from offline.recognisers import RECOGNISERS, in_one_thread
from offline.recognisers.as_network import as_network
from rtbci.atomic import require_writable
from rtbci.configuration import load_yaml
from rtbci.errors import ConfigError

_MOST_COMPARED = 1500
"""Maps of a held-out part that are compared; what more would say takes long."""

_MOST_WINDOWS = 600
"""Windows of the signal likewise; they are kept for pictures, and a window is large."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Proven:
    """What a proof found.

    Attributes
    ----------
    proof : Proof
        What was asked.
    material : Material
        The data.
    compared : tuple of Compared
        Generated and real maps, fold by fold.
    signals : tuple of SignalCompared
        Generated and real signals, fold by fold; empty where no generator makes signals.
    use : Use
        Recognisers with and without.
    withstood : mapping of str to tuple of Withstood
        How networks fared under attack, by what they learned with, a network a fold.
    """

    proof: Proof
    material: Material
    compared: tuple[Compared, ...]
    signals: tuple[SignalCompared, ...]
    use: Use
    withstood: Mapping[str, tuple[Withstood, ...]]


def prove(path: Path, roots: tuple[Path, ...], output: Path | None, places: Places) -> Proven:
    """Run a proof.

    Parameters
    ----------
    path : Path
        Its YAML file.
    roots : tuple of Path
        Folders that hold the data, instead of the evaluation's.
    output : Path, optional
        Folder for what is found, instead of the file's.
    places : Places
        Where recognisers learn.

    Raises
    ------
    RtbciError
        If the file holds a wrong key or value, the data cannot be read, or a generator cannot
        learn from them; one line.
    """
    proof = load_yaml(path, Proof)
    if output is not None:
        proof = proof.model_copy(update={"output": output})
    if proof.network not in NETWORKS or NETWORKS[proof.network].sees != "maps":
        known = [name for name, each in NETWORKS.items() if each.sees == "maps"]
        raise ConfigError(f"{path}: no network of maps {proof.network!r}; there are {known}")
    variants = variants_of(proof, path, roots, proof.output)
    evaluation = variants[0].evaluation
    if evaluation.protocol.leaky:
        raise ConfigError(
            f"{path}: {evaluation.protocol.title}: neighbours of what was learned from would pass "
            "for generated well; a proof holds out whole trials, choose another protocol"
        )
    material = gather(evaluation, places.jobs, keep_going=False)
    # Refused here, not after hours of other work.
    if proof.scarce is not None:
        scarce_label(proof.scarce.label, material.recipe)
    if proof.robustness is not None:
        require_toolbox()
    for settings in proof.that_make("maps").values():
        build_generator(material.recipe, settings)
    if proof.that_make("maps"):
        _refuse_blind(evaluation.recognisers, path)
    require_writable(proof.output)
    bench = bench_of(evaluation, material)
    seed = evaluation.seeds[0]
    all_folds = bench.folds(seed)
    # Neighbours are often those of one person.
    folds = tuple(all_folds[each] for each in evenly(len(all_folds), proof.folds))
    compared, signals = [], []
    for number, fold in enumerate(folds, 1):
        _log.info("generated and real EEG, fold %d of %d", number, len(folds))
        with in_one_thread():
            parts = parts_of(bench, fold, _MOST_COMPARED)
            played, of_signals = _signals(proof, bench, fold, parts, seed)
            signals += of_signals
            compared.append(_maps(proof, bench, fold, parts, played, seed))
    use = find_use(proof, path, roots, proof.output, places)
    benches = {each.name: bench_of(each.evaluation, material) for each in variants}
    withstood = _withstood(proof, benches, folds, seed)
    return Proven(proof, material, tuple(compared), tuple(signals), use, withstood)


def _refuse_blind(recognisers: tuple[str, ...], path: Path) -> None:
    """Refuse recognisers that could not learn from maps that are generated."""
    for name in recognisers:
        if RECOGNISERS[name].needs not in ("maps", "segments"):
            seeing = [
                key for key, each in RECOGNISERS.items() if each.needs in ("maps", "segments")
            ]
            raise ConfigError(
                f"{path}: recognisers: {name} looks at more than maps, which are all that is "
                f"generated; there are {', '.join(seeing)}"
            )


def _signals(
    proof: Proof, bench: Bench, fold: Fold, parts: Parts, seed: int
) -> tuple[dict[str, Made], list[SignalCompared]]:
    """Return the maps of what generators of the signal play, and what their signal is like."""
    asked, material = proof.that_make("signal"), bench.material
    if not asked:
        return {}, []
    recipe = material.recipe
    windows = signal_parts_of(bench, fold, proof.signal_s, _MOST_WINDOWS)
    build = {
        name: partial(build_generator, recipe, settings, windows.sfreq)
        for name, settings in asked.items()
    }
    played = headsets(parts, windows, material.recordings, recipe, build, seed)
    found = compare_signals(fold.name, windows, played, recipe, seed)
    return {name: each.made for name, each in played.items()}, [found]


def _maps(
    proof: Proof,
    bench: Bench,
    fold: Fold,
    parts: Parts,
    played: Mapping[str, Made],
    seed: int,
) -> Compared:
    recipe = bench.material.recipe
    made = {
        name: played[name]
        if name in played
        else made_maps(partial(build_generator, recipe, settings), parts, seed)
        for name, settings in proof.generators.items()
    }
    network = _learned(proof, replace(bench, augmentation=None), fold, seed)
    return compare(fold.name, parts, made, as_network(network.fitted).network, seed)


def _withstood(
    proof: Proof, benches: Mapping[str, Bench], folds: tuple[Fold, ...], seed: int
) -> dict[str, tuple[Withstood, ...]]:
    """Attack a network that learned with each generator, and one without, in each fold."""
    settings = proof.robustness
    if settings is None:
        return {}

    def one(bench: Bench, fold: Fold) -> Withstood:
        with in_one_thread():
            learned = _learned(proof, bench, fold, seed)
            inputs, labels = learned.shown(settings.windows, bench.material.recipe)
            assert inputs.segments is not None  # it is a network of maps
            seen = inputs.segments.batch(np.arange(len(labels)))
            return attack(as_network(learned.fitted).network, seen, labels, settings, seed)

    found = {}
    for name, bench in benches.items():
        _log.info("attacks on networks that learned with %s", name)
        found[name] = tuple(one(bench, fold) for fold in folds)
    return found


def _learned(proof: Proof, bench: Bench, fold: Fold, seed: int) -> Learned:
    return learn(bench, Task(proof.network, fold.name, seed))
