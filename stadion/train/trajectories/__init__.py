"""Where players have been in; where they may go, how fast and which way, out."""
