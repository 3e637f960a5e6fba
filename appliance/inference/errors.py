"""What can go wrong with a bundle. Who catches ``InferenceError`` keeps the desk working."""


class InferenceError(Exception):
    """The family: a text could not be read by a bundle."""


class BundleMissingError(InferenceError):
    """There is no models folder, no such bundle, or no active entry for the role."""


class BundleRefusedError(InferenceError):
    """A bundle is there but must not be used; the text names it, the reason and the remedy."""
