"""Distances between sets of feature vectors: Fréchet's, and that of a kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.generators.generator import Floats
from offline.proof.sets import order_of, refuse_not_finite
from rtbci.errors import GeneratorError

_AT_ONCE = 512  # rows of the kernel's matrix


@dataclass(frozen=True)
class KernelDistance:
    """A squared maximum mean discrepancy.

    Attributes
    ----------
    value : float
        In the kernel's unit. 0 is best; as its estimator is unbiased, equal distributions are as
        often below as above.
    standard_error : float
        Of the value, over draws of groups.
    """

    value: float
    standard_error: float


def frechet_distance(first: Floats, second: Floats) -> float:
    r"""Return the squared Fréchet distance between Gaussians fitted to two sets.

    .. math:: d^2 = |\mu - \tilde\mu|^2 + \mathrm{tr}\big( C + \tilde C
        - 2 (C \tilde C)^{1/2} \big)

    Heusel et al. 2017 (arXiv 1706.08500), equation 6, there of an image network's features ("FID").

    Parameters
    ----------
    first, second : arrays, shape (examples, features)
        Two examples at least.

    Returns
    -------
    float
        In the features' squared unit. 0 is best. Equal distributions have more than 0, the more
        the fewer examples there are (Binkowski et al. 2018, arXiv 1801.01401), so rows of a table
        are to have as many.

    Raises
    ------
    GeneratorError
        If there are too few examples, other features, or numbers that are not finite.
    """
    _refuse_unfit(first, second)
    one, two = first.astype(np.float64), second.astype(np.float64)
    covariances = [np.atleast_2d(np.cov(x, rowvar=False)) for x in (one, two)]
    return between_gaussians(one.mean(axis=0), covariances[0], two.mean(axis=0), covariances[1])


def between_gaussians(
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    other_mean: NDArray[np.float64],
    other_covariance: NDArray[np.float64],
) -> float:
    r"""Return the squared Fréchet (2-Wasserstein) distance between two Gaussians.

    Dowson and Landau 1982 (doi 10.1016/0047-259X(82)90077-X). Covariances may lack
    rank: :math:`(C \tilde C)^{1/2}` has the trace of :math:`(C^{1/2} \tilde C C^{1/2})^{1/2}`,
    whose eigenvalues are real.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    common = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)).sum()
    apart = mean - other_mean
    squared = apart @ apart + np.trace(covariance) + np.trace(other_covariance) - 2 * common
    return float(max(squared, 0.0))


def kernel_distance(
    first: Floats,
    second: Floats,
    first_groups: NDArray[np.int64] | None = None,
    second_groups: NDArray[np.int64] | None = None,
    *,
    bootstraps: int = 200,
    seed: int = 0,
) -> KernelDistance:
    r"""Return the squared maximum mean discrepancy with a polynomial kernel.

    .. math:: \widehat{\mathrm{MMD}}^2 = \overline{k(x, x')} + \overline{k(y, y')}
        - 2\,\overline{k(x, y)}, \qquad k(x, y) = \big( x \cdot y / d + 1 \big)^3

    with means over pairs of two different examples (Gretton et al. 2012, equation 3; the kernel is
    that of Binkowski et al. 2018, arXiv 1801.01401, "KID", d being the number of
    features). It is unbiased for examples that were drawn one by one; neighbours in a trial are
    alike, so real examples have somewhat more than 0 even against their like.

    The standard error is that of a bootstrap of whole groups (as blocks in Kunsch 1989, doi
    10.1214/aos/1176347265), in which an example that is drawn twice makes no pair with itself.

    Parameters
    ----------
    first, second : arrays, shape (examples, features)
        Two of each at least.
    first_groups, second_groups : arrays of int, shape (examples,), optional
        Group of each example; without, each is drawn alone.
    bootstraps : int
        How many draws the standard error is of.
    seed : int
        Fixes them.

    Raises
    ------
    GeneratorError
        If there are fewer than two groups, other features, or numbers that are not finite.
    """
    _refuse_unfit(first, second)
    one, groups = _numbered(first, first_groups)
    two, others = _numbered(second, second_groups)
    rng = np.random.default_rng(seed)
    own, other = _Weights.of(groups, bootstraps, rng), _Weights.of(others, bootstraps, rng)
    values = own.within(one, groups) + other.within(two, others)
    sums = _kernel_sums(one, two, groups, others)
    between = np.einsum("bg,gh,bh->b", own.drawn, sums, other.drawn, optimize=True)
    values -= 2 * between / (own.totals * other.totals)
    return KernelDistance(float(values[0]), float(np.nanstd(values[1:], ddof=1)))


@dataclass(frozen=True)
class _Weights:
    """How often each group counts: once in the first row, as drawn in the others."""

    drawn: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @classmethod
    def of(cls, groups: NDArray[np.intp], draws: int, rng: np.random.Generator) -> _Weights:
        sizes = np.bincount(groups).astype(np.float64)
        count = len(sizes)
        drawn = rng.multinomial(count, np.full(count, 1 / count), draws)
        return cls(np.concatenate([np.ones((1, count)), drawn]), sizes)

    @property
    def totals(self) -> NDArray[np.float64]:
        """Examples of each row."""
        return self.drawn @ self.sizes

    def within(self, x: NDArray[np.float64], groups: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the mean kernel of two different examples; NaN where one alone was drawn."""
        squares = self.drawn**2
        alone = np.bincount(groups, ((x**2).sum(axis=1) / x.shape[1] + 1) ** 3)
        sums = _kernel_sums(x, x, groups, groups)
        total = ((self.drawn @ sums) * self.drawn).sum(axis=1) - squares @ alone
        pairs = self.totals**2 - squares @ self.sizes
        means = np.full(len(pairs), np.nan)
        np.divide(total, pairs, out=means, where=pairs > 0)
        return means


def _kernel_sums(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    groups: NDArray[np.intp],
    others: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return the kernel summed over the pairs of each two groups, shape (groups, others)."""
    sums = np.zeros((groups.max() + 1, others.max() + 1))
    # Rows lie in order of their groups, so each group is a slice.
    edges = np.searchsorted(others, np.arange(others.max() + 1))
    for start in range(0, len(first), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        kernel = (first[rows] @ second.T / first.shape[1] + 1) ** 3
        np.add.at(sums, groups[rows], np.add.reduceat(kernel, edges, axis=1))
    return sums


def _numbered(
    x: Floats, groups: NDArray[np.int64] | None
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return examples in order of their groups, and these numbered from 0."""
    rows = order_of(x)
    if groups is None:
        return x[rows].astype(np.float64), np.arange(len(x))
    names, numbers = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise GeneratorError("all examples of a set are of one group; a distance needs two groups")
    rows = rows[np.argsort(numbers[rows], kind="stable")]
    return x[rows].astype(np.float64), numbers[rows]


def _refuse_unfit(first: Floats, second: Floats) -> None:
    for each in (first, second):
        if each.ndim != 2 or len(each) < 2:
            raise GeneratorError(
                f"features of the shape {each.shape} have no distribution; two vectors are needed "
                "at least, shape (examples, features)"
            )
        refuse_not_finite(each)
    if first.shape[1] != second.shape[1]:
        raise GeneratorError(
            f"vectors of {first.shape[1]} features cannot be compared with ones of "
            f"{second.shape[1]}"
        )
