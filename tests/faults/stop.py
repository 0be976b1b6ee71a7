"""F8, F12 (a rank that hangs), F15, F18: whoever asks a run to stop or to write a checkpoint, it does so within a step, says why,
and goes on later as if nothing had been. Arguments: PART"""
import os
import signal
import stat
import time

from harness import (ARGUMENTS, CASE, Job, changed, checkpoints, expect, expect_same_results, finish, folder, read, rows, run, settings, summary,
                     write_case)

ENDLESS = settings(time__max_steps=100000000)


def start(place, name, *arguments, ranks=2, **options):
    job = Job("run", os.path.join(place, "case.toml"), "--output", os.path.join(place, name), *ENDLESS, *arguments, ranks=ranks, **options)
    job.wait_for(lambda: checkpoints(os.path.join(place, name)), f"{name}: the first checkpoint")
    return job


def expect_stopped(outcome, run_folder, why, what):
    """85, the reason, a checkpoint of the very last step, and then the same results as a run that was never stopped."""
    expect(outcome.code == 85 and f"asked by {why}" in outcome.out, f"{what}: {outcome} {outcome.out[-300:]}")
    if not expect(os.path.exists(os.path.join(run_folder, "summary.json")), f"{what}: no summary"):
        return
    said = summary(run_folder)
    expect(said["status"] == "stopped" and said["exit_code"] == 85, f"{what}: {said}")
    expect(checkpoints(run_folder)[-1] == said["steps"], f"{what}: no checkpoint of step {said['steps']}")


def expect_goes_on(place, run_folder, what):
    end = checkpoints(run_folder)[-1] + 7
    again = run("restart", run_folder, *settings(time__max_steps=end))
    expect(again.code == 0 and not again.said, f"{what}: restart: {again}")
    expect(f"changed: time.max_steps: 100000000 -> {end}" in again.out, f"{what}: the change is not told")
    expect(f"time.max_steps: 100000000 -> {end}" in read(run_folder, "run.toml").decode(), f"{what}: the change is not recorded")
    whole = run_folder + " whole"
    unbroken = run("run", os.path.join(place, "case.toml"), "--output", whole, *settings(time__max_steps=end))
    expect(unbroken.code == 0, f"{what}: {unbroken}")
    expect_same_results(whole, run_folder, what)


def check_signals(place):
    for name, number in (("TERM", signal.SIGTERM), ("INT", signal.SIGINT)):
        job = start(place, name)
        os.kill(job.pids()[1], number)  # one rank, and not the first
        expect_stopped(job.end(), os.path.join(place, name), "a signal", f"SIG{name} to one rank")
    expect_goes_on(place, os.path.join(place, "TERM"), "SIGTERM to one rank")


def check_signals_all_along(place):
    """From before MPI is started until after it is over: a signal neither ends the run nor is lost."""
    def listening(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            caught = next(line for line in file if line.startswith("SigCgt"))
        return int(caught.split()[1], 16) >> (signal.SIGUSR1 - 1) & 1

    for name, number in (("storm", signal.SIGUSR1), ("early", signal.SIGTERM)):
        where = os.path.join(place, name)
        job = Job("run", os.path.join(place, "case.toml"), "--output", where,
                  *(ENDLESS if name == "early" else ("--set", "output.checkpoint.keep=100")))
        ranks = job.pids()
        job.wait_for(lambda: all(listening(pid) for pid in ranks), "the handling of signals")
        if name == "early":
            os.kill(ranks[1], number)
        while name == "storm" and job.alive():
            for pid in filter(job.is_program, ranks):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            time.sleep(0.002)
        outcome = job.end()
        if name == "early":
            expect_stopped(outcome, where, "a signal", "SIGTERM before the run has begun")
        else:
            expect(outcome.code == 0, f"SIGUSR1 all along: {outcome}")
            expect(any(step % 5 for step in checkpoints(where)), f"no checkpoint was made for a signal: {checkpoints(where)}")


def pause_between_outputs(job, where):
    """Stops all ranks where no file is being written and none is due in this step and the next."""
    for _ in range(1000):
        for pid in job.pids():
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.01)
        unfinished = [name for _, _, files in os.walk(where) for name in files if name.endswith(".tmp")]
        if not unfinished and int(rows(where)[-1][0]) % 5 in (1, 2):
            return
        resume(job)
        time.sleep(0.003)
    expect(False, "no moment between outputs")


def resume(job):
    for pid in job.pids():
        os.kill(pid, signal.SIGCONT)


