"""Networks on DE grids."""
