"""Everything that makes a model: data sets, features, splits, networks, training."""
