"""Requests in, predictions out.

`run_server` keeps a set of worker processes answering on one port; `PlaneClient` changes what
they serve; `trial_load` tries a package in a throwaway process.
"""

from stadion.serve.config import Limits, ServeConfig, ServerInfo
from stadion.serve.plane_client import PlaneClient
from stadion.serve.supervisor import run_server
from stadion.serve.trial import TrialReport, trial_load

__all__ = [
    "Limits",
    "PlaneClient",
    "ServeConfig",
    "ServerInfo",
    "TrialReport",
    "run_server",
    "trial_load",
]
