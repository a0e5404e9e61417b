"""The graphics cards of this machine in, their load, memory, power and energy out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stadion.core.metric import Family, labels

__all__ = ["GpuReader"]


class GpuReader:
    """Reads what the driver's management library (NVML) tells; nothing where there is none.

    The names are Triton's. A card that does not tell a figure is left out of that figure.
    """

    def __init__(self) -> None:
        self._nvml = _opened()

    def read(self) -> list[Family]:
        """The figures of all cards at this moment."""
        nvml = self._nvml
        if nvml is None:
            return []
        figures = _figures(nvml)
        try:
            for index in range(nvml.nvmlDeviceGetCount()):
                card = nvml.nvmlDeviceGetHandleByIndex(index)
                text = labels(gpu_uuid=_text(nvml.nvmlDeviceGetUUID(card)))
                for family, read in figures:
                    _add(nvml, family, text, read, card)
        except nvml.NVMLError:
            return []  # the driver is being replaced: the next reading tries again
        return [family for family, _ in figures]


def _opened() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _figures(nvml: Any) -> list[tuple[Family, Callable[[Any], float]]]:
    """Each metric and how one card tells it; the library counts in percent, mW and mJ."""
    return [
        (
            Family("nv_gpu_utilization", "gauge", "Share of the last moments a kernel ran, 0-1."),
            lambda card: nvml.nvmlDeviceGetUtilizationRates(card).gpu / 100,
        ),
        (
            Family("nv_gpu_memory_total_bytes", "gauge", "Memory of the card."),
            lambda card: nvml.nvmlDeviceGetMemoryInfo(card).total,
        ),
        (
            Family("nv_gpu_memory_used_bytes", "gauge", "Memory of the card that is in use."),
            lambda card: nvml.nvmlDeviceGetMemoryInfo(card).used,
        ),
        (
            Family("nv_gpu_power_usage", "gauge", "Power drawn, in watts."),
            lambda card: nvml.nvmlDeviceGetPowerUsage(card) / 1e3,
        ),
        (
            Family("nv_energy_consumption", "counter", "Joules since the driver was loaded."),
            lambda card: nvml.nvmlDeviceGetTotalEnergyConsumption(card) / 1e3,
        ),
    ]


def _add(
    nvml: Any, family: Family, label_text: str, read: Callable[[Any], float], card: Any
) -> None:
    try:
        family.add(label_text, read(card))
    except nvml.NVMLError:
        return


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
