# SPDX-License-Identifier: Apache-2.0
"""Verdicts of the demonstration's run, many times over: on an idle machine all are valid."""
import collections
import json
import shutil
import subprocess

from measure import judge


def verdicts(bench):
    """Verdicts of 100 runs of the demo."""
    runs = 10 if bench.quick else 100
    statuses, reasons = collections.Counter(), collections.Counter()
    result = bench.folder / "demo"
    for _ in range(runs):
        shutil.rmtree(result, ignore_errors=True)
        subprocess.run([bench.build / "bin/tokperf", "profile", "--url", "mock:", "--streaming",
                        "--concurrency", "8", "--request-count", "200", "--ui-type", "none",
                        "--output-artifact-dir", result],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        verdict = json.loads((result / "profile_export.json").read_text())["verdict"]
        statuses[verdict["status"]] += 1
        reasons.update(reason["code"] for reason in verdict["reasons"])
    return {"statuses": dict(statuses), "reasons": dict(reasons),
            "goals": [judge("share of valid verdicts", statuses["valid"] / runs, 1.0,
                            at_least=True)]}
