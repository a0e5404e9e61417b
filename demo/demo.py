"""The main job, end to end, on real smart-watch recordings, as a newcomer would run it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from data import basic_motions

import stadion

HOME = Path(".demo").absolute()
MODEL = "basicmotions"


def main() -> None:
    """Train, check, register, deploy, ask, replace under traffic, roll back."""
    folder = basic_motions()
    train, test = folder / "BasicMotions_TRAIN.ts", folder / "BasicMotions_TEST.ts"
    shutil.rmtree(HOME, ignore_errors=True)
    place = stadion.connect(str(HOME))

    say("1. Train: smart-watch accelerometer and gyroscope -> what the wearer does")
    first = learn(place, train, "boosting")
    second = learn(place, train, "auto")

    say("2. Check on the official test part, which no choice has seen")
    for version in (first, second):
        report = place.evaluate(f"{MODEL}:{version}", test)
        beside = ", ".join(f"{k} {v['accuracy']:.3f}" for k, v in report["baselines"].items())
        accuracy = report["metrics"]["accuracy"]
        print(f"   version {version}: accuracy {accuracy:.3f} on {report['rows']} ({beside})")

    say("3. Serve version 1 and ask it about a recording, as it left the watch")
    server, urls = serve()
    try:
        remote = stadion.connect(urls["control"])
        remote.deploy(f"{MODEL}:{first}")
        recording, truth = one_recording(test)
        show_answer(remote.predict(MODEL, recording), truth)

        say("4. Replace it by version 2 while a client keeps asking")
        replace_under_traffic(remote, recording, second)

        say("5. Roll back")
        print(f"   version {remote.rollback(MODEL)['version']} answers again:")
        show_answer(remote.predict(MODEL, recording), truth)
    finally:
        server.terminate()
        server.wait(30)

    say("Where to look next")
    print(f"   stadion models show {MODEL} --home {HOME}    the model card")
    print(f"   stadion up --home {HOME}                     serve it again, docs at :8080/docs")
    print("   README.md has the five-minute tour, CONTRIBUTING.md adds a task of your own")


def say(title: str) -> None:
    """A heading."""
    print(f"\n{title}", flush=True)


def learn(place: Any, data: Path, learner: str) -> int:
    """Train, and print what the folds say beside the baseline; the version's number."""
    view = place.train("activity_recognition", data, learner=learner, name=MODEL)
    metrics = view["metrics"]
    beside = ", ".join(f"{name} {value:.3f}" for name, value in metrics["baselines"].items())
    print(f"   version {view['version']}: {view['learner']}, {view['lineage']['train_s']:.0f} s")
    print(f"     accuracy {metrics['value']:.3f} ({beside}) by {metrics['protocol']}")
    return int(view["version"])


def serve() -> tuple[subprocess.Popen[str], dict[str, str]]:
    """`stadion up` on free ports; its address line."""
    command = [sys.executable, "-m", "stadion", "up", "--home", str(HOME), "--json"]
    command += ["--grpc", "127.0.0.1:0"]
    command += ["--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--workers", "2"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    urls = json.loads(server.stdout.readline())
    print(f"   predictions at {urls['predictions']}, control at {urls['control']}")
    return server, urls


def one_recording(path: Path) -> tuple[bytes, str]:
    """The first case of a .ts file as a file of its own, without its label, and the label."""
    header, _, cases = path.read_text().partition("@data\n")
    signals, _, truth = cases.splitlines()[0].rpartition(":")
    return f"{header}@data\n{signals}:?\n".encode(), truth


def show_answer(answer: dict[str, Any], truth: str) -> None:
    """Label, probabilities and the version that answered."""
    row = answer["output"]["activity"][0]
    print(f"   version {answer['version']} says {row['label']} (it was {truth})")
    for label, share in sorted(row["probabilities"].items(), key=lambda item: -item[1]):
        print(f"     {label:<10} {share:6.3f} {'#' * round(40 * share)}")


def replace_under_traffic(remote: Any, recording: bytes, version: int) -> None:
    """Deploy while a client asks as fast as it can; no request may fail."""
    versions: Counter[int] = Counter()
    failures: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                versions[remote.predict(MODEL, recording)["version"]] += 1
            except stadion.StadionError as error:
                failures.append(str(error))

    client = threading.Thread(target=ask)
    client.start()
    time.sleep(1)
    before = time.perf_counter()
    remote.deploy(f"{MODEL}:{version}")
    took_s = time.perf_counter() - before
    time.sleep(1)
    stop.set()
    client.join()
    print(f"   deployed in {took_s:.2f} s; answers by version: {dict(sorted(versions.items()))}")
    print(f"   {len(failures)} failed of {sum(versions.values()) + len(failures)} requests")
    if failures:
        raise SystemExit(failures[0])


if __name__ == "__main__":
    main()
