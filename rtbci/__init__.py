"""Real-time EEG emotion recognition: LSL in, one causal signal path, TorchScript, ZeroMQ out."""

__version__ = "0.1.0"
