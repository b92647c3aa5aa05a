"""Low-rank factors as a llama.cpp LoRA adapter, written and read back.

Knows the GGUF layout of adapters and the names that ``training.model`` gives its factors. Knows nothing about
runs or manifests. To merge an adapter into a base is ``tracker.model.merge``'s job.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import gguf
import numpy as np
import torch

from tracker.errors import InputError
from tracker.model.merge import open_gguf

ADAPTER = "adapter.gguf"
"""What the file is called in a folder that has one."""
NAME = re.compile(r"blk\.(\d+)\.(\w+)\.weight\.lora_([ab])")


def write_adapter(factors: dict[str, torch.Tensor], alpha: float, path: Path) -> None:
    """Write factors, named ``blocks.N.factors.MAP.a`` and ``.b``, as a GGUF adapter (float16).

    Layout: tensors ``blk.N.MAP.weight.lora_a`` (rank, inputs) and ``.lora_b`` (outputs, rank), keys
    ``general.type``, ``adapter.type`` and ``adapter.lora.alpha``, as llama.cpp's convert_lora_to_gguf.py
    writes them.
    """
    partial = path.with_suffix(".part")
    writer = gguf.GGUFWriter(partial, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    writer.add_name("goalstate tracker")
    writer.add_license("apache-2.0")
    for name, tensor in factors.items():
        _, layer, _, linear, factor = name.split(".")
        writer.add_tensor(f"blk.{layer}.{linear}.weight.lora_{factor}", tensor.numpy().astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(partial, path)


def read_factors(path: Path) -> tuple[dict[str, torch.Tensor], float]:
    """The factors of an adapter that ``write_adapter`` wrote, in 32 bits, and its alpha.

    Raises ``ModelError`` where the file cannot be read, and ``InputError`` where it is not such an adapter.
    """
    reader = open_gguf(path)
    names = [NAME.fullmatch(tensor.name) for tensor in reader.tensors]
    alpha = reader.get_field("adapter.lora.alpha")
    if alpha is None or not all(names):
        raise InputError("not an adapter of training.export", source=path)
    factors = {
        f"blocks.{name[1]}.factors.{name[2]}.{name[3]}": torch.from_numpy(tensor.data.astype(np.float32))
        for name, tensor in zip(names, reader.tensors, strict=True)
        if name is not None
    }
    return factors, float(alpha.contents())
