"""What a restart must leave as it is: folders that are no run's, output it cannot go on with, a run at work. And where it goes
on from an older checkpoint, nothing of the course that is given up comes back."""
import os
import shutil

from harness import (Job, checkpoint, checkpoints, expect, expect_same_results, finish, folder, read, rows, run, settings, summary,
                     write_case)


def everything(place):
    """Names and contents of all there is, but the lock."""
    found = {}
    for root, inner, names in os.walk(place):
        found.update((os.path.relpath(os.path.join(root, name), place), "") for name in inner)
        files = [name for name in names if name != ".lock" and not os.path.islink(os.path.join(root, name))]
        found.update((os.path.relpath(os.path.join(root, name), place), read(root, name)) for name in files)
    return found


def copy(first, place, name):
    where = os.path.join(place, name)
    shutil.copytree(first, where, symlinks=True)
    return where


def expect_untouched(where, code, said, what, *arguments):
    before = everything(where)
    again = run(*arguments, ranks=1)
    expect(again.code == code and said in again.said and again.said.count("\n") == 0, f"{what}: {again}")
    after = everything(where)
    expect(before == after, f"{what}: touched {sorted(name for name in before | after if before.get(name) != after.get(name))}")


def check_no_run(place, case, first):
    """--restart auto clears only what run.toml says is an unfinished run of this case."""
    for number, names in enumerate((["fields/mine.h5", "lines/mine.csv", "points/mine.csv", "statistics.csv"], ["diagnostics.csv"])):
        where = os.path.join(place, f"mine {number}")
        for name in names:
            os.makedirs(os.path.dirname(os.path.join(where, name)), exist_ok=True)
            write_case(where, "mine", name)
        expect_untouched(where, 2, "--overwrite", f"a folder that is no run, {names}", "run", case, "--output", where, "--restart", "auto")
    for name in ("no file", "an empty folder"):  # killed before run.toml was written
        where = os.path.join(place, "killed " + name)
        os.makedirs(os.path.join(where, *(["checkpoint"] if name == "an empty folder" else [])))
        write_case(where, "process 1 on nowhere", ".lock")
        again = run("run", case, "--output", where, "--restart", "auto", *settings(time__max_steps=2), ranks=1)
        expect(again.code == 0, f"killed before run.toml, {name}: {again}")
    for name, make, code in (("a file", lambda path: open(path, "wb").close(), 4),
                             ("a loop", lambda path: os.symlink("checkpoint", path), 4),
                             ("a link into nothing", lambda path: os.symlink("/nonexistent/checkpoint", path), 4),
                             ("other files", lambda path: (os.mkdir(path), write_case(path, "kept", "kept.h5")), 5)):
        where = copy(first, place, "checkpoint is " + name)
        shutil.rmtree(os.path.join(where, "checkpoint"))
        os.remove(os.path.join(where, "summary.json"))
        make(os.path.join(where, "checkpoint"))
        expect_untouched(where, code, "checkpoint", f"a checkpoint folder that is {name}", "run", case, "--output", where, "--restart", "auto")


def check_output(place, first):
    """Other columns, other means, a damaged table: refused, and the run goes on as if nobody had asked."""
    where = copy(first, place, "refused")
    expect_untouched(where, 5, f"'{where}/diagnostics.csv' has other columns", "restart with other columns", "restart", where,
                     *settings(output__series__budgets="true"))
    expect_untouched(where, 5, "other statistics", "restart with other means", "restart", where, *settings(output__averages__over='["y"]'))
    expect_untouched(where, 5, "has no column", "a damaged table", "restart", damaged(where))
    shutil.copy(os.path.join(first, "diagnostics.csv"), where)
    os.remove(os.path.join(where, "fields.xdmf"))
    os.makedirs(os.path.join(where, "fields.xdmf", "in the way"))  # found when the series are cut already
    before = read(where, "run.toml")
    failed = run("restart", where, *settings(time__max_steps=22), ranks=1)
    expect(failed.code == 4 and summary(where)["status"] == "failed" and read(where, "run.toml") == before, f"a failure while the output is cut: {failed}")
    shutil.rmtree(os.path.join(where, "fields.xdmf"))
    again = run("restart", where, *settings(time__max_steps=22), ranks=1)
    expect(again.code == 0 and summary(where)["steps"] == 22 and ".trial" not in os.listdir(where), f"after the refusals: {again}")


