"""Exports the packaged embedding model's graph to `knowledge/retrieval/models/minilm.onnx`, without its weights.

Needed again only when the packaged model changes. What sentence-transformers computes (tokens, mean, length 1) is
traced by PyTorch's exporter; each weight becomes a reference to its place in the package's `model.safetensors`.
"""

import json
import struct
import sys
from pathlib import Path

import onnx
import torch
from sentence_transformers import SentenceTransformer

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from knowledge.retrieval.models.packaged import GRAPH, WEIGHTS, weights  # noqa: E402


class Sentences(torch.nn.Module):
    """The whole of a sentence-transformers model as a function of two tensors."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.model({"input_ids": input_ids, "attention_mask": attention_mask})[
            "sentence_embedding"
        ]
        return output


def places(file: Path) -> dict[str, tuple[int, int]]:
    """Offset and length in bytes of each tensor of a safetensors file: a length, a JSON header, then the data."""
    with file.open("rb") as opened:
        [size] = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(size))
    start = 8 + size
    return {
        name: (start + tensor["data_offsets"][0], tensor["data_offsets"][1] - tensor["data_offsets"][0])
        for name, tensor in header.items()
        if name != "__metadata__"
    }


def main() -> None:
    folder = weights()
    model = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"attn_implementation": "eager"}
    ).eval()
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=512)
    ids, mask = (torch.ones(2, 7, dtype=torch.long) for _ in range(2))  # one tensor given twice would be one input
    exported = torch.onnx.export(
        Sentences(model),
        (ids, mask),
        input_names=["input_ids", "attention_mask"],
        output_names=["sentence_embedding"],
        dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}),
        dynamo=True,
        optimize=False,  # ONNX Runtime optimizes it, and folded weights would no longer be those of the file
        verbose=False,
    )
    if exported is None:
        sys.exit("PyTorch's exporter gave nothing")
    graph = exported.model_proto
    there = places(folder / WEIGHTS)
    for tensor in graph.graph.initializer:
        name = next((name for name in there if tensor.name.endswith(f".{name}")), None)
        if name is None:
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        offset, size = there[name]
        for key, value in (("location", WEIGHTS), ("offset", offset), ("length", size)):
            tensor.external_data.add(key=key, value=str(value))
    graph.graph.ClearField("value_info")
    for part in (*graph.graph.node, *graph.graph.input, *graph.graph.output, *graph.graph.initializer):
        part.ClearField("metadata_props")  # stack traces, with the paths of this machine
        part.ClearField("doc_string")
    GRAPH.write_bytes(graph.SerializeToString())
    print(f"{GRAPH.relative_to(ROOT)}: {GRAPH.stat().st_size:,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
