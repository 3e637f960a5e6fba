"""Thin views: parse, authorise, delegate, render."""
