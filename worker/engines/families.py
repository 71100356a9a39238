"""The families of models that are known by name, by `model_type` of their config.json. Imports nothing.

Any other family is prepared by its own processor; which ones roll says rolling/families/known.py.
"""

#: What is prepared whole in each job's own thread: the tensors of a job are the same in all of them.
QWEN = ("qwen2_vl", "qwen2_5_vl")
