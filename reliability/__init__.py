"""What the server promises under load and faults, shown: python -m reliability [SCENARIO...]."""
