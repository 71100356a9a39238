"""What is measured, a file a work; each is imported only when it is to be measured.

work         what a work is
overhead     W1: a folder of images to its CSV, beside the engine alone
serving      W2: a mid-size model over HTTP, beside its loop alone
interactive  W4: single questions behind bulk
submit       W5: photos by `eva01 submit`
million      W6: a batch of a million jobs
start        W7: from a process's start to its first answer
backlog      W8: what a job costs behind a thousand others, and behind a million
reading      W9: `ocr` beside RapidOCR alone
workers      W10: workers that sleep, beside the ideal
"""

#: Numbers of sequences that vLLM may have at once, each of which is a work of its own.
SEQUENCES = (8, 16, 32, 64, 128, 256)
_VLLM = [f"W3.{kind}-{sequences}" for kind in ("vllm-loop", "vllm-serve") for sequences in SEQUENCES]
_VLLM += ["W3.vllm-within"]
#: Servers of others, which all answer requests for chat completions.
_SERVERS = [f"W3.{name}" for name in ("transformers", "litserve", "ray", "bentoml", "llama")]
#: Where each work is, in the order of the table.
WORKS = {
    "W1": "scripts.benching.works.overhead",
    "W2": "scripts.benching.works.serving",
    **dict.fromkeys(_VLLM, "scripts.benching.peers.vllm"),
    **dict.fromkeys(_SERVERS, "scripts.benching.peers.servers"),
    "W3.celery": "scripts.benching.peers.celery",
    "W4": "scripts.benching.works.interactive",
    "W5": "scripts.benching.works.submit",
    "W6": "scripts.benching.works.million",
    "W7": "scripts.benching.works.start",
    "W8": "scripts.benching.works.backlog",
    "W9": "scripts.benching.works.reading",
    "W10": "scripts.benching.works.workers",
}
