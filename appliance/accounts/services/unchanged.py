"""The default of an argument that leaves a field as it is, where None is a value."""

from typing import Final

UNCHANGED: Final = object()
