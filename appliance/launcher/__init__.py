"""The parts of launcher.py. Standard library only: it runs before anything is installed."""
