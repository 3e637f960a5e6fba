"""Text in, predictions out: runs three ONNX bundles on the CPU, without Django or a network."""

import os

# ONNX Runtime 1.31 sends telemetry from C++, where no Python audit hook sees it, and ignores
# disable_telemetry_events. It reads this variable when it is loaded, which is after this line.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
