"""The live system: one stream in, one prediction a hop out."""
