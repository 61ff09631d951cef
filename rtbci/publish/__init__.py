"""Predictions out: the wire format, the ZeroMQ publisher, the LSL outlet and the client."""
