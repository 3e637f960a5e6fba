"""The publisher's side of model updates: keys, and the repository that travels on a stick."""
