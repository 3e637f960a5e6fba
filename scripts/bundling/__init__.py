"""The parts of build_bundle.py."""
