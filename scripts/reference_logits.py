#!/usr/bin/env python3
"""Logits of a Llama checkpoint in float64, as plain as possible, to hold the engine against.

Reads config.json and *.safetensors (F32, F16, BF16, affine quantised with 4 or 8 bits), needs numpy only. Every number is taken to float64 first;
an affine weight is code * scale + bias. Nothing of the engine is used.

usage: reference_logits.py MODEL --token-ids 1,5,7 [--compare FILE.safetensors] [--out FILE.npy]
  --compare   a file of `flash logits`: prints the largest difference; exit code 1 if it is above --limit
"""
import argparse
import json
import math
import pathlib
import struct
import sys

import numpy as np

PLAIN = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "U32": "<u4", "BF16": "<u2"}


class Safetensors:
    """The tensors of one or more files, mapped."""

    def __init__(self, files):
        self.entries = {}
        for file in files:
            with open(file, "rb") as stream:
                size = struct.unpack("<Q", stream.read(8))[0]
                header = json.loads(stream.read(size))
            for name, entry in header.items():
                if name != "__metadata__":
                    self.entries[name] = (file, 8 + size + entry["data_offsets"][0], entry)

    def __contains__(self, name):
        return name in self.entries

    def raw(self, name):
        file, offset, entry = self.entries[name]
        shape = tuple(entry["shape"])
        return entry["dtype"], np.memmap(file, PLAIN[entry["dtype"]], "r", offset, shape)

    def plain(self, name):
        dtype, data = self.raw(name)
        if dtype == "BF16":
            return (data.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        return np.asarray(data, np.float64)


class Llama:

    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        if self.config["model_type"] != "llama":
            sys.exit(f"model type {self.config['model_type']}: only llama is computed here")
        index = folder / "model.safetensors.index.json"
        names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else ["model.safetensors"]
        self.tensors = Safetensors([folder / name for name in names])
        self.heads = self.config["num_attention_heads"]
        self.groups = self.config.get("num_key_value_heads") or self.heads
        self.head_dim = self.config.get("head_dim") or self.config["hidden_size"] // self.heads

    def weight(self, module):
        """[rows, columns] float64"""
        settings = self.config.get("quantization") or {}
        own = settings.get(module)
        if module + ".scales" not in self.tensors:
            return self.tensors.plain(module + ".weight")
        bits, group = (own or settings)["bits"], (own or settings)["group_size"]
        _, words = self.tensors.raw(module + ".weight")
        shifts = np.arange(0, 32, bits, dtype=np.uint32)
        codes = (words[:, :, None] >> shifts) & np.uint32((1 << bits) - 1)
        codes = codes.reshape(words.shape[0], -1, group).astype(np.float64)
        values = codes * self.tensors.plain(module + ".scales")[:, :, None] + self.tensors.plain(module + ".biases")[:, :, None]
        return values.reshape(words.shape[0], -1)

    def linear(self, x, module):
        y = x @ self.weight(module).T
        return y + self.tensors.plain(module + ".bias") if module + ".bias" in self.tensors else y

    def norm(self, x, module):
        return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + self.config["rms_norm_eps"]) * self.tensors.plain(module + ".weight")

    def frequencies(self):
        rope = self.config.get("rope_parameters") or self.config.get("rope_scaling") or {}
        theta = rope.get("rope_theta") or self.config.get("rope_theta") or 10000.0
        kind = rope.get("rope_type") or rope.get("type") or "default"
        inverse = theta ** (-np.arange(0, self.head_dim, 2) / self.head_dim)
        if kind == "default":
            return inverse
        if kind == "linear":
            return inverse / rope["factor"]
        if kind != "llama3":
            sys.exit(f"rotary embeddings of type {kind} are not computed here")
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        scaled = []
        for frequency in inverse:
            turns = rope["original_max_position_embeddings"] * frequency / (2 * math.pi)
            smooth = min(1.0, max(0.0, (turns - low) / (high - low)))
            scaled.append((1 - smooth) * frequency / rope["factor"] + smooth * frequency)
        return np.array(scaled)

    def rotate(self, x):
        """x [tokens, heads, head_dim]: rows i and i + head_dim/2 turn together"""
        angles = np.arange(x.shape[0])[:, None] * self.frequencies()
        cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
        a, b = np.split(x, 2, -1)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

    def attention(self, x, module):
        tokens = x.shape[0]
        q = self.rotate(self.linear(x, module + ".q_proj").reshape(tokens, self.heads, self.head_dim))
        k = self.rotate(self.linear(x, module + ".k_proj").reshape(tokens, self.groups, self.head_dim))
        v = self.linear(x, module + ".v_proj").reshape(tokens, self.groups, self.head_dim)
        mixed = np.empty_like(q)
        future = np.triu(np.ones((tokens, tokens), bool), 1)
        for head in range(self.heads):
            group = head * self.groups // self.heads
            scores = q[:, head] @ k[:, group].T / math.sqrt(self.head_dim)
            scores[future] = -np.inf
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            mixed[:, head] = weights / weights.sum(-1, keepdims=True) @ v[:, group]
        return self.linear(mixed.reshape(tokens, -1), module + ".o_proj")

    def mlp(self, x, module):
        gate = self.linear(x, module + ".gate_proj")
        return self.linear(gate / (1 + np.exp(-gate)) * self.linear(x, module + ".up_proj"), module + ".down_proj")

    def logits(self, ids):
        """[tokens, vocab] float64"""
        x = self.weight("model.embed_tokens")[ids]
        for layer in range(self.config["num_hidden_layers"]):
            module = f"model.layers.{layer}"
            x = x + self.attention(self.norm(x, module + ".input_layernorm"), module + ".self_attn")
            x = x + self.mlp(self.norm(x, module + ".post_attention_layernorm"), module + ".mlp")
        head = "model.embed_tokens" if self.config.get("tie_word_embeddings") else "lm_head"
        return self.norm(x, "model.norm") @ self.weight(head).T


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--token-ids", required=True)
    parser.add_argument("--compare", type=pathlib.Path)
    parser.add_argument("--limit", type=float, default=5e-5)
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    logits = Llama(arguments.model).logits([int(i) for i in arguments.token_ids.split(",")])
    print(f"logits {list(logits.shape)}, greedy next {int(logits[-1].argmax())}, range {logits.min():.3f} to {logits.max():.3f}")
    if arguments.out:
        np.save(arguments.out, logits)
    if arguments.compare:
        other = Safetensors([arguments.compare]).plain("logits")
        if other.shape != logits.shape:
            sys.exit(f"{arguments.compare} has the shape {list(other.shape)}")
        difference = np.abs(other - logits)
        token, entry = np.unravel_index(difference.argmax(), difference.shape)
        print(f"largest difference {difference.max():.3e} (token {token}, entry {entry}), mean {difference.mean():.3e}; "
              f"limit {arguments.limit:g}; same best entry for {int((other.argmax(-1) == logits.argmax(-1)).sum())} of {len(logits)} tokens")
        if not difference.max() <= arguments.limit:
            sys.exit(1)


if __name__ == "__main__":
    main()
