"""Writes a training checkpoint as a Hugging Face folder in BF16 (official save_pretrained).

python export_hf.py --checkpoint WORK/checkpoint.pt --out ../../../examples/demo-model
Without --checkpoint the freshly initialised model is written.
"""
import argparse
from pathlib import Path

import torch

from network import create


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    model = create(options.seed)
    if options.checkpoint:
        model.load_state_dict(torch.load(options.checkpoint, map_location="cpu")["model"])
    model.generation_config.eos_token_id = [2, 11]
    model.to(torch.bfloat16).save_pretrained(options.out)


if __name__ == "__main__":
    main()
