"""Text in, values out: runs the three ONNX bundles on the CPU. No Django, no sockets, no torch."""
