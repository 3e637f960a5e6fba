"""What the language models said of tickets and articles, and the evidence for it."""
