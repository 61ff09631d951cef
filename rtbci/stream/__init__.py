"""LSL in: finding a stream, reading its description, pulling its samples."""
