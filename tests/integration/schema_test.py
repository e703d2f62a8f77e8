# SPDX-License-Identifier: Apache-2.0
"""Result files are an interface: the keys and their order, the rows of the CSV file and their order
are those in tests/data/schema. A change there is a change of the schema: see schema_version. With
TKP_UPDATE_GOLDEN=1 in the environment the files are written anew."""
import json
import os
import pathlib
import re
import tempfile

from harness import SOURCE, RunTest, main

GOLDEN = SOURCE / "tests" / "data" / "schema"
# verdicts depend on the machine, the configuration has a schema of its own
NOT_ENTERED = {"verdict.reasons", "verdict.notes", "phases[].verdict.reasons",
               "phases[].verdict.notes", "input_config"}
# half of the requests of a phase is more than its ramp, a fifth fails
MOCK = ("--ttft", "10", "--itl", "10", "--osl", "4", "--seed", "1", "--fault-500", "0.2")
PROFILE = ("--streaming", "--concurrency", 2, "--request-count", 60, "--warmup-request-count", 8,
           "--isl", 10, "--osl", 4, "--random-seed", 1, "--goodput", "time_to_first_token:1000")
# the clock that every machine has; what the other one adds has a test of its own
PROCESS_CLOCK = ("--receive-clock", "process")


def merged(elements):
    """One object with the keys of all elements, in the order in which they come up."""
    keys = {}
    for element in elements:
        for key, value in element.items():
            known = keys.get(key)
            both = isinstance(known, dict) and isinstance(value, dict)
            keys[key] = merged([known, value]) if both else value
    return keys


def outline(value, here=""):
    """A line for each place of an object with the keys below it, in the order of the file. The
    elements of a list are taken together."""
    if here in NOT_ENTERED:
        return [here]
    if here.startswith("percentile_support.") and isinstance(value, dict):
        return [f"{here}: {' '.join(value)}"]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return outline(merged(value), here + "[]")
    if not isinstance(value, dict):
        return [here]
    plain = [key for key, below in value.items() if not isinstance(below, (dict, list))]
    if here and len(plain) == len(value):
        return [f"{here}: {' '.join(plain)}"]
    lines = [here] if here else []
    for key, below in value.items():
        lines += outline(below, f"{here}.{key}" if here else key)
    return lines


# what a row lacks whose chunks all came with one read, as after a pause of the client
OF_SEVERAL_READS = re.compile(r"metrics\.(output_token_throughput_per_user|inter_chunk_latency)\b")