def check_lost_folder(place):
    """The folder is removed under the run, or taken by another one: it ends, says why, and writes no more."""
    for what in ("removed", "replaced"):
        where = os.path.join(place, what)
        job = start(place, what, "--set", "output.checkpoint.every_steps=1000000", "--set", "output.checkpoint.every_wall_time=0.3")
        pause_between_outputs(job, where)
        os.rename(where, where + " away")
        if what == "replaced":
            os.mkdir(where)
            write_case(where, "process 1 on another-host", ".lock")
            write_case(where, "its own", "run.toml")
            os.mkdir(os.path.join(where, "fields"))
        resume(job)
        outcome = job.end()
        expect(outcome.code == 4 and "this run's folder no longer" in outcome.said and outcome.said.count("\n") == 0, f"{what}: {outcome}")
        left = sorted(os.path.relpath(os.path.join(at, name), where) for at, inner, files in os.walk(where) for name in inner + files)
        expect(left == ([] if what == "removed" else [".lock", "fields", "run.toml"]), f"a folder that was {what} holds {left}")


def check_checkpoint_request(place):
    where = os.path.join(place, "USR1")
    job = start(place, "USR1", "--set", "output.checkpoint.every_steps=1000000", "--set", "output.checkpoint.every_wall_time=0.3")
    for sender in ("mpirun", "a rank", "the file CHECKPOINT"):
        before = checkpoints(where)[-1]
        if sender == "mpirun":
            job.process.send_signal(signal.SIGUSR1)
        elif sender == "a rank":
            os.kill(job.pids()[1], signal.SIGUSR1)
        else:
            write_case(where, "", "CHECKPOINT")
        job.wait_for(lambda: checkpoints(where)[-1] > before, f"a checkpoint asked for by {sender}")
        expect(job.alive(), f"{sender} ended the run")
    job.wait_for(lambda: not os.path.exists(os.path.join(where, "CHECKPOINT")), "the removal of CHECKPOINT")
    before = checkpoints(where)[-1]
    job.wait_for(lambda: checkpoints(where)[-1] > before, "a checkpoint by the clock on the wall")
    said = run("status", where, ranks=1)
    expect("running" in said.out and "to end" in said.out and "process" in said.out, f"status: {said.out}")
    second = run("run", os.path.join(place, "case.toml"), "--output", where, "--overwrite")  # F18
    expect(second.code == 4 and "another run is at work" in second.said and "process" in second.said, f"a second run: {second}")
    second = run("restart", where)  # refused as such, and not because checkpoints vanish while it reads them
    expect(second.code == 4 and "another run is at work" in second.said, f"a restart of a run at work: {second}")
    write_case(where, "", "STOP")
    expect_stopped(job.end(), where, "the file STOP", "the file STOP")
    expect(not os.path.exists(os.path.join(where, "STOP")), "STOP is still there")
    write_case(where, "process 1 on a host that is no more", ".lock")  # F18: left by a dead run
    write_case(where, "", "STOP")  # and a request that was meant for it
    expect_goes_on(place, where, "a stale lock and a stale STOP")


def check_second_signal(place):
    job = start(place, "twice")
    before = checkpoints(os.path.join(place, "twice"))
    ranks = job.pids()
    os.kill(ranks[0], signal.SIGSTOP)  # no step can end, so that the first signal is not heeded before the second comes
    os.kill(ranks[1], signal.SIGTERM)
    time.sleep(1.2)  # sooner, it would be taken for an echo of the first
    os.kill(ranks[1], signal.SIGTERM)
    begin = time.time()
    outcome = job.end()
    expect(outcome.code not in (0, 85) and time.time() - begin < 20, f"a second SIGTERM: {outcome}")
    expect(checkpoints(os.path.join(place, "twice"))[-1] >= before[-1], "a second SIGTERM took a checkpoint away")
    again = run("restart", os.path.join(place, "twice"), *settings(time__max_steps=checkpoints(os.path.join(place, "twice"))[-1] + 1))
    expect(again.code == 0 and not again.said, f"restart after a second SIGTERM: {again}")


def check_launcher_signal(place):
    """mpirun answers TERM by killing the ranks soon: whatever they manage, the folder stays good."""
    where = os.path.join(place, "launcher")
    job = start(place, "launcher")
    job.process.send_signal(signal.SIGTERM)
    expect(job.end().code != 0, "mpirun ended by SIGTERM says all is well")
    expect_goes_on(place, where, "SIGTERM to mpirun")


