"""Tickets, their messages, categories and events."""
