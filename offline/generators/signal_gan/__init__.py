"""The conditional GAN of the signal itself, in its parts."""
