"""What generated EEG is worth: how far it is from real EEG, and what it is good for."""
