"""What bench/medians.py and bench/draw_questions.py make of runs, without running any."""
import gzip
import json
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"


def run(script, *arguments):
    return subprocess.run([sys.executable, "-B", BENCH / script, *arguments], capture_output=True, text=True, check=False)


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


class Bench(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def compare(self, ours, peer):
        files = [write_lines(self.folder / "ours.jsonl", ours), write_lines(self.folder / "peer.jsonl", peer)]
        out = self.folder / "speed.json"
        return run("medians.py", "compare", "--ours", files[0], "--peer", files[1], "--out", out), out

    def test_the_ratio_is_the_median_of_the_rounds(self):
        ours = [{"peer": "telora", "questions": 8, "questions_per_second": q, "peak_bytes": 1e9} for q in (6, 4, 12)]
        peer = [{"peer": "other", "questions": 8, "questions_per_second": q, "peak_bytes": 3e9} for q in (2, 1, 6)]
        result, out = self.compare(ours, peer)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("3.00x", result.stdout)
        written = json.loads(out.read_text())
        speed = written["figures"]["questions_per_second"]
        self.assertEqual((speed["telora"], speed["other"], speed["ratio"]), (6, 2, 3))
        self.assertEqual(speed["ratios"], [3, 4, 2])
        self.assertEqual(written["figures"]["peak_bytes"]["ratio"], 3)  # less is better
        self.assertEqual(written["rounds"][1], {"telora": ours[1], "other": peer[1]})
        self.assertGreater(written["machine"]["cores"], 0)

    def test_figures_of_one_side_are_left_out(self):
        result, out = self.compare([{"peer": "a", "questions_per_second": 1, "peak_bytes": 1}], [{"peer": "b", "questions_per_second": 1}])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(list(json.loads(out.read_text())["figures"]), ["questions_per_second"])

    def test_sides_that_did_different_work_are_refused(self):
        sides = [[{"peer": name, "questions": n, "questions_per_second": 1}] for name, n in (("a", 8), ("b", 9))]
        result, out = self.compare(*sides)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("different work", result.stderr)
        self.assertFalse(out.exists())

    def test_an_evaluation_counts_encoding_and_right_answers(self):
        summary = {"questions": 3, "prompt_tokens": 600, "encode_seconds": 0.5, "peak_rss_bytes": 7,
                   "subjects": [{"name": "base", "seconds": 99}, {"name": "runs/a", "seconds": 1.0}]}
        write_lines(self.folder / "summary.json", [summary])
        write_lines(self.folder / "predictions-a.jsonl", [{"gold": "B", "output": " ANSWER: B\n"}, {"gold": "B", "output": "B"},
                                                          {"gold": "A", "output": "ANSWER: C"}])
        line = json.loads(run("medians.py", "evaluation", self.folder, "--name", "maj@4").stdout)
        self.assertEqual((line["peer"], line["seconds"], line["questions_per_second"], line["correct"]), ("maj@4", 1.5, 2, 1))
        self.assertEqual((line["prompt_tokens_per_second"], line["peak_bytes"]), (400, 7))

    def test_training_leaves_the_first_steps_out(self):
        steps = [{"tokens_total": 100 * i, "seconds": 2.0 * i, "loss": 1 / i} for i in (1, 2, 3, 4)]
        write_lines(self.folder / "metrics.jsonl", [*steps[:2], {"evaluation": "validation", "seconds": 9}, *steps[2:]])
        write_lines(self.folder / "summary.json", [{"peak_rss_bytes": 5}])
        line = json.loads(run("medians.py", "training", self.folder, "--warmup", "2").stdout)
        self.assertEqual((line["steps"], line["tokens"], line["seconds"], line["tokens_per_second"]), (2, 200, 4, 50))

    def test_both_sides_get_the_same_questions(self):
        rows = self.folder / "all.jsonl.gz"
        with gzip.open(rows, "wt") as file:
            file.writelines(json.dumps({"question": f"q{i}", "choices": ["a", "b"], "answer": 0}) + "\n" for i in range(100))
        result = run("draw_questions.py", "--rows", rows, "--count", "7", "--out", self.folder / "out")
        self.assertEqual(result.returncode, 0, result.stderr)
        ours, peer = ([json.loads(line) for line in gzip.open(self.folder / "out" / name, "rt")]
                      for name in ("data/all.jsonl.gz", "questions.jsonl.gz"))
        self.assertEqual((len(ours), len(peer)), (35, 7))
        order = list(range(35))
        random.Random(42).shuffle(order)
        self.assertEqual(peer, [ours[i] for i in order[28:]])  # the test part of --split-method py


unittest.main()
