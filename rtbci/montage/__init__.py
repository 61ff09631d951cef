"""Electrodes: their names, positions, units and places on a grid."""
