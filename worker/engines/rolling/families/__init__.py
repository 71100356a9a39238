"""What differs between the families of models that roll: how an image is seen, and where it enters a prompt.

family     what a family has to say
grids      images as grids of patches, whose tokens have a row and a column: Qwen2-VL, Qwen2.5-VL, GLM-4V
deepstack  grids that enter the decoder's first layers as well: Qwen3-VL
tiles      images in tiles of one size: InternVL, LLaVA
nested     the same in a list for each job: Idefics3, SmolVLM
mutual     the same, attending to one another in both directions: Gemma 3
anyres     images of any resolution, packed row by row: LLaVA-NeXT, LLaVA-OneVision
known      the family of a model
"""
