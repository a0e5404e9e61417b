"""Speed of serving beside a well-known way to serve, in one run: python -m benchmark."""
