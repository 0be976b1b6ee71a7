"""A private SLURM cluster on the loopback interface of this machine, for tests.

    with Cluster() as cluster:  cluster.sbatch("job.sbatch");  ...
    python3 cluster.py          starts one by hand, prints what a shell needs, stops at the end of input

The nodes pretend to have several processors each; every file (configuration, key, sockets, state, logs) lies in a folder of
its own, and nothing of a SLURM that the machine may have is read or touched. Must be root: each slurmd gets a host name of
its own (a UTS name space), or Open MPI takes the two nodes for one and the steps of the two collide.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DAEMONS = ("munged", "slurmctld", "slurmd")
TOOLS = ("sbatch", "srun", "scancel", "squeue", "scontrol", "sinfo", "unshare", "setpriv")
SKIPPED = 77

CONFIGURATION = """\
ClusterName=kolmotest
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued job waits as long as a credential lives.
AuthInfo=socket={folder}/munge/socket,cred_expire={requeue_wait}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
# The folders of PMIx lie here: one for each node.
TmpFS={folder}/tmp.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
# No control groups: they are not to be had in every container.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
KillWait=5
MinJobAge=3600
ReturnToService=2
MpiDefault=pmix
JobRequeue=1
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
"""


def missing():
    """Why there can be no cluster here, or nothing."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [name for name in DAEMONS + TOOLS if not shutil.which(name, path=path)]
    if absent:
        return f"SLURM is not installed ({', '.join(absent)} missing; scripts/setup installs slurm-wlm and munge)"
    if os.geteuid() != 0:
        return "a private SLURM cluster needs root"
    if subprocess.run(["unshare", "--uts", "true"], capture_output=True).returncode != 0:
        return "no UTS name space can be made here"
    return ""


def free_ports(count):
    """The first of `count` consecutive ports that nobody listens on."""
    for _ in range(200):
        first = random.randrange(20000, 30000)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise RuntimeError("no free ports")


