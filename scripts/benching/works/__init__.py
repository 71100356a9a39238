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

#: Where each work is, in the order of the table.
WORKS = {
    "W1": "scripts.benching.works.overhead",
    "W2": "scripts.benching.works.serving",
    "W4": "scripts.benching.works.interactive",
    "W5": "scripts.benching.works.submit",
    "W6": "scripts.benching.works.million",
    "W7": "scripts.benching.works.start",
    "W8": "scripts.benching.works.backlog",
    "W9": "scripts.benching.works.reading",
    "W10": "scripts.benching.works.workers",
}
