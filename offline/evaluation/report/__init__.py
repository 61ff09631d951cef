"""What a person sees of an evaluation: the metrics file and the report."""
