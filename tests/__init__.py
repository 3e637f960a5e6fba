"""What the whole of the desk promises. Tests of one room live beside that room."""
