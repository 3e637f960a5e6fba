"""Errors, the base page, cache and text: what every room may use."""
