"""The processor that a time was measured on: its fastest instructions for int8."""

import platform
from pathlib import Path

# Flags of /proc/cpuinfo, fastest first. With VNNI (and Arm's dot product) an int8 model takes about
# a third of the time that it takes with AVX2 alone.
INSTRUCTION_SETS = (
    "amx_int8",
    "avx512_vnni",
    "avx_vnni",
    "avx512bw",
    "avx2",
    "avx",
    "i8mm",
    "asimddp",
    "asimd",
)


def instruction_set(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the name of the fastest set that the processor states, else its architecture."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine() or "unknown processor"
    flags = {
        flag
        for line in lines
        if line.partition(":")[0].strip().lower() in {"flags", "features"}
        for flag in line.partition(":")[2].split()
    }
    return next((name for name in INSTRUCTION_SETS if name in flags), platform.machine())