class Schema(RunTest):
    maxDiff = None
    fixed = None  # the run that several tests look at

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="tokperf-schema-")
        cls.addClassCleanup(holder.cleanup)
        cls.shared = pathlib.Path(holder.name)

    def check(self, name, lines):
        path = GOLDEN / name
        text = "".join(f"{line}\n" for line in lines)
        if os.environ.get("TKP_UPDATE_GOLDEN"):
            about = f"# {name}: made by tests/integration/schema_test.py, TKP_UPDATE_GOLDEN=1\n"
            path.write_text(about + text, encoding="utf-8")
        golden = path.read_text(encoding="utf-8").split("\n", 1)[1]
        self.assertMultiLineEqual(golden, text)

    def run_fixed(self):
        """Made once, by the first test that asks for it."""
        if not Schema.fixed:
            home, self.home = self.home, self.shared
            Schema.fixed = self.profile(self.start_mock(*MOCK), *PROFILE, *PROCESS_CLOCK)
            self.home = home
        return Schema.fixed

    def run_quick(self, *arguments):
        return self.profile(self.start_mock("--fast", "--osl", "4"), "--streaming",
                            "--request-count", 4, *arguments)

    def test_summary_keys(self):
        run = self.run_fixed()
        self.assertEqual(run.json()["schema_version"], "1.0")
        self.check("profile_export.keys", outline(run.json()))
        lines = run.records(phase=None)
        ok = [line for line in lines if line["tokperf"]["outcome"] == "ok"]
        ok.sort(key=self.is_of_one_read)  # the others have all keys, in their order
        failed = [line for line in lines if line["tokperf"]["outcome"] == "http_error"]
        self.assertEqual(len(ok) + len(failed), len(lines))
        self.check("profile_export_ok.jsonl.keys", outline(merged(ok)))
        self.check("profile_export_failed.jsonl.keys", outline(merged(failed)))
        self.check("profile_export.csv.names", [row[0] if row else "" for row in run.csv_rows()])
        self.check("run.json.keys", outline(run.json("run.json")))
        snapshot = run.json("metrics/final_snapshot.json")
        self.assertEqual(snapshot["schema_version"], "1.0")
        self.check("final_snapshot.keys", outline(snapshot))
        together = outline(merged(ok))
        for line in ok:  # each alone, not only together
            self.assertEqual(outline(line), [at for at in together if not (
                self.is_of_one_read(line) and OF_SEVERAL_READS.match(at))])

    @staticmethod
    def is_of_one_read(line):
        return line["metrics"]["decode_duration"]["value"] == 0

    def test_phase_manifest_keys(self):
        config = self.home / "run.yaml"
        config.write_text("benchmark:\n  phases: {a: {requests: 3}, b: {requests: 3}}\n")
        run = self.profile(self.start_mock(*MOCK), "--config", config, *PROCESS_CLOCK)
        self.check("phase_manifest.keys", outline(run.json("phases/phase_manifest.json")))
        phases = {"phases": run.json()["phases"]}
        self.check("profile_export_phases.keys", outline(phases))

    def test_the_kernel_clock_adds_read_delay(self):
        run = self.profile(self.start_mock(*MOCK), *PROFILE, "--receive-clock", "kernel",
                           expect=None)
        if run.code == 3:
            self.skipTest(run.stderr)
        golden = (GOLDEN / "profile_export.keys").read_text(encoding="utf-8").splitlines()
        added = [line for line in outline(run.json()) if line not in golden]
        self.assertEqual([line.split(": ")[0] for line in added],
                         ["read_delay", "warmup_metrics.read_delay",
                          "percentile_support.read_delay"])

    def test_csv_shape(self):
        rows = self.run_fixed().csv_rows()
        header = ("Metric,avg,min,max,sum,p1,p5,p10,p25,p50,p75,p90,p95,p99,std,p99.9,count")
        self.assertEqual(",".join(rows[0]), header)
        blank = rows.index([])
        self.assertEqual(rows[blank + 1], ["Metric", "Value"])
        for row in rows[1:blank]:
            self.assertEqual(len(row), len(rows[0]), row)
        for row in rows[1:blank] + rows[blank + 2:]:
            for cell in row[1:]:
                self.assertRegex(cell, r"^(-?\d+(\.\d\d)?)?$")

    def test_file_bytes(self):
        run = self.run_fixed()
        raw = run.path("profile_export.csv").read_bytes()
        self.assertEqual(raw.count(b"\n"), raw.count(b"\r\n"))
        for name in ("profile_export.json", "profile_export.jsonl"):
            text = run.path(name).read_text(encoding="utf-8")
            self.assertTrue(text.endswith("}\n"))
            self.assertIsNone(re.search(r"\b(null|nan|inf|infinity)\b(?!\")", text, re.I), name)
        first = run.path("profile_export.json").read_text(encoding="utf-8")
        self.assertEqual(json.loads(first, object_pairs_hook=self.no_key_twice), run.json())

    def no_key_twice(self, pairs):
        self.assertEqual(len(dict(pairs)), len(pairs))
        return dict(pairs)

    def test_export_level_summary_has_no_requests(self):
        run = self.run_quick("--export-level", "summary")
        self.assertFalse(run.path("profile_export.jsonl").exists())
        self.assertTrue(run.path("profile_export.json").exists())
        self.assertTrue(run.path("records.tkr").exists())

    def test_prefix(self):
        run = self.run_quick("--profile-export-prefix", "profile_export_aiperf")
        names = {path.name for path in run.directory.iterdir()}
        self.assertLessEqual({"profile_export_aiperf.json", "profile_export_aiperf.csv",
                              "profile_export_aiperf.jsonl"}, names)
        self.assertNotIn("profile_export.json", names)

    def test_exporters_can_be_chosen(self):
        run = self.run_quick("--exporter", "csv")
        names = {path.name for path in run.directory.iterdir()}
        self.assertIn("profile_export.csv", names)
        self.assertNotIn("profile_export.json", names)
        self.assertEqual(run.stdout, "")
        run = self.run_quick("--exporter", "console", "--exporter", "json")
        self.assertIn("Verdict:", run.stdout)
        self.assertFalse(run.path("profile_export.csv").exists())
        self.assertTrue(run.path("profile_export.json").exists())


if __name__ == "__main__":
    main()
