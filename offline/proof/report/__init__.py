"""What a person sees of a proof: the report, and how generators' training went."""
