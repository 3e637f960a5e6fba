"""Articles that answer tickets."""
