"""The real command, its seconds and its memory."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from offline.features.bench_data import dataset_file
from offline.features.clock import Taken
from rtbci.cli.processes import command
from rtbci.errors import RtbciError

_WATCH_EVERY_S = 0.2


@dataclass(frozen=True)
class Measured:
    """What a run of ``rtbci features`` took.

    Attributes
    ----------
    files, processes : int
        How many files, and how many processes worked on them.
    simulated : bool
        Whether the files were made for it.
    bytes_read, bytes_kept : int
        Size of the files and of the cache.
    wall_s, extraction_s : float
        From the command's start to its end, and the part of that from the first file's features to
        the last's.
    stages : dict
        How long each stage took, all processes together.
    processor_s : float
        Processor time of all processes together, which other programs' work does not change much.
    peak_bytes : int
        Most memory of all processes together; what they share counts once.
    """

    files: int
    processes: int
    simulated: bool
    bytes_read: int
    bytes_kept: int
    wall_s: float
    extraction_s: float
    stages: dict[str, Taken]
    processor_s: float
    peak_bytes: int

    def render(self, whole: int) -> str:
        """Say it in lines; fewer files than ``whole`` are also scaled to so many, and said to."""
        what = "simulated files in SEED's layout" if self.simulated else "files of SEED"
        if self.simulated:
            what += " (one session and copies of it)"
        n, start = self.processes, self.wall_s - self.extraction_s
        waiting = self.extraction_s - sum(taken.wall_s for taken in self.stages.values()) / n
        lines = [
            f"{self.files} {what}, {self.bytes_read / 1e9:.1f} GB, {self.processes} processes, "
            "a map each 0.1 s; the files may lie in the system's memory; stages as seen by one "
            "process",
            f"{'whole command':<36} {self.wall_s:8.1f} s",
            f"{'  start, opening the files':<36} {start:8.1f} s",
            *(
                f"{f'  {stage}':<36} {taken.wall_s / n:8.1f} s"
                f"   computing {taken.processor_s / n:6.1f} s"
                for stage, taken in self.stages.items()
            ),
            f"{'  starting processes, waiting':<36} {waiting:8.1f} s",
            f"{'processor time of all processes':<36} {self.processor_s:8.1f} s",
            f"{'peak memory of all processes':<36} {self.peak_bytes / 1e9:8.2f} GB",
            f"{'cache':<36} {self.bytes_kept / 1e9:8.2f} GB",
        ]
        if self.files < whole:
            scale = whole / self.files
            path_s = scale * self.stages["signal path"].wall_s / n
            all_s = start + waiting + scale * (self.extraction_s - waiting)
            lines.append(
                f"scaled to {whole} files, not measured: {all_s:.0f} s, of which {path_s:.1f} s "
                "signal path"
            )
        return "\n".join(lines)


def measure(folder: Path, files: int, jobs: int, *, simulated: bool) -> Measured:
    """Run the command with an empty cache.

    Raises
    ------
    RtbciError
        If it fails.
    """
    from offline.features.store import STAGES

    cache = folder / "cache"
    words = command("features", dataset_file(simulated=simulated), "--root", folder, "--jobs", jobs)
    begun = time.perf_counter()
    with subprocess.Popen(
        words, env=os.environ | {"RTBCI_CACHE": str(cache)}, stdout=subprocess.PIPE, text=True
    ) as process:
        processor_s, peak = _watch(process)
        wall = time.perf_counter() - begun
        said = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RtbciError("'rtbci features' failed, as it says above")
    return Measured(
        files=files,
        processes=int(_numbers(said, "processes")[0]),
        simulated=simulated,
        bytes_read=sum(path.stat().st_size for path in folder.glob("*/*_*.mat")),
        bytes_kept=sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()),
        wall_s=wall,
        extraction_s=_numbers(said, "all in all")[0],
        stages={stage: Taken(*reversed(_numbers(said, stage))) for stage in STAGES},
        processor_s=processor_s,
        peak_bytes=peak,
    )


def _numbers(table: str, name: str) -> list[float]:
    """Return the numbers in a row of what the command printed."""
    row = re.search(rf"^\W*{name} +\W(.*)$", table, re.MULTILINE)
    if row is None:
        raise RtbciError(f"'rtbci features' printed no row {name!r}")
    return [float(number) for number in re.findall(r"\d+\.?\d*", row[1])]


def _watch(process: subprocess.Popen[str]) -> tuple[float, int]:
    """Wait for a process's end; return its and its children's processor time and most memory."""
    processor_s: dict[int, float] = {}
    peak = 0
    while process.poll() is None:
        memory = 0
        for member in _family(process.pid):
            try:
                times, held = member.cpu_times(), member.memory_full_info()
            except psutil.Error:  # it has just ended
                continue
            processor_s[member.pid] = times.user + times.system
            memory += getattr(held, "pss", held.rss)
        peak = max(peak, memory)
        time.sleep(_WATCH_EVERY_S)
    return sum(processor_s.values()), peak


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []
