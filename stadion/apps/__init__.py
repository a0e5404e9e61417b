"""The faces: command line and control REST."""
