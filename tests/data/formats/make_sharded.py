"""Writes the model of tiny_safetensors/ again as three shards with an index, the way the hub's own
package splits a large model: tiny_sharded/. The small files are not repeated.

    python make_sharded.py      (needs torch, safetensors, huggingface_hub)
"""
import pathlib

from huggingface_hub import save_torch_state_dict
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).parent

state = load_file(HERE / "tiny_safetensors" / "model.safetensors")
folder = HERE / "tiny_sharded"
folder.mkdir(exist_ok=True)
save_torch_state_dict(state, folder, max_shard_size=20000)
for file in folder.iterdir():
    file.chmod(0o644)
