"""Errors, HTTP, cache, locks, forms and text: shared by all rooms."""
