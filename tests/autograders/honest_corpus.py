"""The honest corpus: right answers in other styles, judged in a process with a BLAS kernel and a number of threads.

    OPENBLAS_CORETYPE=Haswell OMP_NUM_THREADS=2 python tests/autograders/honest_corpus.py 1 2 3

judges every honest variant of every exercise with the seeds 1, 2 and 3 and prints JSON: the failures, and how far off
each was, as a share of what it may be.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict

import numpy as np

KERNELS = {"SkylakeX": "avx512f", "Haswell": "avx2", "Nehalem": "sse4_2"}  # OpenBLAS's name: what the processor needs


def kernels():
    """The two best of OpenBLAS's kernels that this processor can run."""
    try:
        with open("/proc/cpuinfo") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:  # not Linux
        flags = []
    return [name for name, flag in KERNELS.items() if flag in flags][:2]


def in_a_process(kernel, threads, seeds):
    """What `survey` finds in a new process that computes with this kernel and so many threads."""
    environment = {**os.environ, "OPENBLAS_CORETYPE": kernel, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, __file__, *map(str, seeds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def survey(seeds):
    """{"blas": [[kernel, threads], ...], "variants": count, "failures": [...], "shares": {exercise: {dtype: share}}}."""
    import threadpoolctl

    from autograders.judge import judge
    from autograders.session import LocalSession
    from autograders.spec import load, names

    failures, shares, variants = [], {}, 0
    for name in names():
        spec, shares[name] = load(name), defaultdict(float)
        for answer in spec.honest:
            variants += 1
            for seed in seeds:
                report = judge(spec, LocalSession(answer, spec.use), seed)
                if not report.passed:
                    failures.append([name, answer.__name__, seed, report.text()])
                for dtype, share in errors(spec, answer, seed):
                    shares[name][dtype] = max(shares[name][dtype], share)
    blas = [[pool["architecture"], pool["num_threads"]] for pool in threadpoolctl.threadpool_info()
            if pool["internal_api"] == "openblas"]
    return {"blas": blas, "variants": variants, "failures": failures, "shares": shares}


def errors(spec, answer, seed):
    """Yield (dtype, the largest error as a share of the allowance) for each array of each case that has an allowance."""
    from autograders.compare import as_array
    from autograders.judge import expected_of, measured
    from autograders.problems import parts_of
    from autograders.session import LocalSession

    for case in spec.cases_for(seed):
        outcome = measured(spec, case, LocalSession(answer, spec.use).call(*case.arguments))
        for expected, value in zip(expected_of(spec, case), parts_of(spec, outcome) or ()):
            array = as_array(value)
            if array is None or array.shape != expected.array.shape:
                continue
            allowed = np.broadcast_to(expected.allowed(array.dtype), array.shape)
            gap = np.abs(array.astype(np.float64) - expected.array)
            if np.any(allowed > 0):
                yield str(array.dtype), float(np.max(gap[allowed > 0] / allowed[allowed > 0]))


if __name__ == "__main__":
    print(json.dumps(survey([int(seed) for seed in sys.argv[1:]])))
