"""Signed model updates: verified, tried, compared, swapped, watched, and taken back."""
