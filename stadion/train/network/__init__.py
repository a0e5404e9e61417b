"""What the learners of neural networks share: the front, the heads, the loop, the graph."""
