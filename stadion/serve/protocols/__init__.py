"""Wire protocols: each one turns HTTP calls into requests and predictions into replies."""
