"""The embedding index: each question's windows as vectors, kept in one file so that only what changed is embedded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from knowledge import vault
from knowledge.embed import Embedded, Embedder, Floats, Ids
from knowledge.questions import Bank
from knowledge.windows import LAYOUT, windows

Bytes = npt.NDArray[np.int8]
Progress = Callable[[int, int], None]

FORMAT = f"1 {LAYOUT}"
"""Part of what an index file must say to be trusted: goes up when the same bank gives other arrays."""
AT_ONCE = 128
"""Windows embedded between two reports of progress."""

TOKEN_SCALE = 254.0
"""Token vectors are kept as whole numbers, this times their values (at most a half in size): a quarter of the memory,
and twice as fast to read as half precision."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The vectors of a bank's questions, in the bank's order.

    `keys` are the questions' fingerprints. Window w belongs to question `owners[w]`; its tokens are the rows
    `starts[w]` to `starts[w + 1]` of `tokens` (times `TOKEN_SCALE`) and `ids`.
    """

    keys: tuple[str, ...]
    owners: Ids
    starts: npt.NDArray[np.int64]
    sentences: Floats
    tokens: Bytes
    ids: Ids

    def __post_init__(self) -> None:
        count, total = len(self.owners), len(self.tokens)
        steps = np.diff(self.owners)
        sound = (
            self.starts.shape == (count + 1,)
            and self.sentences.shape == (count, self.tokens.shape[1])
            and self.ids.shape == (total,)
            and (self.starts[0], self.starts[-1]) == (0, total)
            and bool((np.diff(self.starts) > 0).all())
            and sorted({*self.owners.tolist()}) == list(range(len(self.keys)))
            and bool(((steps == 0) | (steps == 1)).all())
        )
        if not sound:
            raise ValueError("the arrays of the index do not belong together")

    def part(self, number: int) -> Index:
        """The vectors of one question alone."""
        first, last = np.searchsorted(self.owners, [number, number + 1])
        start, stop = self.starts[first], self.starts[last]
        return Index(
            keys=(self.keys[number],),
            owners=np.zeros(last - first, np.int32),
            starts=self.starts[first : last + 1] - start,
            sentences=self.sentences[first:last],
            tokens=self.tokens[start:stop],
            ids=self.ids[start:stop],
        )


def build(bank: Bank, embedder: Embedder, folder: Path, progress: Progress | None = None) -> Index:
    """The index of `bank`, from the file in `folder` as far as that is sound and of the same model.

    `progress(done, total)` counts the windows that have to be embedded; with an unchanged bank it is never called and
    the model is not loaded. An index that cannot be saved (no space, no right) is used all the same, and that is
    logged. ValueError for a bank without questions.
    """
    if not len(bank):
        raise ValueError("there is no question to make an index of")
    path = folder / vault.file_name(embedder.name)
    known = _open(path, embedder.name)
    places = {key: number for number, key in enumerate(known.keys)} if known else {}
    parts = {key: known.part(places[key]) for q in bank if (key := q.fingerprint) in places} if known else {}
    if missing := [question for question in bank if question.fingerprint not in parts]:
        texts = {question.fingerprint: [text for _, text in windows(question)] for question in missing}
        parts |= _embed(texts, embedder, progress)
    index = _join([parts[question.fingerprint] for question in bank])
    if known is None or index.keys != known.keys:
        try:
            vault.save(path, label(embedder.name), index.keys, _arrays(index))
        except OSError as error:
            log.warning("The index could not be saved to %s (%s): it is made again at the next start.", path, error)
    return index


def _open(path: Path, model: str) -> Index | None:
    """The saved index; None where there is none, or one that is damaged or outdated, which is logged."""
    if not path.exists():
        return None
    try:
        keys, arrays = vault.read(path, label(model))
        return Index(keys, **{name: arrays[name] for name in ("owners", "starts", "sentences", "tokens", "ids")})
    except (vault.Unsound, OSError, KeyError, ValueError, IndexError) as error:
        log.warning("The index in %s is made again: %s", path, error)
        return None


def _embed(texts: Mapping[str, Sequence[str]], embedder: Embedder, progress: Progress | None) -> dict[str, Index]:
    every = [text for pieces in texts.values() for text in pieces]
    found: list[Embedded] = []
    for start in range(0, len(every), AT_ONCE):
        if progress:
            progress(start, len(every))
        found += map(_never_empty, embedder.both(every[start : start + AT_ONCE]))
    if progress:
        progress(len(every), len(every))
    parts, first = {}, 0
    for key, pieces in texts.items():
        mine = found[first : first + len(pieces)]
        first += len(pieces)
        parts[key] = Index(
            keys=(key,),
            owners=np.zeros(len(mine), np.int32),
            starts=np.cumsum([0, *(len(one.ids) for one in mine)], dtype=np.int64),
            sentences=np.stack([one.sentence for one in mine]),
            tokens=_small(np.concatenate([one.tokens for one in mine])),
            ids=np.concatenate([one.ids for one in mine]),
        )
    return parts


def _never_empty(text: Embedded) -> Embedded:
    """A text of signs that the model's tokenizer drops stands as one token, so that each window has a best one."""
    return text if len(text.ids) else Embedded(text.sentence, text.sentence[None], np.zeros(1, np.int32))


def _small(vectors: Floats) -> Bytes:
    return np.asarray(np.rint(np.clip(vectors * TOKEN_SCALE, -127, 127)), np.int8)


def _join(parts: Sequence[Index]) -> Index:
    shifts = np.cumsum([0, *(len(part.tokens) for part in parts)])
    starts = [part.starts[:-1] + shift for part, shift in zip(parts, shifts[:-1], strict=True)]
    return Index(
        keys=tuple(key for part in parts for key in part.keys),
        owners=np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.owners) for part in parts]),
        starts=np.concatenate([*starts, shifts[-1:]]).astype(np.int64),
        sentences=np.concatenate([part.sentences for part in parts]),
        tokens=np.concatenate([part.tokens for part in parts]),
        ids=np.concatenate([part.ids for part in parts]),
    )


def label(model: str) -> str:
    """What an index file says of itself: one of another format or model is not read."""
    return f"{FORMAT} {model}"


def _arrays(index: Index) -> dict[str, npt.NDArray[np.generic]]:
    return {
        "owners": index.owners,
        "starts": index.starts,
        "sentences": index.sentences,
        "tokens": index.tokens,
        "ids": index.ids,
    }
