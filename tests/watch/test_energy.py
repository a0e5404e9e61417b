"""What a span of work took, and whether it was counted or estimated."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stadion.watch.energy import WATTS_PER_CORE, Energy, EnergySpan

CARDS = Path(__file__).parents[1] / "apps" / "nvml.c"


def zone(root: Path, folder: str, name: str, used_j: float) -> None:
    path = root / "sys/class/powercap" / folder
    path.mkdir(parents=True, exist_ok=True)
    (path / "name").write_text(f"{name}\n")
    (path / "energy_uj").write_text(f"{round(used_j * 1e6)}\n")
    (path / "max_energy_range_uj").write_text("100000000\n")


def busy(processor_s: float) -> None:
    end = time.process_time() + processor_s
    while time.process_time() < end:
        sum(range(1_000))


def spent(root: Path, work: object) -> Energy:
    with EnergySpan(root) as span:
        work()  # type: ignore[operator]
    return span.energy


def test_a_busy_second_costs_more_than_a_sleeping_one(tmp_path: Path) -> None:
    asleep = spent(tmp_path, lambda: time.sleep(1))
    at_work = spent(tmp_path, lambda: busy(1))
    assert at_work.joules == pytest.approx(WATTS_PER_CORE, rel=0.1)
    assert asleep.joules < 0.1 * at_work.joules
    for told in (asleep, at_work):
        assert "estimated" in told.how
        assert "12 W per core" in told.how


def test_programs_that_it_started_count(tmp_path: Path) -> None:
    code = "import time\nwhile time.process_time() < 0.5: pass"
    told = spent(tmp_path, lambda: subprocess.run([sys.executable, "-c", code], check=True))
    assert told.joules > 0.4 * WATTS_PER_CORE


def test_the_processors_own_counters_are_taken_where_they_are(tmp_path: Path) -> None:
    def read(package: float, memory: float) -> None:
        zone(tmp_path, "intel-rapl:0", "package-0", package)
        zone(tmp_path, "intel-rapl:0:0", "core", package)  # a part of the package
        zone(tmp_path, "intel-rapl:0:1", "dram", memory)
        zone(tmp_path, "intel-rapl-mmio:0", "package-0", package)  # the package once more
        zone(tmp_path, "intel-rapl:1", "psys", 2 * package)  # all of it and more

    read(50, 7)
    with EnergySpan(tmp_path) as span:
        read(90, 8)
        assert span.energy.joules == pytest.approx(41)
        read(20, 9)  # the counter began anew at 100 J
        assert span.energy.joules == pytest.approx(72)
    read(60, 10)
    assert span.energy.joules == pytest.approx(72)  # what comes later is not the work's
    assert span.energy.how.startswith("RAPL counters")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_counters_that_this_user_may_not_read_are_no_counters(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").chmod(0)
    assert "estimated" in spent(tmp_path, lambda: None).how


def test_a_card_counts_by_its_watts_where_it_has_no_counter(tmp_path: Path) -> None:
    """Through nvidia-ml-py itself; in place of the driver's library stands a small one in C."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the library with")
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, CARDS], check=True, timeout=60)
    program = (
        "import time\n"
        "from stadion.watch.energy import EnergySpan\n"
        "with EnergySpan() as span:\n"
        "    began = time.monotonic()\n"
        "    time.sleep(0.4)\n"
        "print(span.energy.joules / (time.monotonic() - began), span.energy.how)\n"
    )
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    watts, how = told.split(maxsplit=1)
    assert float(watts) == pytest.approx(71.5, rel=0.2)
    assert "NVML" in how


def test_an_error_in_the_work_leaves_the_span_closed(tmp_path: Path) -> None:
    span = EnergySpan(tmp_path)
    with pytest.raises(RuntimeError, match="the work"), span:
        raise RuntimeError("the work failed")
    told = span.energy
    busy(0.2)
    assert span.energy == told
