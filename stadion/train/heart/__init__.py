"""What the learners of heart-rate curves share: filtered demand, and one heart's way to answer."""
