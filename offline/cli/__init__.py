"""Commands of the offline part."""
