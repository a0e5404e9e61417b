"""Runtimes: each one opens one kind of model file and runs it."""
