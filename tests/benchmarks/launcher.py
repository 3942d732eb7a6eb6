"""Starts processes side by side and waits for them. One JSON request a line: {"commands": [[word...]...], "logs":
[file...]}; one JSON answer: wall seconds, the largest resident memory, exit codes.

A process of its own, without LibTorch: a child's peak memory is never below that of the process it was forked from.
"""
import json
import os
import subprocess
import sys
import time


def answer(request):
    started, processes = time.perf_counter(), []
    for command, log in zip(request["commands"], request["logs"]):
        with open(log, "w", encoding="utf-8") as file:
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file))
    codes, peak_kib = [], 0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        codes.append(os.waitstatus_to_exitcode(status))
        process.returncode = codes[-1]
        peak_kib = max(peak_kib, usage.ru_maxrss)
    return {"seconds": time.perf_counter() - started, "peak_mib": peak_kib / 1024, "codes": codes}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
