"""Speed and memory of reading files, each beside the open reader that people use for it now."""
