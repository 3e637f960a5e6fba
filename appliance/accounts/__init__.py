"""People, roles and customers; log-in and registration."""
