"""Signed model updates: verify, sandbox, evaluate, activate, monitor and roll back bundles."""
