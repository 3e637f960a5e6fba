"""Vectors of texts, and how near two texts are."""

from collections import OrderedDict
from threading import Lock

import numpy as np

from appliance.inference.session import Reader


def unit(vector: np.ndarray) -> np.ndarray:
    """Scale vectors to unit length, float32; a zero vector stays zero."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype(np.float32)


class VectorCache:
    """The latest vectors by text: a ticket is embedded once for its category and its search."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._vectors: OrderedDict[tuple[str, str], np.ndarray] = OrderedDict()
        self._lock = Lock()

    def embed(self, reader: Reader, text: str) -> np.ndarray:
        """float32 (dims,), unit length, read-only because it is shared."""
        key = (reader.bundle.ref.digest, text)
        with self._lock:
            if key in self._vectors:
                self._vectors.move_to_end(key)
                return self._vectors[key]
        vector = unit(reader.run(text))
        vector.flags.writeable = False
        with self._lock:
            self._vectors[key] = vector
            while len(self._vectors) > self._most:
                self._vectors.popitem(last=False)
        return vector
