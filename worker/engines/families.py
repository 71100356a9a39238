"""The families of models that are known by name, by `model_type` of their config.json. Imports nothing.

Any other family is prepared by its own processor; which ones roll says rolling/families/known.py.
"""

#: Those whose sizes of images are pixels of all frames together, of which one image is two.
GLM = ("glm4v",)
#: What is prepared whole in each job's own thread: the tensors of a job are made alike in all of them.
GRIDS = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", *GLM)
#: Of those, what vLLM has been tried with.
TRIED_WITH_VLLM = ("qwen2_vl", "qwen2_5_vl")
