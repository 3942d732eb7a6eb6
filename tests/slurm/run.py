"""Runs the tests named (python3 run.py jobs_test.py [-v TEST...]) in a process namespace of their own where the system
allows it: the last process of Slurm ends with it, whatever ends this one. 77: Slurm is not installed."""
import os
import pathlib
import subprocess
import sys

import cluster

ALONE = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]


def main():
    if not cluster.is_installed():
        print("slurm-wlm, munge or mpirun is not installed: skipped")
        return 77
    command = [sys.executable, str(pathlib.Path(__file__).parent / sys.argv[1]), *sys.argv[2:]]
    if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0:
        command = ALONE + command
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