def damaged(where):
    write_case(where, "a,b\n1,2\n", "diagnostics.csv")
    return where


def check_older(place, case, first):
    """From an older checkpoint, named in any way; the later ones go before the series is cut."""
    for name, cwd in (("checkpoint/000015.h5", ""), ("./checkpoint/../checkpoint/000015.h5", ""), ("000015.h5", "checkpoint")):
        where = copy(first, place, "older " + name.replace("/", "_"))
        again = run("run", case, "--output", where, "--restart", name, *settings(time__max_steps=17, output__checkpoint__every_steps=1000),
                    cwd=os.path.join(where, cwd), ranks=1)
        expect(again.code == 0 and "(step 15," in again.out and checkpoints(where) == [15, 17], f"{name}: {again} {checkpoints(where)}")
    where = copy(first, place, "folder")
    again = run("run", "run.toml", "--output", ".", "--restart", "checkpoint/", cwd=where, ranks=1)
    expect(again.code == 0 and "(step 20," in again.out, f"checkpoint/ of its own folder: {again}")
    for name in ("000015.h5", "latest"):
        where = copy(first, place, "killed " + name)
        latest = os.path.join(where, "checkpoint", "latest")
        os.remove(latest)
        os.symlink("000015.h5", latest)
        job = Job("run", case, "--output", where, "--restart", os.path.join(where, "checkpoint", name),
                  *settings(time__max_steps=100000000, output__checkpoint__every_steps=100000000), ranks=1)
        job.wait_for(lambda: not os.path.exists(os.path.join(where, "summary.json")) and len(rows(where)) > 17, "a step")
        job.process.kill()
        job.end()
        expect(checkpoints(where) == [15] and os.readlink(latest) == "000015.h5", f"given up: {checkpoints(where)}")
        again = run("run", case, "--output", where, "--restart", "auto")
        expect(again.code == 0 and "(step 15," in again.out, f"after a course that was given up: {again}")
        expect_same_results(first, where, "a course that was given up")


def check_fields(place, first):
    """A damaged field file is left out of fields.xdmf aloud; kolmo xdmf keeps off a run at work, and the run lives on."""
    where = copy(first, place, "field")
    with open(os.path.join(where, "fields", "000005.h5"), "wb") as file:
        file.write(b"no more")
    again = run("restart", where, *settings(time__max_steps=21))
    expect(again.code == 0 and again.said.count("warning: ") == 1 and "000005.h5" in again.said and b"000005" not in read(where, "fields.xdmf"),
           f"a damaged field file: {again}")
    where = os.path.join(place, "at work")
    job = Job("run", write_case(place), "--output", where, *settings(time__max_steps=100000000, output__fields__every_steps=1), ranks=1)
    job.wait_for(lambda: checkpoints(where), "a checkpoint")
    for _ in range(3):
        said = run("xdmf", where, ranks=1)
        expect(said.code == 4 and "at work" in said.said and said.said.count("\n") == 0, f"xdmf of a run at work: {said}")
    expect(job.alive(), "xdmf killed the run")
    job.process.terminate()
    expect(job.end().code == 85, "the run beside xdmf")
    expect(run("xdmf", where, ranks=1).code == 0, "xdmf after the run")


with folder() as at:
    path = write_case(at)
    one = os.path.join(at, "first")
    expect(run("run", path, "--output", one).code == 0, "the first run")
    check_no_run(at, path, one)
    check_output(at, one)
    check_older(at, path, one)
    check_fields(at, one)
finish()
