#!/usr/bin/env python3
"""compare_quality.py over programs whose logits are chosen here, so that the results are known."""
import json
import math
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("compare_quality.py")

# Texts are ids already. The reply's marks are the tokens 2 3 and 1.
OURS = """#!{python}
import array, sys
arguments = sys.argv[1:]
def after(flag):
    return arguments[arguments.index(flag) + 1]
if arguments == ["--version"]:
    print("nemotron 9.9")
elif arguments[0] == "tokenize":
    text = sys.stdin.read()
    print({{"<|im_start|>assistant\\n": "2 3", "<|im_end|>": "1"}}.get(text, text))
else:
    rows = {rows}[after("--isa") + " " + after("--kv-type")]
    with open(after("--output"), "wb") as out:
        for _ in open(after("--tokens")).read().split():
            array.array("f", rows).tofile(out)
"""

THEIRS = """#!{python}
import array, sys
model, tokens, out, threads, *kind = sys.argv[1:]
assert model.endswith("f32.gguf" if kind else "m.gguf"), model
with open(out, "wb") as file:
    for _ in open(tokens).read().split():
        array.array("f", {rows}["llama f32" if kind else "llama"]).tofile(file)
"""

QUANTIZE = """#!{python}
import sys
allow, model, out, type = sys.argv[1:]
assert allow == "--allow-requantize" and type == "F32", sys.argv
open(out, "w").close()
"""

NONE = -80.0  # the logit of what does not happen
HALF, QUARTER, MOST = math.log(0.5), math.log(0.25), math.log(0.75)
# Logits may be shifted: the truth's are, by one.
ROWS = {
    "ref f32": [HALF + 1, HALF + 1, NONE, NONE],
    "avx2 bf16": [HALF, HALF, NONE, NONE],
    "avx512 bf16": [QUARTER, MOST, NONE, NONE],
    "llama": [QUARTER / 10, math.log(1 - math.exp(QUARTER / 10)), NONE, NONE],
    "llama f32": [HALF, HALF, NONE, NONE],
}


class CompareTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.write("nemotron", OURS)
        self.write("llama_logits", THEIRS)
        self.write("llama-quantize", QUANTIZE)
        self.path("text").write_text("0 1 2 3 0 1 0")

    def path(self, name):
        return pathlib.Path(self.folder.name) / name

    def write(self, name, text, rows=ROWS):
        self.path(name).write_text(text.format(python=sys.executable, rows=rows))
        self.path(name).chmod(stat.S_IRWXU)

    def run_script(self, *flags, model="m.gguf"):
        command = [sys.executable, str(SCRIPT), "--nemotron", str(self.path("nemotron")),
                   "--models", model, "--texts", str(self.path("text")),
                   "--json", str(self.path("report")), *flags]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def report(self, *flags, model="m.gguf"):
        done = self.run_script(*flags, model=model)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(self.path("report").read_text())["models"][model], done.stdout

    def check_pair(self, pair, value, error=0.0):
        self.assertAlmostEqual(pair[0], value, 5)
        self.assertAlmostEqual(pair[1], error, 5)

    def test_divergence_agreement_and_ratio(self):
        report, text = self.report("--llama-logits", str(self.path("llama_logits")),
                                   "--llama-quantize", str(self.path("llama-quantize")))
        columns = report["columns"]
        self.assertEqual(report["n_tokens"], 6)  # nothing predicts the first
        kl = 0.5 * math.log(4 / 3)
        self.check_pair(columns["avx512"]["kl"], kl)
        self.check_pair(columns["avx512"]["agreement"], 0)
        self.check_pair(columns["avx2"]["kl"], 0)
        self.check_pair(columns["avx2"]["agreement"], 1)
        self.check_pair(columns["llama.cpp f32"]["kl"], 0)
        a, b, _, _ = ROWS["llama"]
        theirs = HALF - (a + b) / 2
        self.check_pair(columns["llama.cpp"]["kl"], theirs)
        self.check_pair(report["ratio"]["avx512"], kl / theirs)
        self.assertIn(f"| m.gguf | 6 | {kl * 1e6:.3g} ± 0", text.replace("0e+00", "0"))

    def test_perplexity_of_replies_alone(self):
        self.path("text").write_text("0 0 2 3 0 1 0 2 3 1 0")
        report, _ = self.report("--replies")
        # Of two replies the tokens 0 1 and 1.
        self.assertEqual(report["n_tokens"], 3)
        self.check_pair(report["columns"]["truth"]["perplexity"], 2)
        surprises = [-QUARTER, -MOST, -MOST]
        middle = sum(surprises) / 3
        error = math.sqrt(sum((x - middle) ** 2 for x in surprises) / 2 / 3)
        self.check_pair(report["columns"]["avx512"]["perplexity"], math.exp(middle),
                        math.exp(middle) * error)

    def test_a_folder_is_measured_without_llama(self):
        report, _ = self.report("--llama-logits", str(self.path("llama_logits")), model="folder")
        self.assertEqual(list(report["columns"]), ["truth", "avx512", "avx2"])
        self.assertNotIn("ratio", report)

    def test_a_logit_that_is_not_finite_is_refused(self):
        self.write("nemotron", OURS, {**ROWS, "avx2 bf16": [1e39, 0, 0, 0]})
        done = self.run_script()
        self.assertEqual(done.returncode, 1)
        self.assertIn("not finite", done.stderr)

    def test_another_vocabulary_is_refused(self):
        self.write("llama_logits", THEIRS, {**ROWS, "llama": [0.0] * 5})
        done = self.run_script("--llama-logits", str(self.path("llama_logits")))
        self.assertEqual(done.returncode, 1)
        self.assertIn("size of the vocabulary", done.stderr)

    def test_a_text_without_replies_is_refused(self):
        self.path("text").write_text("0 1 0")
        done = self.run_script("--replies")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no tokens to count", done.stderr)


if __name__ == "__main__":
    unittest.main()
