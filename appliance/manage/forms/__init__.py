"""Shape and types of what admins type; what is allowed is decided in services."""
