"""Words, typos and meaning in one ranked list, scoped to the viewer."""
