#!/usr/bin/env python3
"""compare_llama.py over programs that print what the real ones print, with rates chosen here."""
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("compare_llama.py")

OURS = """#!{python}
import json, sys
if "--version" in sys.argv:
    print("nemotron 9.9")
    sys.exit()
count = int(open("{folder}/count").read() or 0)
open("{folder}/count", "w").write(str(count + 1))
rates = {{"median": 100.0 + 10 * count, "min": 1, "max": 2}}
print(json.dumps({{"prefill": {{"tokens_per_s": rates}}, "decode": {{"tokens_per_s": rates}},
                  "sessions": {{"tokens_per_s": rates}}}}))
"""

# A result of llama-bench -o json and a line of llama-batched-bench, cut to what matters and to what
# could be mistaken for it.
THEIRS = """#!{python}
import json, sys
if sys.argv[0].endswith("llama-bench"):
    print(json.dumps([{{"build_commit": "abc", "build_number": 7, "n_prompt": 512, "avg_ts": 50.0,
                       "samples_ts": [50.0], "argv": sys.argv[1:]}}]))
else:
    print("main: n_kv_max = 1024")
    print(json.dumps({{"pl": 8, "pp": 1, "tg": 64, "speed_pp": 3.0, "speed_tg": 25.0, "speed": 9.0}}))
"""

FAILING = """#!{python}
import sys
sys.exit("no such model")
"""


class CompareTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.write("nemotron", OURS)
        self.write("llama-bench", THEIRS)
        self.write("llama-batched-bench", THEIRS)
        self.path("count").write_text("")

    def path(self, name):
        return pathlib.Path(self.folder.name) / name

    def write(self, name, text):
        self.path(name).write_text(text.format(python=sys.executable, folder=self.folder.name))
        self.path(name).chmod(stat.S_IRWXU)

    def run_script(self, *flags):
        command = [sys.executable, str(SCRIPT), "--nemotron", str(self.path("nemotron")), "--llama",
                   self.folder.name, "--model", "m.gguf", "--threads", "2",
                   "--json", str(self.path("report")), *flags]
        return subprocess.run(command, capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, LC_ALL="C"))

    def test_medians_and_ratios(self):
        done = self.run_script("--rounds", "3", "--phases", "prefill,decode,sessions")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(self.path("report").read_text())
        prefill = report["phases"]["prefill"]
        self.assertEqual(prefill["nemotron"]["samples"], [100, 110, 120])
        self.assertEqual(prefill["llama.cpp"]["median"], 50)
        self.assertEqual(prefill["ratio"], {"median": 2.2, "min": 2.0, "max": 2.4})
        together = report["phases"]["sessions"]
        self.assertEqual(together["nemotron"]["median"], 170)
        self.assertEqual(together["llama.cpp"]["median"], 25)
        self.assertEqual(report["together_over_one"], {"nemotron": 170 / 140, "llama.cpp": 0.5})
        self.assertEqual(report["versions"], {"nemotron": "nemotron 9.9", "llama.cpp": "7 (abc)"})
        self.assertIn("| prefill 512 | 110.00 (100.00 to 120.00) | 50.00 (50.00 to 50.00) |",
                      done.stdout)

    def test_a_program_that_fails_is_named(self):
        self.write("llama-bench", FAILING)
        done = self.run_script("--rounds", "1", "--phases", "decode")
        self.assertEqual(done.returncode, 1)
        self.assertIn("llama-bench", done.stderr)
        self.assertIn("no such model", done.stderr)

    def test_an_unknown_phase_is_refused(self):
        done = self.run_script("--phases", "decode,idle")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown phase idle", done.stderr)


if __name__ == "__main__":
    unittest.main()
