"""JobStore: every read, write and change of state that both sides may make.

Each change of a job's state is one Lua script, which also updates its batch's counters: readers never
see one without the other, and a change that no longer applies changes nothing. So a job that runs
twice is counted once, and its first answer stays.

    queued ──take──► running ──finish──► succeeded | failed
       │  ▲              │ │                            │
       │  ├─give_back────┤ │                            │
       │  └─take_back────┘ │                            │
       │  ▲                │                            │
       └──┼────cancel──────┴──► cancelled               │
          └────────────────────retry────────────────────┘

Which queued job is next is decided when a worker takes one: single jobs before those of batches, and
batches in turns. The worker brings a ticket, the message that it holds; the running job is bound to it, so
that whoever gets the ticket after a crash knows which job it stands for.
"""

from jobs.storage.store.adoptions import Adoptions
from jobs.storage.store.batches import Batches
from jobs.storage.store.jobs import Jobs
from jobs.storage.store.removals import Removals
from jobs.storage.store.results import Results


class JobStore(Batches, Jobs, Results, Removals, Adoptions):
    """Jobs and batches in Redis.

    `clock` gives the time now in Unix seconds. Every method raises redis.RedisError when Redis is away.
    """
