"""Source text for a few small sample questions, and a helper that puts them into a folder."""

from __future__ import annotations

from pathlib import Path

LORA = """\
+++
difficulty = "medium"
tags = ["adapters"]
aliases = [
  "cheap way to tune a big network",
  "low rank adapters",
]
related = ["rag"]
references = [
  { title = "LoRA", by = "Hu and others", year = 2021, at = "arXiv:2106.09685", checked = true },
]
+++
# What is LoRA?

LoRA freezes the pretrained weights and trains two small matrices whose product is added to each of them.

## In depth
The update is $\\Delta W = \\frac{\\alpha}{r} B A$.

$$
W = W_0 + \\Delta W
$$

```python
price = "$5"  # no formula
```

## Key points
- LoRA keeps the pretrained weights frozen.
- LoRA trains a low-rank update as the product of two small matrices.
- The update of LoRA can be merged into the weights, so inference costs nothing more.

## Misconceptions
- LoRA makes every inference slower — merged, it adds nothing.

## Choices
- [ ] It trains only the biases — that is BitFit.
- [x] It trains a low-rank update.
- [ ] It removes layers — that is pruning.
- [ ] It lowers the precision — that is quantization.

## Follow-ups
- How do you choose the rank?
- Which matrices get adapters?
"""

RAG = """\
+++
difficulty = "easy"
aliases = ["let the model look things up in my documents", "retrieve passages, then answer"]
+++
# What is retrieval-augmented generation?

It fetches passages that fit the question and gives them to the model as context for its answer.

## In depth
Documents are cut into chunks and embedded; at question time the nearest chunks go into the prompt.

## Key points
- Retrieval-augmented generation fetches relevant passages before the model answers.
- The passages are placed in the prompt as context.
- The knowledge can be updated without training the model again.

## Misconceptions
- Retrieval makes false statements impossible — the model can still ignore what was fetched.

## Choices
- [x] Passages are fetched and put into the prompt.
- [ ] The weights are updated for each question — nothing is trained.
- [ ] The answer is voted on by many models — that is an ensemble.
- [ ] The prompt is made shorter by a model — that is compression.

## Follow-ups
- How large are the chunks?
- How do you measure retrieval?
"""

VAE = """\
+++
difficulty = "hard"
aliases = ["encoder gives a mean and a variance", "sample a code and decode it into an image"]
related = ["lora"]
+++
# How does a variational autoencoder work?

An encoder maps an input to a distribution over codes; a sample of it is decoded back into the input.

## In depth
Training maximizes a lower bound: reconstruction less the divergence from the prior.

## Key points
- The encoder of a VAE outputs a distribution over latent codes.
- The decoder of a VAE turns a sampled code back into data.
- The divergence term keeps the codes close to the prior.

## Misconceptions
- A VAE is a plain autoencoder with more layers — it models a distribution.

## Choices
- [ ] It has two networks that compete — that is a GAN.
- [ ] It removes noise step by step — that is diffusion.
- [x] It learns a distribution over codes.
- [ ] It predicts the next pixel — that is an autoregressive model.

## Follow-ups
- What is the reparameterization trick?
- Why are samples blurry?
"""


def put(folder: Path, name: str, source: str | bytes) -> Path:
    """Write `folder/<name>.md`, byte for byte."""
    path = folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return path
