# SPDX-License-Identifier: Apache-2.0
"""What a run leaves: the promised files and nothing else, rows that a stranger reads alike, no
secret anywhere, nothing overwritten, and `tokperf report` making all of it again."""
import base64
import pathlib
import shutil
import sys

from harness import RUN_DEADLINE_S, SOURCE, Run, RunTest, main
from live import wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

PROMISED = {"config.yaml", "inputs.json", "logs/tokperf.log", "metrics/final_snapshot.json",
            "profile_export.csv", "profile_export.json", "profile_export.jsonl", "records.tkr",
            "run.json"}
EXPORTS = ("profile_export.json", "profile_export.csv", "profile_export.jsonl")
FAULTS = ("--fault-500", "0.1", "--fault-truncate", "0.1", "--fault-stream-error", "0.1",
          "--fault-empty", "0.1", "--seed", "5")


def files_of(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*")
            if not path.is_dir()}


def ms(later, earlier):
    return (later - earlier) / 1e6


class Results(RunTest):
    def rebuild(self, run):
        """`tokperf report` on a copy of what the run cannot do without."""
        copy = self.new_directory()
        copy.mkdir()
        shutil.copy(run.path("records.tkr"), copy)
        again = Run(["report", str(copy)], copy)
        self.assertEqual(again.code, 0, again.stderr)
        return again

    def assert_same_exports(self, run, names=EXPORTS):
        again = self.rebuild(run)
        self.assertEqual(files_of(again.directory), {"records.tkr", *names})
        for name in names:
            self.assertEqual(again.path(name).read_bytes(), run.path(name).read_bytes(), name)
        before = run.stdout.replace(str(run.directory), "DIR")
        self.assertEqual(again.stdout.replace(str(again.directory), "DIR"), before)

    def test_the_promised_files_and_nothing_else(self):
        mock = self.start_mock("--fast")
        run = self.profile(mock, "--concurrency", 2, "--request-count", 10)
        self.assertEqual(files_of(run.directory), PROMISED)

    def check_row(self, row, line, offset, session_ids):
        """One row of the log, read by docs/records.md, against its line of the JSONL."""
        meta, ours, metrics = line["metadata"], line["tokperf"], line["metrics"]
        self.assertEqual(records.OUTCOMES[row["outcome"]], ours["outcome"])
        self.assertEqual(row["ordinal"], meta["session_num"])
        self.assertEqual(row["turn_index"], meta["turn_index"])
        self.assertEqual(session_ids[row["dataset_row"]], meta["conversation_id"])
        self.assertEqual(f"{row['prompt_hash']:016x}", ours["prompt_hash"])
        self.assertEqual(row["dataset_row"], ours["dataset_row"])
        self.assertEqual(row["retries"], ours["retries"])
        self.assertEqual(bool(row["flags"] & 4), ours["connection_reused"])
        self.assertEqual(row["finish_reason"], ours.get("finish_reason", ""))
        for ours_name, key in (("intended_ns", "intended_ns"), ("ready_ns", "ready_ns"),
                               ("start_ns", "start_ns")):
            self.assertEqual(row[ours_name] + offset, ours[key])
        self.assertEqual(row["start_ns"] + offset, meta["request_start_ns"])
        self.assertEqual(row["end_ns"] + offset, meta["request_end_ns"])
        self.assertEqual(row["first_byte_ns"] + offset, meta["request_ack_ns"])
        if ours["outcome"] != "ok":
            self.assertIn("error", line)
            return
        self.assertNotIn("error", line)
        self.assertEqual(len(row["chunk_ns"]), row["chunk_count"])
        self.assertEqual(row["chunk_ns"][0], row["first_token_ns"])
        self.assertEqual(row["chunk_ns"][-1], row["last_token_ns"])
        self.assertAlmostEqual(metrics["time_to_first_token"]["value"],
                               ms(row["first_token_ns"], row["start_ns"]), 9)
        self.assertAlmostEqual(metrics["request_latency"]["value"],
                               ms(row["last_token_ns"], row["start_ns"]), 9)
        self.assertEqual(metrics["output_sequence_length"]["value"], row["completion_tokens"])
        gaps = [ms(b, a) for a, b in zip(row["chunk_ns"], row["chunk_ns"][1:]) if a != b]
        self.assertEqual(len(row["chunk_ns"]) - 1 - len(gaps), row["coalesced_count"])
        shown = metrics.get("inter_chunk_latency", {"value": []})["value"]
        self.assertEqual(len(shown), len(gaps))
        for one, other in zip(shown, gaps):
            self.assertAlmostEqual(one, other, 9)

    def test_a_strangers_reader_agrees(self):
        mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "12", *FAULTS)
        run = self.profile(mock, "--streaming", "--concurrency", 8, "--request-count", 200,
                           "--workers-max", 1, "--isl", 10)
        log = records.read(run.path("records.tkr"))
        lines = run.records()
        self.assertIsNone(log.damage)
        self.assertEqual(log.end["rows"], 200)
        self.assertEqual(log.end["chunk_times"], sum(len(row["chunk_ns"]) for row in log.rows))
        self.assertEqual(len(log.rows), len(lines))
        self.assertGreater(len({row["outcome"] for row in log.rows}), 3)
        offset = log.run["monotonic_to_realtime_ns"]
        for row, line in zip(log.rows, lines):
            self.check_row(row, line, offset, log.session_ids)
        self.assertEqual(log.run["benchmark_id"], run.json()["benchmark_id"])
        self.assertEqual(log.run["config_yaml"], run.path("config.yaml").read_text())
        self.assertEqual(log.run["seed"], run.json()["run_info"]["random_seed"])

    def test_a_row_of_several_blocks(self):
        mock = self.start_mock("--ttft", "0", "--itl", "0.01", "--osl", "70000")
        run = self.profile(mock, "--streaming", "--concurrency", 1, "--request-count", 1,
                           "--isl", 10)
        log = records.read(run.path("records.tkr"))
        self.assertIn(records.CHUNKS, [kind for _, kind, _ in log.blocks])
        row, line = log.rows[0], run.records()[0]
        self.assertEqual(len(row["chunk_ns"]), 70000)
        self.check_row(row, line, log.run["monotonic_to_realtime_ns"], log.session_ids)

    def test_report_makes_the_same_files(self):
        mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "12", *FAULTS)
        self.assert_same_exports(self.profile(
            mock, "--streaming", "--concurrency", 8, "--request-count", 100, "--isl", 10,
            "--warmup-request-count", 10, "--goodput", "time_to_first_token:20"))

    def test_report_makes_the_same_files_without_streaming(self):
        mock = self.start_mock("--ttft", "1", "--itl", "0")
        self.assert_same_exports(self.profile(mock, "--request-rate", 200, "--request-count", 40,
                                              "--isl", 10, "--workers-max", 2))

    def test_report_refuses_what_is_no_run(self):
        empty = self.new_directory()
        empty.mkdir()
        (empty / "notes.txt").write_text("mine")
        for argument in (empty, empty / "absent", empty / "notes.txt"):
            run = Run(["report", str(argument)])
            self.assertEqual(run.code, 2, run.stderr)
            self.assertIn(str(argument), run.stderr)
        (empty / "records.tkr").write_text("not a record log, but long enough to be one")
        run = Run(["report", str(empty)])
        self.assertEqual(run.code, 2, run.stderr)
        self.assertEqual(files_of(empty), {"notes.txt", "records.tkr"})
        self.assertEqual(Run(["report"]).code, 2)

    def assert_nowhere(self, run, secrets):
        for name in files_of(run.directory):
            content = run.path(name).read_bytes()
            for secret in secrets:
                self.assertFalse(secret.encode() in content, f"{secret} in {name}")
        for secret in secrets:
            self.assertNotIn(secret, run.stdout)
            self.assertNotIn(secret, run.stderr)

    def test_secrets_stay_inside(self):
        mock = self.start_mock("--fast", "--api-key", "sk-topsecret1")
        secrets = ("topsecret1", "topsecret2", "topsecret3", "topsecret4", "topsecret5")
        run = self.profile(mock, "--api-key", "sk-topsecret1", "--header", "X-Api-Key: topsecret2",
                           "--header", "Cookie: session=topsecret3", "--extra-inputs",
                           "api_key:topsecret4", "--extra-inputs", '{"user_token":"topsecret5"}',
                           "--concurrency", 2, "--request-count", 10, "-v")
        self.assertEqual(run.outcomes(), {"ok": 10})
        self.assertIn("redacted", run.path("config.yaml").read_text())
        self.assert_nowhere(run, secrets)
        self.assert_nowhere(self.rebuild(run), secrets)

    def test_secrets_of_environment_and_url_stay_inside(self):
        mock = self.start_mock("--fast")
        run = self.profile(f"http://user:topsecret6@127.0.0.1:{mock.port}", "--concurrency", 2,
                           "--request-count", 4,
                           environment={"TOKPERF_ENDPOINT__HEADERS": "X-Api-Key: topsecret7"})
        basic = base64.b64encode(b"user:topsecret6").decode()
        self.assert_nowhere(run, ("topsecret6", "topsecret7", basic))

    def test_secrets_stay_inside_when_it_fails(self):
        mock = self.start_mock("--fast", "--api-key", "right")
        for url, more in ((f"http://127.0.0.1:{mock.port}",
                           ("--header", "Authorization: Bearer topsecret8")),
                          (f"http://user:topsecret8@127.0.0.1:{mock.port}", ()),
                          ("http://127.0.0.1:9", ("--endpoint", "/v1/x?api_key=topsecret8")),
                          ("http://user:topsecret8@127.0.0.1:9", ())):
            run = self.profile(url, "--request-count", 4, *more, "--header",
                               "X-Goog-Api-Key: topsecret9", expect=1)
            self.assertGreater(run.count("error_request_count"), 0)
            self.assert_nowhere(run, ("topsecret8", "topsecret9"))

    def test_secrets_stay_inside_when_it_is_refused(self):
        for url, more, code in (("http://user:topsecret8@127.0.0.1:x", (), 2),
                                ("http://127.0.0.1:9/?api_key=topsecret8", (), 2),
                                ("http://user:topsecret8@nowhere.invalid", (), None),
                                ("http://user:topsecret8@127.0.0.1:9",
                                 ("--api-key", "topsecret9"), 2)):
            run = self.profile(url, *more, "--request-count", 1, expect=code)
            for secret in ("topsecret8", "topsecret9"):
                self.assertNotIn(secret, run.stdout + run.stderr)

    def test_a_result_is_not_overwritten(self):
        mock = self.start_mock("--fast")
        first = self.profile(mock, "--request-count", 5)
        (first.directory / "profile_export_old.csv").write_text("of an earlier run")
        before = {name: first.path(name).read_bytes() for name in files_of(first.directory)}
        arguments = ["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "test",
                     "--request-count", "7", "--output-artifact-dir", str(first.directory)]
        served = mock.counters()['requests_total{route="chat"}']
        refused = Run(arguments, first.directory)
        self.assertEqual(refused.code, 2)
        self.assertIn("--overwrite", refused.stderr)
        self.assertIn(str(first.directory), refused.stderr)
        self.assertEqual(mock.counters()['requests_total{route="chat"}'], served)
        after = {name: first.path(name).read_bytes() for name in files_of(first.directory)}
        self.assertEqual(after, before)
        again = Run([*arguments, "--overwrite"], first.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertEqual(again.count("request_count"), 7)
        self.assertEqual(files_of(first.directory), PROMISED)

    def test_nothing_is_written_through_a_link(self):
        mock = self.start_mock("--fast")
        for name in ("records.tkr", "logs/tokperf.log"):
            first = self.profile(mock, "--request-count", 3)
            elsewhere = self.home / "elsewhere"
            elsewhere.write_text("not of this run")
            first.path(name).unlink()
            first.path(name).symlink_to(elsewhere)
            again = Run(["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "test",
                         "--request-count", "3", "--overwrite", "--output-artifact-dir",
                         str(first.directory)])
            self.assertEqual(again.code, 3, again.stderr)
            self.assertIn(name, again.stderr)
            self.assertEqual(elsewhere.read_text(), "not of this run")

    def test_names_are_numbered(self):
        mock = self.start_mock("--fast")
        for name in ("my_model-chat-concurrency3", "my_model-chat-concurrency3-2"):
            run = Run(["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "my/model",
                       "--concurrency", "3", "--request-count", "3"], cwd=self.home)
            self.assertEqual(run.code, 0, run.stderr)
            self.assertEqual(files_of(self.home / "artifacts" / name), PROMISED)
            self.assertIn(name, run.stdout)

    def test_a_place_that_cannot_be_written(self):
        mock = self.start_mock("--fast")
        self.home.chmod(0o555)
        self.addCleanup(self.home.chmod, 0o755)
        run = self.profile(mock, "--request-count", 3, obeys_modes=True, expect=3)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn(f"'{run.directory}': Permission denied", run.stderr)
        self.assertEqual(mock.counters()['requests_total{route="chat"}'], 0)

    def test_a_directory_that_goes_while_the_run_goes_on(self):
        mock = self.start_mock("--fast", "--osl", "4")
        mock.pause()
        process = self.start_profile(mock, "--request-count", 4)
        log = process.directory / "logs" / "tokperf.log"
        wait_until(lambda: process.poll() is not None or
                   log.exists() and "phase profiling begins" in log.read_text(), "the load")
        shutil.rmtree(process.directory)
        mock.go_on()
        _, said = process.communicate(timeout=RUN_DEADLINE_S)
        self.assertEqual(process.returncode, 3, said)
        self.assertIn("profile_export.json", said)

    def test_a_file_where_the_directory_should_be(self):
        mock = self.start_mock("--fast")
        self.new_directory()
        pathlib.Path(self.home / f"run{self.runs + 1}").write_text("mine")
        run = self.profile(mock, "--request-count", 3, expect=2)
        self.assertIn(str(run.directory), run.stderr)


if __name__ == "__main__":
    main()
