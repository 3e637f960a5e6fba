"""Drift: whether predictions and tickets of a month still resemble those of a reference month."""
