"""Steps that are recorded once and run again, so that Python does not start each of their kernels anew.

inputs     what differs from one step to the next, always in the same place of memory
recording  how a step is recorded: as a CUDA graph, or plainly, where there is no such device
agreement  whether two steps say the same, but for rounding
steps      which step is recorded, when it is trusted, and when it is recorded no more
"""
