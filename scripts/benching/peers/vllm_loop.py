"""vLLM alone, by its own offline call; a program for its environment: `vllm_loop.py MODEL SEQUENCES`."""

import json
import sys
import time
from typing import Any

from PIL import Image
from vllm import LLM, SamplingParams


def main() -> None:
    """Answer line after line, as scripts/benching/loops.py says."""
    model, sequences = sys.argv[1:]
    llm = LLM(
        model,
        dtype="float32",
        max_model_len=1024,
        max_num_seqs=int(sequences),
        mm_processor_cache_gb=0,
        limit_mm_per_prompt={"image": 1, "video": 0},
    )
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(llm, json.loads(line))), flush=True)


def answer(llm: LLM, tasks: list[dict[str, Any]]) -> dict[str, float]:
    """All of them at once; it takes as many together as it may."""
    began_s = time.perf_counter()
    asked = [
        SamplingParams(temperature=0, max_tokens=task["tokens"], ignore_eos=True, detokenize=True)
        for task in tasks
    ]
    said = llm.chat([_messages(task) for task in tasks], asked, use_tqdm=False)
    tokens = sum(len(one.outputs[0].token_ids) for one in said)
    return {"seconds": time.perf_counter() - began_s, "tokens": tokens}


def _messages(task: dict[str, Any]) -> list[Any]:
    image = {"type": "image_pil", "image_pil": Image.open(task["file"]).convert("RGB")}
    return [{"role": "user", "content": [image, {"type": "text", "text": task["question"]}]}]


if __name__ == "__main__":
    main()
