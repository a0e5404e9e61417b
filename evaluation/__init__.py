"""Accuracy on real data sets, beside baselines and published figures: python -m evaluation."""