def check_wall_limit(place):
    """F15: gone before the limit, with a checkpoint. The limit is that of the command line, or the job's."""
    begin = time.time()
    outcome = run("run", os.path.join(place, "case.toml"), "--output", os.path.join(place, "limit"), "--wall-limit", "6", *ENDLESS)
    expect_stopped(outcome, os.path.join(place, "limit"), "the wall limit", "--wall-limit 6")
    expect(time.time() - begin < 6 + 4, f"--wall-limit 6: {time.time() - begin:.1f} s")  # the start of mpirun is not ours
    tools = os.path.join(place, "tools")
    os.mkdir(tools)
    squeue = write_case(tools, f'#!/bin/sh\necho "$*" >> "{place}/asked"\necho 0:06\n', "squeue")
    os.chmod(squeue, os.stat(squeue).st_mode | stat.S_IEXEC)
    job = dict(os.environ, PATH=tools + ":" + os.environ["PATH"], SLURM_JOB_ID="4711")
    outcome = run("run", os.path.join(place, "case.toml"), "--output", os.path.join(place, "job"), *ENDLESS, env=job, ranks=1)
    expect_stopped(outcome, os.path.join(place, "job"), "the wall limit", "the end of a SLURM job")
    expect(read(place, "asked") == b"-h -j 4711 -o %L\n", f"asked of SLURM: {read(place, 'asked')}")
    outcome = run("run", os.path.join(place, "case.toml"), "--output", os.path.join(place, "none"), "--wall-limit", "none", env=job, ranks=1)
    expect(outcome.code == 0 and read(place, "asked").count(b"\n") == 1, f"--wall-limit none: {outcome}")


def check_hang(place):
    """F12: a rank that hangs for good is only noticed where that is asked for; a job that sleeps as a whole is left alone."""
    job = start(place, "pause")
    os.kill(job.pids()[1], signal.SIGSTOP)
    time.sleep(3.0)
    os.kill(job.pids()[1], signal.SIGCONT)
    os.kill(job.pids()[1], signal.SIGTERM)
    expect_stopped(job.end(), os.path.join(place, "pause"), "a signal", "a rank that paused")
    job = start(place, "asleep", "--watchdog", "2s")
    for pid in job.pids():
        os.kill(pid, signal.SIGSTOP)
    time.sleep(4.0)
    for pid in job.pids():
        os.kill(pid, signal.SIGCONT)
    time.sleep(0.5)
    expect(job.alive(), "the watchdog ended a job that had been suspended")
    os.kill(job.pids()[1], signal.SIGSTOP)
    outcome = job.end()
    expect(outcome.code == 3 and "--watchdog" in outcome.said, f"the watchdog: {outcome}")
    again = run("restart", os.path.join(place, "asleep"), *settings(time__max_steps=checkpoints(os.path.join(place, "asleep"))[-1] + 1))
    expect(again.code == 0 and not again.said, f"restart after the watchdog: {again}")


def check_without_flock(place):
    """F18 where the file system has no locks (a preloaded flock says ENOLCK): the text of .lock is judged, and shown."""
    lockless = dict(os.environ, LD_PRELOAD=ARGUMENTS[1])
    case, where = os.path.join(place, "case.toml"), os.path.join(place, "lockless")
    job = start(place, "lockless", ranks=1, env=lockless)
    said = run("status", where, ranks=1, env=lockless)
    expect(said.code == 0 and "running" in said.out and "has no locks" in said.out, f"status without locks: {said} {said.out}")
    second = run("run", case, "--output", where, "--overwrite", ranks=1, env=lockless)
    expect(second.code == 4 and "another run is at work" in second.said, f"a second run without locks: {second}")
    job.process.kill()
    job.end()
    again = run("restart", where, *settings(time__max_steps=checkpoints(where)[-1] + 1), ranks=1, env=lockless)
    expect(again.code == 0, f"the lock of a killed run, without locks: {again}")
    write_case(where, "process 1 on another-host", ".lock")
    said = run("status", where, ranks=1, env=lockless)
    expect(said.code == 0 and "perhaps running" in said.out, f"status, locked elsewhere: {said} {said.out}")
    refused = run("restart", where, ranks=1, env=lockless)
    expect(refused.code == 4 and "another-host" in refused.said and "rm '" in refused.said, f"locked elsewhere: {refused}")
    write_case(where, "process 1 on another-host, job 77 restart 0 of big", ".lock")
    requeued = dict(lockless, SLURM_JOB_ID="77", SLURM_RESTART_COUNT="1", SLURM_CLUSTER_NAME="big", SLURM_JOB_END_TIME=str(int(time.time()) + 3600))
    again = run("restart", where, *settings(time__max_steps=checkpoints(where)[-1] + 1), ranks=1, env=requeued)
    expect(again.code == 0, f"the lock of the same job before it was queued anew: {again}")


PARTS = {"signals": (check_signals, check_second_signal, check_signals_all_along), "requests": (check_checkpoint_request, check_lost_folder), "flock": (check_without_flock,),
         "launcher": (check_launcher_signal,), "limit": (check_wall_limit,), "hang": (check_hang,)}
for check in PARTS[ARGUMENTS[0]]:
    with folder() as at:
        write_case(at, CASE)
        check(at)
finish()
