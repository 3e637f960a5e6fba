"""The publisher's side of model updates: keys and the repository on removable media."""
