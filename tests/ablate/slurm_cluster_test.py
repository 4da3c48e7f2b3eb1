"""lora-ablate on a real Slurm: slurmctld, slurmd and munged of Debian, started here for the test.

slurm_cluster_test.py FOLDER_OF_PROGRAMS. Exit code 77 where Slurm is absent or this is not root: daemons need root.
"""
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ["slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "scontrol", "sinfo"]
SETTINGS = ["batch_size=1", "checkpoint_every=1", "evaluations_per_epoch=0", "warmup_min_steps=1"]
WAIT = 240  # seconds, for anything


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition):
    end = time.time() + WAIT
    while time.time() < end:
        if condition():
            return
        time.sleep(0.1)
    raise SystemExit(f"FAIL: waited {WAIT} s for {what}")


class Cluster:
    """One node, two cores as Slurm sees it."""

    def __init__(self, folder):
        self.folder, self.host, self.daemons = folder, socket.gethostname().split(".")[0], []
        folder.chmod(0o755)
        self.start_munge()
        self.write_configuration()
        self.daemons.append(self.start(["slurmctld", "-D", "-c", "-f", self.configuration], "slurmctld"))
        self.daemons.append(self.start(["slurmd", "-D", "-c", "-f", self.configuration], "slurmd"))
        wait_for("the node", lambda: "idle" in self.run("sinfo", "--noheader", "--format", "%t"))

    def start(self, command, name, **options):
        log = open(self.folder / f"{name}.out", "wb")
        return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=self.environment(), **options)

    def start_munge(self):
        user = pwd.getpwnam("munge")
        munge = self.folder / "munge"
        munge.mkdir(mode=0o755)
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o400)
        for path in [munge, munge / "key"]:
            os.chown(path, user.pw_uid, user.pw_gid)
        self.socket = munge / "socket"
        files = [f"--{name}-file={munge / name}" for name in ("key", "log", "pid", "seed")]
        self.daemons.append(self.start(["munged", "--foreground", f"--socket={self.socket}", *files], "munged", user="munge", group="munge",
                                       extra_groups=[]))
        wait_for("munged", self.socket.exists)

    def write_configuration(self):
        self.configuration = self.folder / "slurm.conf"
        self.configuration.write_text(f"""ClusterName=telora
SlurmctldHost={self.host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
AuthType=auth/munge
AuthInfo=socket={self.socket}
CredType=cred/munge
SlurmUser=root
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
KillWait=1
SchedulerParameters=batch_sched_delay=0,sched_interval=1
NodeName={self.host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes={self.host} Default=YES State=UP
""")

    def environment(self):
        # A preloaded library of the caller is not for daemons.
        return {**{k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}, "SLURM_CONF": str(getattr(self, "configuration", ""))}

    def run(self, *command):
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True).stdout

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()


