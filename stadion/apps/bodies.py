"""What clients send to the control REST: typed, bounded, unknown fields refused."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AliasBody",
    "DeployBody",
    "EditBody",
    "JoinBody",
    "KeyBody",
    "ProfileBody",
    "TrainBody",
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EditBody(_Body):
    """What is to be said of a recording; what is not named stays."""

    title: str | None = Field(None, max_length=200)
    sport: str | None = Field(None, max_length=64)
    sub_sport: str | None = Field(None, max_length=64)
    athlete: str | None = Field(None, max_length=64)
    laps: list[dict[str, Any]] | None = Field(
        None, max_length=10_000, description="start_s, end_s; also kind, label and values"
    )


class JoinBody(_Body):
    """Recordings of one workout."""

    ids: list[str] = Field(min_length=2, max_length=16)


class ProfileBody(_Body):
    """What holds of an athlete from a day on; what is not named stays as it was."""

    day: date | None = Field(None, description="today where none is given")
    birth_year: float | None = None
    sex: str | None = Field(None, max_length=16)
    height_m: float | None = None
    mass_kg: float | None = None
    hr_max_bpm: float | None = None
    hr_rest_bpm: float | None = None
    hr_threshold_bpm: float | None = None
    ftp_w: float | None = None
    cp_w: float | None = None
    w_prime_j: float | None = None
    threshold_speed_mps: float | None = None
    swim_threshold_speed_mps: float | None = None


class SearchBody(_Body):
    """How settings are searched; see `stadion tune --help`."""

    trials: int | None = Field(None, ge=1, le=100_000)
    minutes: float | None = Field(None, ge=0.01, le=100_000)
    space: dict[str, str] = Field(
        default_factory=dict, max_length=64, description="learner setting -> low:high[:log]"
    )
    workers: int = Field(1, ge=1, le=256)
    outer: int = Field(1, ge=0, le=20)
    pruner: Literal["median", "hyperband", "none"] = "median"
    sampler: Literal["tpe", "random"] = "tpe"


class TrainBody(_Body):
    """An order for a training on the archive's recordings."""

    task: str = Field(max_length=64)
    learner: str = Field("auto", max_length=64)
    name: str = Field("", max_length=64)
    settings: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, max_length=64
    )
    seed: int = Field(0, ge=0, lt=2**31)
    folds: int = Field(5, ge=1, le=100)
    engine: str = Field("local", max_length=64)
    grid: dict[str, list[str | int | float | bool]] = Field(
        default_factory=dict, max_length=16, description="learner setting -> values to try"
    )
    search: SearchBody | None = Field(
        None, description="searches instead of trying every combination of the grid"
    )
    licence: str = Field("", max_length=200, description="of the data, for the model's card")


class DeployBody(_Body):
    """Which version is to answer; the newest when none is named."""

    version: int | None = Field(None, ge=1)
    alias: str | None = Field(None, max_length=64)
    canary: float | None = Field(None, gt=0, lt=100, description="percent of the requests")
    shadow: bool = False
    segment: str = Field("", max_length=200, description="NAME=VALUE of a request parameter")
    pinned: bool | None = Field(None, description="stays in memory; null leaves it as it is")


class AliasBody(_Body):
    """The version an alias is to mean."""

    version: int = Field(ge=1)


class KeyBody(_Body):
    """Who a new API key is for, and what it may do."""

    name: str = Field(max_length=64)
    scopes: list[str] = Field(["predict"], max_length=8, description="predict, control")
    models: list[str] = Field(
        default_factory=list, max_length=256, description="the only models it may ask"
    )
    expires_days: float | None = Field(None, gt=0, le=36_500)
    per_second: float | None = Field(None, gt=0, le=1e6)
    burst: int | None = Field(None, ge=1, le=1_048_576)
    at_once: int | None = Field(None, ge=1, le=1_048_576)
