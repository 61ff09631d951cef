"""Data sets and single recordings, all as :class:`~offline.datasets.recording.Recording`."""
