"""Gains that change smoothly in time, and how the signal path sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from replay.bands import impulse_responses
from rtbci.signal.path import SignalPath

REACH = 3
"""Knots whose spline reaches into a stretch from its past."""

_DAMPING = 2.0  # relative to the mean of what is damped
_LEAST = 1e-9


@dataclass(frozen=True)
class Splines:
    """Cubic B-splines on a grid of knots: smooth to the second derivative.

    Attributes
    ----------
    spacing : int
        Samples from one knot to the next. The stretch from knot k to the next depends on the
        coefficients k to k + 3, and stays between the least and the greatest of them.
    """

    spacing: int

    def basis(self) -> NDArray[np.float32]:
        """Return what the four splines of a stretch are in it, shape (4, spacing)."""
        u = np.arange(self.spacing) / self.spacing
        pieces = [(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]
        return (np.stack(pieces) / 6).astype(np.float32)

    def knots(self, n_samples: int) -> int:
        """Return how many coefficients so many samples from a knot on depend on."""
        return -(-n_samples // self.spacing) + REACH

    def curve(self, coefficients: NDArray[np.float32], n_samples: int) -> NDArray[np.float32]:
        """Return the curve, shape (..., samples), of coefficients (..., knots)."""
        fours = np.lib.stride_tricks.sliding_window_view(coefficients, REACH + 1, axis=-1)
        drawn: NDArray[np.float32] = fours @ self.basis()
        return drawn.reshape(*coefficients.shape[:-1], -1)[..., :n_samples]

    def stretched(self, coefficients: NDArray[np.float32], n_samples: int) -> NDArray[np.float32]:
        """Return coefficients (..., knots) for so many samples, the last one going on."""
        wanted, there = self.knots(n_samples), coefficients.shape[-1]
        last = coefficients[..., -1:] if there else np.zeros((*coefficients.shape[:-1], 1))
        more = np.repeat(last, max(wanted - there, 0), axis=-1).astype(np.float32)
        return np.concatenate([coefficients, more], axis=-1)[..., :wanted]

    def matrix(self, n_samples: int) -> NDArray[np.float32]:
        """Return each knot's spline, shape (samples, knots)."""
        return self.curve(np.eye(self.knots(n_samples), dtype=np.float32), n_samples).T


@dataclass(frozen=True)
class Sight:
    r"""What the windows of a signal path see of a band's logarithmic gain.

    A noise of variance :math:`\sigma^2(t)` leaves a filter :math:`h` with the variance
    :math:`\sum_\tau h^2(\tau) \sigma^2(t - \tau)`, and a window averages that. So a window's DE
    follows a small change of the logarithmic gain by its mean, weighted by the window's box
    convolved with :math:`h^2`. That is exact for noise alone; what is left is found by looking.

    Attributes
    ----------
    splines : Splines
        Where gains can change.
    spread : tuple of array, one a band, shape (samples,)
        :math:`h^2` of each band's filter, of sum 1.
    window : int
        Length in samples.
    """

    splines: Splines
    spread: tuple[NDArray[np.float64], ...]
    window: int

    @classmethod
    def of(cls, path: SignalPath) -> Sight:
        """Return what a signal path sees of gains as fine as its windows can tell apart."""
        spacing = max(path.hop, path.window // 4)
        spread = []
        for response in impulse_responses(path.recipe, path.sfreq):
            power = response**2
            share = np.cumsum(power) / power.sum()
            kept = power[: int(np.searchsorted(share, 0.999)) + 1]
            spread.append(kept / kept.sum())
        return cls(Splines(spacing), tuple(spread), path.window)

    @property
    def memory(self) -> int:
        """Samples over which a change of gain is seen."""
        return self.window + max(len(each) for each in self.spread)

    def view(self, last: NDArray[np.int64], n_samples: int) -> NDArray[np.float64]:
        """Return by how much each window's DE follows each coefficient.

        Parameters
        ----------
        last : array of int, shape (hops,)
            Last sample of each window, counted from the first knot; windows may begin before it.
        n_samples : int
            Samples from the first knot on.

        Returns
        -------
        array, shape (bands, hops, knots)
        """
        drawn = self.splines.matrix(n_samples).astype(np.float64)
        views = np.empty((len(self.spread), len(last), drawn.shape[1]))
        for view, spread in zip(views, self.spread, strict=True):
            passed = scipy.signal.fftconvolve(drawn, spread[:, None], axes=0)[:n_samples]
            total = np.concatenate([np.zeros((1, drawn.shape[1])), np.cumsum(passed, axis=0)])
            first = np.maximum(last + 1 - self.window, 0)
            view[:] = (total[last + 1] - total[first]) / self.window
        return views

    def correction(
        self, last: NDArray[np.int64], n_samples: int, fixed: int
    ) -> NDArray[np.float32]:
        """Return how to correct coefficients by what windows measured amiss.

        Damped least squares: what windows can hardly tell apart is hardly changed. Without damping
        gains would run wild between windows, and with little of it take up much noise.

        Parameters
        ----------
        last, n_samples
            As of :meth:`view`.
        fixed : int
            How many of the first coefficients are no longer to be changed.

        Returns
        -------
        array, shape (bands, knots, hops)
            Change of each coefficient by each window's error in nats.
        """
        views = self.view(last, n_samples)
        found = np.zeros((len(views), views.shape[2], len(last)), np.float32)
        for view, change in zip(views, found, strict=True):
            free = view[:, fixed:]
            square = free.T @ free
            damping = max(_DAMPING * np.trace(square) / len(square), _LEAST)
            change[fixed:] = np.linalg.solve(square + damping * np.eye(len(square)), free.T)
        return found
