"""Images and questions made tensors, ahead of the device and in any thread.

processors     what an engine asks of a processor; Qwen2.5-VL's
any_processor  the same by a model's own processor, of any family
image_only     that processor without its part for videos
cutting        the same on the device: scaled, made numbers and cut
bicubic        Pillow's scaling, on any device
tiling         how many tiles it may cut an image into
joining        the input of several jobs, from each one's
templates      a model's chat template, and what it leaves out
no_chats       families that are not asked by chats, and what to ask in their place
"""
