"""How well recognisers do, scored as live: protocols, folds, controls, metrics, reports."""
