"""What build_bundle.py is made of."""
