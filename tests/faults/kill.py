"""F1, F20: kill -9 of all ranks at random moments of a run that checkpoints at every step. Whatever the moment, the newest
published checkpoint is valid, the run goes on from it, the fields written so far open, and the end is that of a run that was
never killed, bit by bit. Arguments: COUNT small|large|density"""
import os
import random
import time

from harness import (ARGUMENTS, CASE, DENSITY, Job, KOLMO, changed, checkpoints, expect, expect_same_results, finish, folder, read, run, settings,
                     write_case)

COUNT, SIZE = int(ARGUMENTS[0]), ARGUMENTS[1]
LARGE = """
[case]
kind = "flow"
[grid]
x = { from = 0.0, to = 1.0, cells = 64 }
y = { from = 0.0, to = 1.0, cells = 64 }
z = { from = 0.0, to = 1.0, cells = 64, spacing = "tanh", strength = 1.2 }
[fluid]
kinematic_viscosity = 1e-3
[boundary]
default = { type = "no-slip" }
z_max = { type = "no-slip", velocity = ["1", "0", "0"] }
[time]
end = 1e6
max_steps = 1000000
[output]
series = { every_steps = 1 }
fields = { every_steps = 20, names = ["velocity", "pressure"], precision = "float64" }
checkpoint = { every_steps = 1 }
"""


def newest(place):
    return (checkpoints(place) or [-1])[-1]


def kill_somewhere(job, place, draw):
    """After some time from the start of the program, or from the first checkpoint of this leg."""
    before = newest(place)
    if draw.random() < 0.8:
        job.wait_for(lambda: newest(place) > before, "a checkpoint")
        time.sleep(draw.uniform(0.0, 0.9 if SIZE == "large" else 0.4))
    else:
        time.sleep(draw.uniform(0.0, 1.5))
    expect(job.alive(), "the run ended before it was killed")
    job.kill_all()


def check_state(place, what):
    unfinished = [name for name in os.listdir(os.path.join(place, "checkpoint")) if name.endswith(".tmp")]
    expect(len(unfinished) <= 2, f"{what}: left behind: {unfinished}")  # a file and the link `latest`
    rebuilt = run("xdmf", place, ranks=1)
    expect(rebuilt.code == 0 and not rebuilt.said, f"{what}: fields do not open: {rebuilt}")


def main():
    draw = random.Random(20240817)
    often = (("max_steps = 20", "max_steps = 1000000"), ("checkpoint = { every_steps = 5 }", "checkpoint = { every_steps = 1 }"))
    text = LARGE if SIZE == "large" else changed(*often, text=DENSITY if SIZE == "density" else CASE)
    with folder() as place:
        case, broken, whole = write_case(place, text), os.path.join(place, "broken"), os.path.join(place, "whole")
        job = Job("run", case, "--output", broken)
        job.wait_for(lambda: newest(broken) >= 1, "the first checkpoint")
        for number in range(1, COUNT + 1):
            kill_somewhere(job, broken, draw)
            step = newest(broken)
            if number % 10 == 1:
                check_state(broken, f"kill {number}")
            if number < COUNT:
                job = Job("run", case, "--output", broken, "--restart", "auto")
                job.wait_for(lambda: True, "the next leg")
        steps = newest(broken) + 5
        last = run("run", case, "--output", broken, "--restart", "auto", *settings(time__max_steps=steps))
        expect(last.code == 0 and f"(step {step}," in last.out and "warning" not in "".join(last.err), f"last leg: {last}")
        unbroken = run("run", case, "--output", whole, *settings(time__max_steps=steps, output__checkpoint__every_steps=steps))
        expect(unbroken.code == 0, f"the run without a kill: {unbroken}")
        expect_same_results(whole, broken, f"{COUNT} kills")
        expect(read(whole, "checkpoint", f"{steps:06d}.h5") == read(broken, "checkpoint", f"{steps:06d}.h5"), "the last checkpoints differ")
        print(f"{COUNT} kills of {os.path.basename(KOLMO)} in {steps} steps")
    finish()


main()
