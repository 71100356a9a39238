"""Prompts of vLLM that have in common what was read and seen with those of their owner alone."""

from typing import Any


def owned(prompt: Any, owner: str | None) -> Any:
    """A prompt of an owner; where there are no owners it is as it was.

    vLLM keeps what was read by its tokens, and what was seen by the images' digests, so both are the owner's:
    nobody learns by the time that an answer takes what others ask.
    """
    if owner is None:
        return prompt
    images = [f"{owner}:{digest}" for digest in prompt["mm_hashes"]["image"]]
    return {**prompt, "cache_salt": owner, "mm_hashes": {"image": images}}
