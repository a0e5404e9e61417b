"""A training set in, a model out: one file is one learner."""
