"""A Slurm of two nodes on this machine: munge with a key of its own, slurmctld, and two slurmd under the names node1
and node2, all in one folder and on free ports, for as long as the tests last. Whatever happens, nothing of it stays:
daemons die with this process (PR_SET_PDEATHSIG), what they leave becomes its child (PR_SET_CHILD_SUBREAPER) and is
killed at the end; run.py puts all into a process namespace too, where the system allows that.

Partitions: `low` (preempted by `high`: the user's signal first, a minute of grace, then requeued) and `high`.
"""
import ctypes
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from processes import descendants  # noqa: E402

DEADLINE_S = 400
DAEMONS = ("munged", "slurmctld", "slurmd")
CPUS = 8  # a node; as many ranks as the tests start at once, whatever the machine has
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None)


def is_installed():
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return all(shutil.which(name, path=path) for name in (*DAEMONS, "sbatch", "srun", "mpirun"))


def wait_until(condition, what, deadline_s=DEADLINE_S):
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.2)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def configuration(folder, host, user, ports):
    control, *nodes = ports
    lines = [f"NodeName=node{i} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} RealMemory=16000"
             for i, port in enumerate(nodes, 1)]
    return f"""ClusterName=unroll-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
TmpFS={folder}/tmp-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=1,sched_min_interval=500000,bf_interval=5
ReturnToService=2
SlurmdTimeout=60
JobRequeue=1
KillWait=10
MinJobAge=3600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
""" + "\n".join(lines) + """
PartitionName=low Nodes=node[1-2] Default=YES PriorityTier=1 GraceTime=60 MaxTime=UNLIMITED DefaultTime=10
PartitionName=high Nodes=node[1-2] PriorityTier=10 PreemptMode=OFF MaxTime=UNLIMITED DefaultTime=10
"""


class Cluster:
    """`with Cluster(folder) as slurm:`; folder: an empty one with a short path (sockets)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.host = socket.gethostname().split(".")[0]
        self.ports = free_ports(3)
        self.daemons = {}
        self.env = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"),
                    "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}

    def __enter__(self):
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error):
        self.stop()

    def start(self):
        for name in ("state", "spool-node1", "spool-node2", "tmp-node1", "tmp-node2"):
            (self.folder / name).mkdir()
        user = pwd.getpwuid(os.getuid()).pw_name
        (self.folder / "slurm.conf").write_text(configuration(self.folder, self.host, user, self.ports))
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        self.daemon("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.folder}/munge.socket",
                    f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
                    f"--seed-file={self.folder}/munged.seed", "--num-threads=2")
        wait_until((self.folder / "munge.socket").exists, "munged", 30)
        self.daemon("slurmctld", "-D")
        for node in ("node1", "node2"):
            self.start_node(node)
        wait_until(lambda: self.idle_nodes() == ["node1", "node2"], "both nodes to be idle", 60)

    def start_node(self, node):
        self.daemon(f"slurmd {node}", "-D", "-N", node)

    def daemon(self, name, *words):
        log = open(self.folder / f"{name.replace(' ', '-')}.out", "ab")
        with log:
            self.daemons[name] = subprocess.Popen([name.split()[0], *words], stdin=subprocess.DEVNULL, stdout=log,
                                                  stderr=log, env=self.env, preexec_fn=_die_with_parent)

    def kill_daemon(self, name):
        """kill -9: as a node that is cut off. Its steps go on."""
        daemon = self.daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def stop(self):
        for _ in range(50):
            left = descendants(os.getpid())
            if not left:
                return
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                while os.waitpid(-1, os.WNOHANG)[0] != 0:
                    pass
            except ChildProcessError:
                return
            time.sleep(0.1)

    def call(self, *words, env=None, check=True, cwd=None, timeout=DEADLINE_S):
        result = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout,
                                env={**self.env, **(env or {})}, check=False, cwd=cwd)
        if check and result.returncode != 0:
            raise AssertionError(f"{words}: {result}")
        return result

    def idle_nodes(self):
        return sorted(self.call("sinfo", "-h", "-N", "-t", "idle", "-p", "low", "-o", "%N", check=False).stdout.split())

    def submit(self, *words, **options):
        """sbatch; the job's number."""
        return int(self.call("sbatch", "--parsable", *words, **options).stdout)

    def job(self, job):
        """What scontrol shows, by its names; {} when Slurm does not answer."""
        text = self.call("scontrol", "-o", "show", "job", job, check=False).stdout
        return dict(re.findall(r"(\S+?)=(\S*)", text.splitlines()[0])) if text else {}

    def wait_for(self, job, *states, deadline_s=DEADLINE_S):
        """Until the job is in one of these states: what scontrol shows then."""
        seen = {}

        def is_there():
            seen.update(self.job(job))
            return seen.get("JobState") in states

        try:
            wait_until(is_there, f"job {job} to be {' or '.join(states)}", deadline_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: it is {seen}") from None
        return dict(seen)
