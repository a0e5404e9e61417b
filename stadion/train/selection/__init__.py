"""Learners and a training set in, which of them answers best out."""
