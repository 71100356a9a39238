"""What a model is told where something was asked: the words around each question that its file has."""

from jobs.contract.asking.chat import surrounded
from jobs.contract.catalog import QUESTION
from jobs.contract.models import Job, Options


def told(prompt: str, job: Job) -> tuple[str, Options]:
    """A job's question with `prompt` around it, and its options; in a chat that is what is asked last.

    The job's record keeps what was asked.
    """
    if prompt == QUESTION:
        return job.question, job.options
    before, _, after = prompt.partition(QUESTION)
    chat = job.options.chat and surrounded(job.options.chat, before, after)
    return f"{before}{job.question}{after}", job.options.model_copy(update={"chat": chat})
