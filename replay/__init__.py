"""The virtual headset: recordings and simulated EEG, streamed over LSL as an amplifier would."""
