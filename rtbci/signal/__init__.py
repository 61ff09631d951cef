"""The signal path: samples in, maps of each band out, the same live and offline."""
