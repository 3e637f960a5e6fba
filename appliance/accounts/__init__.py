"""Users, roles, teams, customers and organisations; log-in and registration."""