class Sweeps:
    def __init__(self, programs, folder, cluster):
        self.programs, self.folder, self.cluster = programs, folder, cluster

    def command(self, out, steps, *more):
        settings = [part for setting in [*SETTINGS, f"max_steps={steps}"] for part in ("--set", setting)]
        return [str(self.programs / "lora-ablate"), "--category", "oran-bench", "--data", "sample", "--ranks", "2,3", "--no-eval", "--jobs", "2",
                "--quiet", "--out", str(self.folder / out), *settings, *more]

    def run(self, out, steps, *more):
        result = subprocess.run(self.command(out, steps, *more), env=self.cluster.environment(), capture_output=True, text=True, cwd=ROOT)
        return result.returncode, result.stdout + result.stderr

    def begin(self, out, steps, *more):
        process = subprocess.Popen(self.command(out, steps, *more), env=self.cluster.environment(), cwd=ROOT, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        wait_for("a checkpoint", lambda: list((self.folder / out).glob("runs/*/checkpoints/step-000002/manifest.json")))
        return process

    def adapters(self, out):
        return {run: hashlib.sha256((self.folder / out / "runs" / run / "adapter_model.safetensors").read_bytes()).hexdigest()
                for run in ("r2", "r3")}

    def job(self, out):
        return (self.folder / out / "slurm" / "job-id").read_text().strip()


def check(holds, message):
    print(("ok: " if holds else "FAIL: ") + message)
    if not holds:
        sys.exit(1)


def same_adapters(sweeps):
    code, text = sweeps.run("local", 6)
    check(code == 0, f"a sweep with local processes: exit code {code}\n{text}")
    code, text = sweeps.run("slurm", 6, "--launcher", "slurm")
    check(code == 0, f"the same through Slurm: exit code {code}\n{text}")
    check(sweeps.adapters("slurm") == sweeps.adapters("local"), "the same adapters, bit for bit")


def survives_preemption(sweeps, steps):
    process = sweeps.begin("preempted", steps, "--launcher", "slurm")
    sweeps.cluster.run("scancel", "--batch", "--signal=TERM", sweeps.job("preempted"))
    text, _ = process.communicate()
    check(process.returncode == 0, f"tasks that got SIGTERM were put into the queue again: exit code {process.returncode}\n{text}")
    check(sweeps.adapters("preempted") == sweeps.adapters("long"), "and trained the same adapters")


def stops_on_request(sweeps, steps):
    process = sweeps.begin("stopped", steps, "--launcher", "slurm")
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate()
    check(process.returncode == 130, f"Ctrl-C: exit code {process.returncode}\n{text}")
    check(not sweeps.cluster.run("squeue", "--noheader"), "and nothing is left in the queue")
    code, text = sweeps.run("stopped", steps, "--launcher", "slurm")
    check(code == 0 and sweeps.adapters("stopped") == sweeps.adapters("long"), f"the same command goes on: exit code {code}\n{text}")


def survives_a_drained_node(sweeps):
    cluster = sweeps.cluster
    cluster.run("scontrol", "update", f"nodename={cluster.host}", "state=drain", "reason=test")
    process = subprocess.Popen(sweeps.command("drained", 6, "--launcher", "slurm"), env=cluster.environment(), cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for("a waiting job", lambda: "PD" in cluster.run("squeue", "--noheader", "--format", "%t"))
    time.sleep(5)
    check(process.poll() is None, "the driver waits for a drained node")
    cluster.run("scontrol", "update", f"nodename={cluster.host}", "state=resume")
    text, _ = process.communicate()
    check(process.returncode == 0, f"and goes on when it is back: exit code {process.returncode}\n{text}")
    check(sweeps.adapters("drained") == sweeps.adapters("local"), "with the same adapters")


def survives_a_cancelled_job(sweeps, steps):
    process = sweeps.begin("cancelled", steps, "--launcher", "slurm")
    sweeps.cluster.run("scancel", sweeps.job("cancelled"))
    text, _ = process.communicate()
    check(process.returncode == 1 and "not finished" in text, f"a cancelled job is said: exit code {process.returncode}\n{text}")
    code, text = sweeps.run("cancelled", steps, "--launcher", "slurm")
    check(code == 0, f"the same command goes on: exit code {code}\n{text}")
    check(sweeps.adapters("cancelled") == sweeps.adapters("long"), "with the same adapters")


def is_refused(sweeps):
    code, text = sweeps.run("refused", 6, "--launcher", "slurm", "--partition", "none")
    check(code == 69 and text.count("\n") == 1 and "partition" in text, f"a job that Slurm refuses: exit code {code}, {text}")


def main():
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        skip(f"no {missing[0]}; tools/setup.sh --reference installs slurm-wlm and munge")
    if os.geteuid() != 0:
        skip("Slurm's daemons need root")
    programs = Path(sys.argv[1]).resolve()
    if not (ROOT / "models" / "smollm2-135m-instruct.gguf").exists():
        skip("models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh")
    folder = Path(tempfile.mkdtemp(prefix="telora-slurm-"))
    cluster = None
    try:
        cluster = Cluster(folder)
        sweeps = Sweeps(programs, folder, cluster)
        same_adapters(sweeps)
        steps = 80
        check(sweeps.run("long", steps)[0] == 0, "a longer sweep with local processes")
        survives_preemption(sweeps, steps)
        if "--all" in sys.argv:
            survives_a_cancelled_job(sweeps, steps)
            stops_on_request(sweeps, steps)
            survives_a_drained_node(sweeps)
            is_refused(sweeps)
    finally:
        if cluster:
            cluster.stop()
        if "--keep" not in sys.argv:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(folder)


main()
