"""What the runs of one row come to: medians of the runs that nobody disturbed."""

import statistics
from dataclasses import dataclass

from measure import Run

# Other work on the machine, in cores, from which on a run is left out of the medians.
NOISE_CORES = 0.25


@dataclass
class Sample:
    """One run, what server and path spent on it, and what was wrong with its result."""

    run: Run
    server_cpu: float
    path_cpu: float
    problem: str | None

    def others(self) -> float:
        """Cores that neither client nor server nor path used while the run lasted."""
        rest = self.run.machine_cpu - self.run.cpu - self.server_cpu - self.path_cpu
        return max(0.0, rest) / self.run.wall


@dataclass
class Figures:
    """The medians, and the greatest memory. Times in seconds, memory in bytes."""

    wall: float
    cpu: float
    server_cpu: float
    memory: int
    kept: int


def figures(samples: list[Sample]) -> Figures | None:
    """Of the good runs, without the disturbed ones where two undisturbed remain. None when every run failed."""
    good = [sample for sample in samples if sample.problem is None]
    quiet = [sample for sample in good if sample.others() < NOISE_CORES]
    kept = quiet if len(quiet) >= 2 else good
    if not kept:
        return None
    return Figures(
        wall=statistics.median(sample.run.wall for sample in kept),
        cpu=statistics.median(sample.run.cpu for sample in kept),
        server_cpu=statistics.median(sample.server_cpu for sample in kept),
        memory=max(sample.run.memory for sample in kept),
        kept=len(kept),
    )
