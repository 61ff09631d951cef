"""A simulated head: endless EEG with emotions, for any montage and sampling rate."""
