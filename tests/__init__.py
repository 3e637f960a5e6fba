"""Tests of the whole product. The tests of a room are in its ``tests`` folder."""
