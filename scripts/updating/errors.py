class PublishingError(ValueError):
    """One sentence for whoever makes updates: what is wrong, and what to do."""
