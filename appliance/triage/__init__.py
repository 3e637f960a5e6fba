"""Predictions for tickets, vectors of tickets and articles, suggestions and knowledge gaps."""
