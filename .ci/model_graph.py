"""Export the packaged embedding model's graph, without its weights, to `knowledge/retrieval/models/minilm.onnx`.

Run it only when the packaged model changes. PyTorch's exporter traces everything that sentence-transformers computes
(transformer, mean pooling, normalization); each weight becomes a reference into the package's `model.safetensors`.
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
    """A sentence-transformers model as a function of two tensors."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.model({"input_ids": input_ids, "attention_mask": attention_mask})[
            "sentence_embedding"
        ]
        return output


def tensor_spans(path: Path) -> dict[str, tuple[int, int]]:
    """Return each tensor's offset and length in bytes, from the JSON header that follows its own length."""
    with path.open("rb") as file:
        [size] = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
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
    ids, mask = (torch.ones(2, 7, dtype=torch.long) for _ in range(2))  # the same tensor twice would become one input
    exported = torch.onnx.export(
        Sentences(model),
        (ids, mask),
        input_names=["input_ids", "attention_mask"],
        output_names=["sentence_embedding"],
        dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}),
        dynamo=True,
        optimize=False,  # ONNX Runtime does, and folded weights would differ from the file's
        verbose=False,
    )
    if exported is None:
        sys.exit("PyTorch's exporter returned nothing")
    graph = exported.model_proto
    spans = tensor_spans(folder / WEIGHTS)
    for tensor in graph.graph.initializer:
        name = next((name for name in spans if tensor.name.endswith(f".{name}")), None)
        if name is None:
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        offset, size = spans[name]
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
