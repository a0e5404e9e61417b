"""Activities kept, found again and erased."""
