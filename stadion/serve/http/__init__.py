"""HTTP/1.1 in, replies out: parsing, limits, time-outs, order and draining."""
