"""Activities in, a training set out: one file is one question that sport asks."""
