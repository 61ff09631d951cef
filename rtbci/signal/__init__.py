"""The signal path: samples in, differential-entropy maps out, the same live and offline."""
