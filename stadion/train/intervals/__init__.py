"""A model and its answers to rows it had not seen in, the same model with intervals out."""
