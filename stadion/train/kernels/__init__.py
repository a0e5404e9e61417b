"""Series in, features of fixed convolution kernels and a linear model on them out."""
