"""Models: the file that carries network and recipe, and the recogniser that runs it."""
