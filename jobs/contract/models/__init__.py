"""What a job and a batch are, and what they are made of.

ids      ids, and whose something is
times    now, and ends of days
options  how a job is to be answered
asked    what is asked
result   what was said
job      what a job is
batch    what a batch is
worker   what a worker says of itself
"""

from jobs.contract.models.asked import Asked as Asked
from jobs.contract.models.batch import FLEETING_BATCH as FLEETING_BATCH
from jobs.contract.models.batch import Batch as Batch
from jobs.contract.models.batch import BatchState as BatchState
from jobs.contract.models.batch import Mark as Mark
from jobs.contract.models.batch import Timeline as Timeline
from jobs.contract.models.batch import Verb as Verb
from jobs.contract.models.ids import ID_PATTERN as ID_PATTERN
from jobs.contract.models.ids import OWNER_PATTERN as OWNER_PATTERN
from jobs.contract.models.ids import SHA256_PATTERN as SHA256_PATTERN
from jobs.contract.models.ids import BatchId as BatchId
from jobs.contract.models.ids import JobId as JobId
from jobs.contract.models.ids import Owner as Owner
from jobs.contract.models.ids import made_at as made_at
from jobs.contract.models.ids import new_id as new_id
from jobs.contract.models.ids import time_in as time_in
from jobs.contract.models.job import PUBLIC_JOB as PUBLIC_JOB
from jobs.contract.models.job import Fleeting as Fleeting
from jobs.contract.models.job import Job as Job
from jobs.contract.models.job import JobState as JobState
from jobs.contract.models.options import SAMPLING as SAMPLING
from jobs.contract.models.options import Options as Options
from jobs.contract.models.result import FinishReason as FinishReason
from jobs.contract.models.result import JobError as JobError
from jobs.contract.models.result import Look as Look
from jobs.contract.models.result import Note as Note
from jobs.contract.models.result import Result as Result
from jobs.contract.models.result import Usage as Usage
from jobs.contract.models.times import end_of as end_of
from jobs.contract.models.times import utc_now as utc_now
from jobs.contract.models.worker import WorkerInfo as WorkerInfo
from jobs.contract.models.worker import WorkerState as WorkerState