class Cluster:
    def __init__(self, nodes=3, processors=8, requeue_wait=5):
        self.nodes, self.processors, self.requeue_wait = nodes, processors, requeue_wait
        # Sockets want short paths.
        self.folder = tempfile.mkdtemp(prefix="kolmo-slurm-", dir="/tmp")
        self.daemons = []

    # --- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _path(self, *names):
        return os.path.join(self.folder, *names)

    def _write_configuration(self):
        port = free_ports(1 + self.nodes)
        host = socket.gethostname().split(".")[0]
        text = CONFIGURATION.format(host=host, port=port, folder=self.folder, requeue_wait=self.requeue_wait)
        for i in range(1, self.nodes + 1):
            text += (f"NodeName=kn{i} NodeHostname=kn{i} NodeAddr=127.0.0.1 Port={port + i} CPUs={self.processors} "
                     f"CoresPerSocket={self.processors} ThreadsPerCore=1 RealMemory=4000 State=UNKNOWN\n")
        # The last node is for jobs that ask for it: a test may take it away.
        text += f"PartitionName=test Nodes=kn[1-{self.nodes - 1}] Default=YES MaxTime=INFINITE State=UP\n"
        text += f"PartitionName=fragile Nodes=kn{self.nodes} MaxTime=INFINITE State=UP\n"
        with open(self._path("slurm.conf"), "w") as file:
            file.write(text)

    def _start(self):
        os.chmod(self.folder, 0o755)
        for name in ("state", "munge"):
            os.mkdir(self._path(name))
        os.chmod(self._path("munge"), 0o711)
        for i in range(1, self.nodes + 1):
            os.mkdir(self._path(f"spool.kn{i}"))
            os.mkdir(self._path(f"tmp.kn{i}"))
        with open(os.open(self._path("munge", "key"), os.O_CREAT | os.O_WRONLY, 0o400), "wb") as file:
            file.write(os.urandom(128))
        self._write_configuration()
        self._daemon("munged", "--foreground", "--force", "--key-file", self._path("munge", "key"), "--socket",
                     self._path("munge", "socket"), "--pid-file", self._path("munge", "pid"), "--seed-file",
                     self._path("munge", "seed"), "--log-file", self._path("munged.log"))
        self._wait_for(lambda: os.path.exists(self._path("munge", "socket")), "munged")
        self._daemon("slurmctld", "-D", "-c", "-f", self._path("slurm.conf"))
        for i in range(1, self.nodes + 1):
            self._daemon("sh", "-c", 'hostname "$1" && exec slurmd -D -f "$2" -N "$1"', "sh", f"kn{i}", self._path("slurm.conf"),
                         before=("unshare", "--uts"), log=f"slurmd.kn{i}")
        self._wait_for(lambda: self.idle_nodes() == self.nodes, "the nodes")

    def _daemon(self, *command, before=(), log=None):
        with open(self._path((log or command[0]) + ".out"), "wb") as out:
            # Should this process be killed, its daemons end too.
            self.daemons.append(subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *before, *command], stdin=subprocess.DEVNULL,
                                                 stdout=out, stderr=subprocess.STDOUT, env=self.environment()))

    def _wait_for(self, condition, what, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what} did not start\n{self.logs()}")
            time.sleep(0.05)

    def stop(self):
        if len(self.daemons) > 1:
            jobs = self.queue()
            if jobs:
                self.call("scancel", *{job.split()[0] for job in jobs}, check=False)
                deadline = time.monotonic() + 15
                while self.queue() and time.monotonic() < deadline:
                    time.sleep(0.1)
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._end_steps()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _steps(self):
        """The slurmstepd that have our configuration: process number and name (`slurmstepd: [JOB.STEP]`, its own doing)."""
        mark = f"SLURM_CONF={self._path('slurm.conf')}".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", errors="replace") as file:
                    name = file.read()
                with open(f"/proc/{pid}/environ", "rb") as file:
                    ours = mark in file.read().split(b"\0")
            except OSError:
                continue
            if ours and "slurmstepd" in name:
                yield int(pid), name

    def _end_steps(self):
        """A step that could not be launched may leave its slurmstepd behind."""
        for pid, _ in self._steps():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue

    # --- use ----------------------------------------------------------------------------------------------------------

    def environment(self):
        """What jobs and SLURM's commands need: the cluster, and an Open MPI that talks over the loopback interface."""
        values = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "OMPI_", "PMIX_"))}
        values.update(SLURM_CONF=self._path("slurm.conf"), OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                      OMPI_MCA_btl_tcp_if_include="lo", OMPI_MCA_oob_tcp_if_include="lo", OMPI_MCA_mpi_yield_when_idle="1",
                      OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_btl_vader_single_copy_mechanism="none")
        values["PATH"] = values.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
        return values

    def call(self, *command, check=True, environment=None, cwd=None):
        done = subprocess.run(command, env={**self.environment(), **(environment or {})}, cwd=cwd, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout.strip()

    def idle_nodes(self):
        counts = self.call("sinfo", "-h", "-t", "idle", "-o", "%D", check=False).split()
        return sum(int(word) for word in counts if word.isdigit())

    def queue(self):
        return self.call("squeue", "-h", "-o", "%A %T", check=False).splitlines()

    def sbatch(self, *arguments, **options):
        """Submits; returns the number of the job."""
        return int(self.call("sbatch", "--parsable", *arguments, **options).split(";")[0])

    def show(self, job):
        """The fields of a job, as scontrol shows them."""
        text = self.call("scontrol", "-o", "show", "job", str(job), check=False).splitlines()
        return dict(word.split("=", 1) for word in text[0].split() if "=" in word) if text else {}

    def state(self, job):
        return self.show(job).get("JobState", "UNKNOWN")

    def wait(self, job, seconds=90, until=("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")):
        """Waits until the job is in one of these states; returns the state it is in."""
        deadline = time.monotonic() + seconds
        while (state := self.state(job)) not in until and time.monotonic() < deadline:
            time.sleep(0.1)
        return state

    def wait_for_end_of_steps(self, job, seconds=60):
        """Until the nodes have let go of the job: one that comes back to a node earlier is held for good."""
        deadline = time.monotonic() + seconds
        while any(f"[{job}." in name for _, name in self._steps()) and time.monotonic() < deadline:
            time.sleep(0.05)

    def logs(self):
        text = ""
        for name in sorted(os.listdir(self.folder)):
            if name.endswith((".out", ".log")):
                with open(self._path(name), errors="replace") as file:
                    text += f"--- {name}\n" + "".join(file.readlines()[-15:])
        return text


def main():
    if reason := missing():
        print(reason)
        return SKIPPED
    with Cluster() as cluster:
        for key in ("SLURM_CONF", *filter(lambda name: name.startswith("OMPI_"), sorted(cluster.environment()))):
            print(f"export {key}={cluster.environment()[key]}")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
