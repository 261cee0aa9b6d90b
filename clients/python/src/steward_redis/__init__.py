"""Tasks, cron, workflows and leader election on Redis or Valkey with the module steward."""

from .app import Steward
from .errors import (
    BadPayload,
    Cancelled,
    Drop,
    Duplicate,
    Fenced,
    Interrupted,
    LeadLost,
    Lost,
    NoMember,
    NoTask,
    NotAllowed,
    NotKept,
    QueueFull,
    ResultTimeout,
    Retry,
    ServerError,
    Stale,
    StewardError,
    Stopping,
    TaskFailed,
    TimeLimit,
    TooBig,
    Unencodable,
    UnknownKind,
    Unreachable,
)
from .flow import Flow
from .job import Job, Outcome, State
from .members import Lead
from .options import Options
from .queue import Event, Queue
from .running import Run, current
from .task import Signature, Task
from .worker import Worker

__all__ = [
    "BadPayload",
    "Cancelled",
    "Drop",
    "Duplicate",
    "Event",
    "Fenced",
    "Flow",
    "Interrupted",
    "Job",
    "Lead",
    "LeadLost",
    "Lost",
    "NoMember",
    "NoTask",
    "NotAllowed",
    "NotKept",
    "Options",
    "Outcome",
    "Queue",
    "QueueFull",
    "ResultTimeout",
    "Retry",
    "Run",
    "ServerError",
    "Signature",
    "Stale",
    "State",
    "Steward",
    "StewardError",
    "Stopping",
    "Task",
    "TaskFailed",
    "TimeLimit",
    "TooBig",
    "Unencodable",
    "UnknownKind",
    "Unreachable",
    "Worker",
    "current",
]
