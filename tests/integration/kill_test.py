# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a run, of a collector and of an observer, and signals to a run, from its start to its
report. What is left goes on with right numbers and ends in its time, and `tokperf report` gives
every request that had finished a second before. TKP_KILL_ROUNDS rounds, drawn by TKP_KILL_SEED;
tools/kill.sh runs many."""
import json
import os
import random
import signal
import sys
import time

from harness import SOURCE, Run, RunTest, main
from kill_support import BOUND_S, Scene, is_gone, json_lines
from live import wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

ROUNDS = int(os.environ.get("TKP_KILL_ROUNDS", "12"))
SEED = int(os.environ.get("TKP_KILL_SEED", random.SystemRandom().randrange(1 << 32)))
LOST_AT_MOST_NS = 1_000_000_000  # docs/records.md
CONCURRENCY = 8
REQUESTS = 150
LONGER = 750  # more than two seconds of them: some have finished a second before the end
# Streams with samples of every kind; answers so long that counting them takes a while.
LIVE = ("--ttft", "25", "--itl", "0.2", "--osl", "12")
LONG = ("--ttft", "5", "--itl", "0", "--osl", "20000")


class Kill(RunTest):
    def setUp(self):
        super().setUp()
        self.live = self.start_mock(*LIVE)
        self.long = self.start_mock(*LONG)
        print(f"TKP_KILL_SEED={SEED}", file=sys.stderr)

    def play(self, number, victim, moment, draw):
        """One round: a run up to the moment, and the victim's end. Returns the scene."""
        is_longer = victim == "run" and moment in ("load", "last answers")
        drains = moment in ("drain", "counting") or (not is_longer and draw.random() < 0.2)
        requests = LONGER if is_longer else REQUESTS
        more = ["--events-log", self.home / f"round{number}.events"] if draw.random() < 0.5 else []
        collector = ""
        if victim == "run" and draw.random() < 0.5:
            more += ["--baseline-timeout", "1"]  # some of what a gate waits for never comes
            collector = draw.choice(["--ack never", "--ack late", "--silent"])
            if collector == "--silent" and moment in Scene.LATE:
                collector = ""  # ten seconds until then
        scene = Scene(self, self.long if drains else self.live, f"round{number}", requests, *more,
                      streaming=not drains, collector=collector)
        self.scene = scene
        return scene

    def rounds(self, victim, share, act):
        """Acts at moments of as many runs, each moment once before any comes again."""
        draw = random.Random(f"{SEED} {victim}")
        names = []
        for number in range(max(1, round(ROUNDS * share))):
            if not names:
                names = list(Scene.MOMENTS)
                draw.shuffle(names)
            with self.subTest(victim=victim, moment=names[-1], round=number, seed=SEED):
                act(self.play(number, victim, names[-1], draw), names.pop(), draw)

    def linger(self, draw):
        """The moment is not always the same one."""
        end = time.monotonic() + draw.choice((0, 0, 0.003, 0.03))
        while time.monotonic() < end:
            pass

    # ---- what has to hold

    def check_complete(self, scene, messages=()):
        """The run went to its end as if nothing had happened."""
        self.assertEqual(scene.run.wait(), 0, scene.said())
        said = scene.said()
        self.assertEqual(len(said), len(messages), said)
        for line, words in zip(said, messages):
            self.assertIn(words, line)
        self.assertEqual(scene.done(), scene.requests)
        self.assertEqual(scene.result()["request_count"]["avg"], scene.requests)
        self.assertEqual(len(json_lines(scene.directory / "profile_export.jsonl")), scene.requests)
        self.assertEqual(scene.snapshot()["state"], "complete")
        self.assertEqual(scene.folders(), [])

    def check_observer(self, observer, state):
        """It has everything to the end. Of samples some may be missing where the run was too busy
        for them; then it says how many."""
        self.assertEqual(observer.wait(), 0, observer.messages())
        events = json_lines(observer.out)
        self.assertEqual(events[-1]["event"], "session.ended")
        self.assertEqual(events[-1]["data"]["state"], state)
        missed = {}
        for topic in ("session", "phase", "sample", "snapshot"):
            numbers = [e["sequence"] for e in events if e["topic"] == topic]
            self.assertEqual(numbers, sorted(set(numbers)), topic)
            missed[topic] = numbers[-1] + 1 - numbers[0] - len(numbers) if numbers else 0
        samples = missed.pop("sample")
        self.assertEqual(set(missed.values()), {0}, missed)
        self.assertEqual(len(observer.messages()), 1 if samples else 0, observer.messages())
        for line in observer.messages():
            self.assertIn(f"{samples} events missed ({samples} of sample)", line)

    def check_nobody_is_left(self, scene):
        for pid in scene.pids():
            wait_until(lambda p=pid: is_gone(p), f"the end of collector {pid}")

    def check_report(self, scene, promised, at_most):
        """From the directory alone, which is the same when it is made twice."""
        again = Run(["report", str(scene.directory)], scene.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertEqual(again.json()["report_source"], "record_log")
        log = records.read(scene.directory / "records.tkr", sums=scene.streaming)
        self.assertIsNone(log.damage)
        ok = [row for row in log.rows if records.OUTCOMES[row["outcome"]] == "ok"]
        self.assertEqual(again.count("request_count"), len(ok))
        self.assertEqual(len(again.records()), len(log.rows))
        self.assertGreaterEqual(len(ok), promised)
        self.assertLessEqual(len(ok), at_most)
        return again

    # ---- who is killed

    def test_an_observer(self):
        def act(scene, moment, draw):
            moments = scene.moments(draw)
            stays, victim = scene.observe(), scene.observe()
            if scene.wait_for(moments[moment]):
                self.linger(draw)
                if not victim.is_over():
                    victim.kill()
            self.check_complete(scene)
            if json_lines(stays.out):
                self.check_observer(stays, "complete")
        self.rounds("observer", 0.2, act)

    def test_a_collector(self):
        def act(scene, moment, draw):
            moments = scene.moments(draw)
            observer = scene.observe()
            killed = False
            if scene.wait_for(moments[moment]):
                self.linger(draw)
                notes = json_lines(scene.logs[1])
                killed = bool(notes) and not is_gone(notes[-1]["pid"])
                if killed:
                    try:
                        os.kill(notes[-1]["pid"], signal.SIGKILL)
                    except ProcessLookupError:
                        killed = False  # it was faster
            self.assertEqual(scene.run.wait(), 0, scene.said())
            said = scene.said()
            self.assertLessEqual(len(said), 2 * killed, said)
            for line in said:
                self.assertIn("test_collector-2", line)
            self.check_complete(scene, said)
            self.check_gates(scene)
            if json_lines(observer.out):
                self.check_observer(observer, "complete")
            self.check_nobody_is_left(scene)
        self.rounds("collector", 0.25, act)

    def check_gates(self, scene):
        """The other one was asked for everything."""
        asked = [(n["what"], n.get("kind")) for n in json_lines(scene.logs[0])
                 if n["what"] in ("baseline", "finish")]
        self.assertEqual(asked, [("baseline", "start"), ("baseline", "end"), ("finish", "end")])

    def test_the_run(self):
        def act(scene, moment, draw):
            moments = scene.moments(draw)
            observer = scene.observe() if moment not in ("spawn", "directory") else None
            scene.wait_for(moments[moment])
            self.linger(draw)
            scene.run.kill()
            scene.run.wait()
            self.check_nobody_is_left(scene)
            if observer:
                self.assertIn(observer.wait(), (0, 1, 2, 3) if not json_lines(observer.out)
                              else (0, 1), observer.messages())
                self.assertLessEqual(len(observer.messages()), 2, observer.messages())
            promised = self.promised(json_lines(observer.out)) if observer else 0
            self.check_what_a_kill_leaves(scene, promised)
        self.rounds("run", 0.35, act)
        self.check_the_next_run_sweeps()

    def promised(self, events):
        """How many had finished a second before the run's last signs of life. By its own snapshots:
        a machine that stands still gives it no second to write in."""
        counted = [(e["data"]["time_ns"], sum(p["counters"].get("request_count", 0)
                                              for p in e["data"]["phases"]))
                   for e in events if e["event"] == "snapshot"]
        # it wrote between the one before the last and the last
        alive_ns = max((at_ns for at_ns, _ in counted[:-1]), default=0)
        return max((done for at_ns, done in counted if at_ns <= alive_ns - LOST_AT_MOST_NS),
                   default=0)

    def check_what_a_kill_leaves(self, scene, promised):
        log = scene.directory / "records.tkr"
        if not log.exists() or records.read(log, sums=False).run is None:
            self.assertEqual(promised, 0)
            if scene.directory.exists():
                early = Run(["report", str(scene.directory)])
                self.assertEqual((early.code, len(early.stderr.splitlines())), (2, 1), early.stderr)
            return
        self.check_report(scene, promised, scene.done())
        if scene.has("metrics/*.json"):
            self.assertIn(scene.snapshot()["state"], ("complete", "interrupted"))
            # ... and with nothing but that
            for name in ("records.tkr", "tokens.tkr"):
                (scene.directory / name).unlink(missing_ok=True)
            again = Run(["report", str(scene.directory)], scene.directory)
            self.assertEqual(again.code, 0, again.stderr)
            self.assertEqual(again.json()["report_source"], "final_snapshot")
            self.assertEqual(again.count("request_count"), scene.requests)

    def check_the_next_run_sweeps(self):
        """Folders of sockets of runs that were killed."""
        scene = Scene(self, self.live, "next", 20)
        scene.run.wait()
        self.assertEqual(scene.folders(), [])

    # ---- signals

    def test_signals(self):
        def act(scene, moment, draw):
            moments = scene.moments(draw)
            number = draw.choice((signal.SIGINT, signal.SIGTERM))
            observer = scene.observe() if moment not in ("spawn", "directory") else None
            was_decided = was_sent = False
            if scene.wait_for(moments[moment]):
                self.linger(draw)
                was_decided = scene.has("metrics/final_snapshot.json")
                if not scene.run.is_over():
                    scene.run.signal(number)
                    was_sent = True
            code = scene.run.wait()
            self.assertLessEqual(len(scene.said()), 4, scene.said())
            self.check_nobody_is_left(scene)
            self.assertEqual(scene.folders(), [])
            if not scene.directory.exists():  # before it had sent anything
                self.assertIn(code, (130, -number))
                return
            state = scene.snapshot()["state"]
            self.assertIn((code, state), [(130, "interrupted"), (0, "complete")])
            if was_decided or not was_sent:  # nothing changes it
                self.assertEqual(code, 0)
            is_interrupted = code == 130
            self.assertEqual(scene.snapshot()["was_cancelled"], is_interrupted)
            if scene.result()["was_cancelled"]:  # false where it was written before the signal came
                self.assertTrue(is_interrupted)
            if observer and json_lines(observer.out):
                self.check_observer(observer, "interrupted" if code else "complete")
            finished = scene.done()
            again = self.check_report(scene, max(0, finished - CONCURRENCY), finished)
            self.assertEqual(again.json()["was_cancelled"], is_interrupted)
        self.rounds("signal", 0.35, act)


if __name__ == "__main__":
    main()
