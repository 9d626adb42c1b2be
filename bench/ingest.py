"""Films on their way into the shop, beside the bare ffmpeg command that makes the same renditions and sound in one pass.

CPU time, not the clock: it is what an encode costs, and moves little when others use the machine.
"""

import os
import resource
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from flask import Flask

from bench import ROUNDS, Verdict, at_most, row
from store.demo.seed import MASTERS
from store.gateways.encode_picture import LADDER
from store.gateways.video_tools import tool
from store.media.delivery import Delivery
from store.media.package import PRESET, inspect, package
from store.media.publish import order, publish

FILM = "aubervilliers"
FULL_HD = "scale=1920:1080:flags=lanczos,noise=alls=5:allf=t:all_seed=1"
"""The demo's master as large as films are, with grain: a drawing is too easy for an encoder."""

FILM_S, CHUNK_S = 12, 4
"""Chunks of a thirtieth of what is usual, so that their cost is seen, not hoped for."""

MOST_IN_ONE_PASS, MOST_IN_CHUNKS, MOST_PACKAGING, LONGEST_RERUN_S = 1.10, 1.15, 0.06, 1.0


def measure_ingest(app: Flask) -> list[Verdict]:
    """The pipeline in one pass and in chunks beside the bare command, packaging beside encoding, and a finished film's rerun."""
    with TemporaryDirectory(prefix="shop-bench-") as folder:
        master = _full_hd_master(Path(folder))
        row(f"ingest of {FILM_S} s in 1080 lines", "CPU s", "bare", "ratio", "", "")
        bare, whole, chunked, packaging = [], [], [], []
        for _ in range(ROUNDS):
            bare.append(_bare(master, Path(folder)))
            cpu_s, parts = _pipeline(master, Path(folder), 10 * FILM_S)
            whole.append(cpu_s)
            packaging.append(parts["package"] / parts["encode"])
            chunked.append(_pipeline(master, Path(folder), CHUNK_S)[0])
            steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in parts.items())
            print(
                f"    bare {bare[-1]:.1f}, in one pass {cpu_s:.1f} ({steps}), in chunks {chunked[-1]:.1f}", flush=True
            )
        in_one_pass, in_chunks = (
            _compare("in one pass", whole, bare),
            _compare(f"in chunks of {CHUNK_S} s", chunked, bare),
        )
        row("packaging and sprites / encode", "", "", f"{median(packaging):.3f}", "", "")
        rerun_s = _rerun_s(app, master)
        row("a finished film once more, seconds", f"{rerun_s:.2f}", "", "", "", "")
    return [
        at_most("ingest in one pass, CPU of the bare command", in_one_pass, MOST_IN_ONE_PASS),
        at_most("ingest in chunks, CPU of the bare command", in_chunks, MOST_IN_CHUNKS),
        at_most("packaging and sprites, CPU of the encode", median(packaging), MOST_PACKAGING),
        at_most("a finished film's rerun, seconds", rerun_s, LONGEST_RERUN_S),
    ]


def _compare(name: str, ours: list[float], bare: list[float]) -> float:
    ratio = median(our / their for our, their in zip(ours, bare, strict=True))
    row(name, f"{median(ours):.1f}", f"{median(bare):.1f}", f"{ratio:.3f}", "", "")
    return ratio


def _full_hd_master(folder: Path) -> Path:
    master = folder / "master.mp4"
    picture = ("-vf", FULL_HD, "-r", "25", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-g", "50")
    _run("-i", str(MASTERS / f"{FILM}.mp4"), "-t", str(FILM_S), *picture, "-c:a", "aac", "-ac", "2", str(master))
    return master


def _bare(master: Path, folder: Path) -> float:
    """CPU seconds of the one command that a person would type for the same renditions."""
    began_s = _children_s()
    branches = "".join(f"[s{rung.height}]" for rung in LADDER)
    sizes = (
        f"[s{rung.height}]scale={rung.width}:{rung.height}:flags=lanczos,format=yuv420p[v{rung.height}]"
        for rung in LADDER
    )
    outputs: list[str] = []
    for rung in LADDER:
        outputs += ["-map", f"[v{rung.height}]", "-c:v", "libx264", "-preset", PRESET, "-crf", str(rung.crf)]
        outputs += ["-maxrate", f"{rung.most_kbps}k", "-bufsize", f"{2 * rung.most_kbps}k"]
        outputs += ["-g", "100", "-keyint_min", "100", "-sc_threshold", "0", str(folder / f"bare-{rung.height}.mp4")]
    graph = ";".join([f"[0:v]split={len(LADDER)}{branches}", *sizes])
    sound = ("-map", "0:a", "-c:a", "aac", "-b:a", "128k", str(folder / "bare.m4a"))
    _run("-i", str(master), "-filter_complex", graph, *outputs, *sound)
    return _children_s() - began_s


def _pipeline(master: Path, folder: Path, chunk_s: float) -> tuple[float, dict[str, float]]:
    """CPU seconds of all that we do, our own process included, and of each step."""
    workshop = folder / "workshop"
    began_s, parts, step_began = _all_s(), {}, ("probe", _all_s())

    def note(step: str, _fraction: float) -> None:
        nonlocal step_began
        if step != step_began[0]:
            now_s = _all_s()
            parts[step_began[0]] = now_s - step_began[1]
            step_began = (step, now_s)

    package(inspect(Delivery(master)), workshop, note, chunk_s=chunk_s)
    shutil.rmtree(workshop)
    return _all_s() - began_s, parts


def _rerun_s(app: Flask, master: Path) -> float:
    """Seconds that `films ingest` takes for a film that is published in this version already; it must not encode."""
    with app.app_context():
        order(FILM, Delivery(master))
        publish(FILM)
        steps: list[str] = []
        began_s = time.monotonic()
        order(FILM, Delivery(master))
        publish(FILM, lambda standing: steps.append(standing.step))
        if steps:
            raise RuntimeError(f"a finished film was made again: {steps}")
        return time.monotonic() - began_s


def _run(*options: str) -> None:
    subprocess.run(["nice", "-n", "15", tool("ffmpeg"), "-nostdin", "-v", "error", "-y", *options], check=True)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _all_s() -> float:
    own = os.times()
    return own.user + own.system + _children_s()
