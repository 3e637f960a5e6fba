"""Text in, values out: runs the three ONNX bundles on the CPU. No Django, no sockets, no torch."""

import os

# ONNX Runtime 1.31 reports to its maker, from C++, where no fence of Python sees it, and whatever
# disable_telemetry_events says. It reads this when it is loaded, and this file runs before that.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
