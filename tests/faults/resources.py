"""F2, F13, F14: no room on the disk, no memory, folders that cannot be written or have odd names."""
import os
import resource
import shutil
import subprocess
import sys

from harness import ARGUMENTS, CASE, DENSITY, KOLMO, changed, checkpoints, expect, finish, folder, read, run, settings, summary, write_case

BIG = changed(("cells = 24", "cells = 400"), ("cells = 16", "cells = 300"), ('fields = { every_steps = 5, names = ["velocity", "pressure", "dye"], precision = "float64" }\n', ""),
              ("averages = { over = [\"x\"], start = 0.0 }", ""), ("checkpoint = { every_steps = 5 }", "checkpoint = { every_steps = 2, keep = 5 }"))
BIG_DENSITY = changed(("cells = 40", "cells = 780"), ("cells = 36", "cells = 780"), ("step = 0.001", 'step = 1e-6\nscheme = "ssp-rk2"'),
                      ('fields = { every_steps = 5, names = ["density", "flux"], precision = "float64" }\n', ""),
                      ("checkpoint = { every_steps = 5 }", "checkpoint = { every_steps = 2, keep = 5 }"), text=DENSITY)


def check_full_disk(disk, text=BIG):
    """F2, on a file system of 12 MiB of its own: a checkpoint of 400 x 300 or 780 x 780 cells is 4.9 MB, so the third does not fit."""
    where = os.path.join(disk, "run")
    outcome = run("run", write_case(disk, text), "--output", where)
    expect(outcome.code == 4 and outcome.said.count("\n") == 0, f"disk full: {outcome}")
    expect("000006.h5" in outcome.said and "No space left" in outcome.said and "bytes" in outcome.said, f"disk full: {outcome}")
    expect(checkpoints(where) == [2, 4], f"disk full: checkpoints {checkpoints(where)}")
    expect(not [name for name in os.listdir(os.path.join(where, "checkpoint")) if name.endswith(".tmp")], "disk full: a part is left behind")
    again = run("restart", where, *settings(time__max_steps=5, output__checkpoint__every_steps=1000, output__checkpoint__keep=1))
    expect("(step 4," in again.out, f"disk full: the older checkpoint does not restart: {again}")


def in_small_disk():
    """Calls this script again where it sees a small file system; 77 (skipped) where none can be mounted."""
    with folder() as place:
        mount = 'mount -t tmpfs -o size=12m tmpfs "$0" 2>/dev/null || exit 77; exec "$@"'
        options = "-m" if os.getuid() == 0 else "-rm"
        again = [sys.executable, os.path.abspath(__file__), *sys.argv[1:4], "on", place]
        sys.exit(subprocess.run(["unshare", options, "sh", "-c", mount, place, *again]).returncode)


def check_memory(place):
    """F13: an estimate refuses what cannot fit before anything is allocated; a limit that strikes later ends in one line."""
    huge = run("run", write_case(place, changed(("cells = 24", "cells = 40000"), ("cells = 16", "cells = 40000"))), "--output",
               os.path.join(place, "huge"), ranks=1)
    expect(huge.code == 2 and "GB" in huge.said and "grid" in huge.said, f"a grid beyond the memory: {huge}")
    numbers = run("run", write_case(place, changed(("cells = 24", "cells = 100000"), ("cells = 16", "cells = 100000"))), "--output",
                  os.path.join(place, "numbers"), ranks=1)
    expect(numbers.code == 2 and "indices" in numbers.said, f"a grid beyond the indices: {numbers}")
    limit = 1 << 30
    large = write_case(place, changed(("cells = 24", "cells = 3000"), ("cells = 16", "cells = 3000")))
    tight = run("run", large, "--output", os.path.join(place, "tight"), *settings(time__max_steps=1), ranks=1,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    expect(tight.code in (2, 3) and "memory" in tight.said.lower() and tight.said.count("\n") == 0, f"a limit of the memory: {tight}")
    expect(not os.path.exists(os.path.join(place, "huge")) and not os.path.exists(os.path.join(place, "numbers")), "something was written")


def check_folders(place):
    """F14"""
    case = write_case(place)
    short = settings(time__max_steps=2)
    odd = os.path.join(place, "Größe = 5 µm", "näch ste", "run")
    fine = run("run", case, "--output", odd, *short)
    expect(fine.code == 0 and summary(odd)["status"] == "done", f"a folder with spaces and umlauts, parents missing: {fine}")
    expect(run("xdmf", odd, ranks=1).code == 0 and run("status", odd, ranks=1).code == 0, "a folder with spaces and umlauts")
    before = read(odd, "summary.json")
    there = run("run", case, "--output", odd, *short)
    expect(there.code == 2 and "--overwrite" in there.said and read(odd, "summary.json") == before, f"a run is there: {there}")
    write_case(odd, "mine", "notes.txt")
    expect(run("run", case, "--output", odd, "--overwrite", *short, ranks=1).code == 0 and os.path.exists(os.path.join(odd, "notes.txt")),
           "--overwrite removes what is not its own")
    a_file = run("run", case, "--output", case, *short)
    expect(a_file.code == 2 and "is no folder" in a_file.said, f"the output is a file: {a_file}")
    read_only = run("run", case, "--output", "/proc/kolmo", *short)
    expect(read_only.code == 4 and "/proc/kolmo" in read_only.said, f"a folder that cannot be made: {read_only}")
    read_only = run("run", case, "--output", "/proc/sys", *short, ranks=1)
    expect(read_only.code == 4 and "/proc/sys" in read_only.said, f"a folder that cannot be written: {read_only}")
    for length in (1, 5, 21):  # 200 to 4200 characters
        parts = ["a" * 200] * length
        far = run("run", case, "--output", os.path.join(place, *parts), *short, ranks=1)
        expect(far.code == 4 and "characters" in far.said and far.said.count("\n") == 0, f"a path of {200 * length} characters: {far}")
    expect(not os.path.exists(os.path.join(place, "a" * 200)), "a path that is too long was made")
    os.mkdir(os.path.join(place, "elsewhere"))
    write_case(os.path.join(place, "elsewhere"), "-pressure_ksp_max_it 1\n", ".petscrc")
    stray = run("run", case, "--output", "of petscrc", *short, cwd=os.path.join(place, "elsewhere"), ranks=1)
    said = read(place, "elsewhere", "of petscrc", "run.toml").decode()
    expect(stray.code == 0 and not stray.said and 'petsc_options = ""' in said, f"a stray .petscrc: {stray} {said[-300:]}")
    near = os.path.join(place, "b" * 200)
    os.mkdir(near)
    outcome = run("run", case, "--output", os.path.join(near, "c" * 40), *short, cwd=near)
    expect(outcome.code == 0, f"a long path from near by: {outcome}")


if ARGUMENTS[:1] == ["disk"]:
    in_small_disk()
if ARGUMENTS[:1] == ["on"]:
    check_full_disk(ARGUMENTS[1])
    shutil.rmtree(os.path.join(ARGUMENTS[1], "run"))
    check_full_disk(ARGUMENTS[1], BIG_DENSITY)
else:
    with folder() as at:
        check_memory(at)
        check_folders(at)
finish()
