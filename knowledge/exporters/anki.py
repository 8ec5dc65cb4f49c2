"""Export a bank as an Anki package: the question on the front; the answer, in-depth text, and key points on the back.

It's written directly with SQLite and zip, in the format that every Anki version reads (schema 11). The packages that do
this haven't had a release in years, and the license of Anki's own library isn't compatible with ours.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from knowledge.format.commonmark import has_links, new_parser
from knowledge.questions import Question

DECK = "Studyhall"
MODEL_ID, DECK_ID = 1_795_305_600_001, 1_795_305_600_002
CREATED = 1_795_305_600
"""When the deck was created, in Unix seconds. Fixed, so that the same bank gives the same package."""
ANKI_COMMAND = re.compile(r"\[(?=/?(?:sound:|latex\]|\${1,2}\]|anki:))")
"""What Anki takes for a command to play a sound or run LaTeX. In a question it's just text."""
STYLE = ".card { font-family: sans-serif; font-size: 18px; text-align: left; max-width: 42em; margin: auto; }"
SCHEMA = """
CREATE TABLE col (id integer primary key, crt integer not null, mod integer not null, scm integer not null,
  ver integer not null, dty integer not null, usn integer not null, ls integer not null, conf text not null,
  models text not null, decks text not null, dconf text not null, tags text not null);
CREATE TABLE notes (id integer primary key, guid text not null, mid integer not null, mod integer not null,
  usn integer not null, tags text not null, flds text not null, sfld integer not null, csum integer not null,
  flags integer not null, data text not null);
CREATE TABLE cards (id integer primary key, nid integer not null, did integer not null, ord integer not null,
  mod integer not null, usn integer not null, type integer not null, queue integer not null, due integer not null,
  ivl integer not null, factor integer not null, reps integer not null, lapses integer not null,
  left integer not null, odue integer not null, odid integer not null, flags integer not null, data text not null);
CREATE TABLE revlog (id integer primary key, cid integer not null, usn integer not null, ease integer not null,
  ivl integer not null, lastIvl integer not null, factor integer not null, time integer not null,
  type integer not null);
CREATE TABLE graves (usn integer not null, oid integer not null, type integer not null);
CREATE INDEX ix_notes_usn on notes (usn);
CREATE INDEX ix_cards_usn on cards (usn);
CREATE INDEX ix_revlog_usn on revlog (usn);
CREATE INDEX ix_cards_nid on cards (nid);
CREATE INDEX ix_cards_sched on cards (did, queue, due);
CREATE INDEX ix_revlog_cid on revlog (cid);
CREATE INDEX ix_notes_csum on notes (csum);
"""


def write(path: Path, questions: Iterable[Question], at: datetime) -> None:
    """Write the package. A note always has the same guid, so that importing a later package updates it."""
    with TemporaryDirectory(prefix="studyhall-") as folder:
        collection = Path(folder) / "collection.anki2"
        with sqlite3.connect(collection) as database:
            database.executescript(SCHEMA)
            database.execute("INSERT INTO col VALUES (1,?,?,?,11,0,0,0,?,?,?,?,'{}')", _collection())
            for number, question in enumerate(questions, 1):
                note, card = _note(question, number, int(at.timestamp()))
                database.execute("INSERT INTO notes VALUES (?,?,?,?,-1,?,?,?,?,0,'')", note)
                database.execute("INSERT INTO cards VALUES (?,?,?,0,?,-1,0,0,?,0,0,0,0,0,0,0,0,'')", card)
        database.close()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            package.write(collection, "collection.anki2")
            package.writestr("media", "{}")


def _note(question: Question, number: int, changed: int) -> tuple[Sequence[object], Sequence[object]]:
    """Return the values of a question's note and card that aren't the same for all. `changed` is in Unix seconds."""
    guid = hashlib.sha256(f"studyhall {question.id}".encode()).hexdigest()[:20]
    title = _html(question.title)
    fields = "\x1f".join((title, _back(question)))
    tags = " ".join((f"topic::{question.topic}", f"difficulty::{question.difficulty}", *map(_tag, question.tags)))
    checksum = int(hashlib.sha1(question.title.encode(), usedforsecurity=False).hexdigest()[:8], 16)
    note_id, card_id = CREATED * 1000 + 2 * number, CREATED * 1000 + 2 * number + 1
    note = (note_id, guid, MODEL_ID, changed, f" {tags} ", fields, question.title, checksum)
    return note, (card_id, note_id, DECK_ID, changed, number)


def _back(question: Question) -> str:
    parts = [_html(question.answer)]
    if question.in_depth:
        parts.append(f"<h4>In depth</h4>{_html(question.in_depth)}")
    if question.key_points:
        points = "".join(f"<li>{_html(point)}</li>" for point in question.key_points)
        parts.append(f"<h4>Key points</h4><ul>{points}</ul>")
    return "".join(parts)


def _tag(text: str) -> str:
    return "-".join(text.split())


def _html(text: str) -> str:
    """Convert Markdown to HTML; HTML in it becomes text. Formulas get the brackets that Anki's MathJax looks for."""
    parser = new_parser(links=has_links(text)).disable(
        "image"
    )  # loading a remote picture would reveal who looks at the card
    parser.options["highlight"] = None
    parser.add_render_rule("math_inline", lambda _self, tokens, at, *_: f"\\({html.escape(tokens[at].content)}\\)")
    parser.add_render_rule("math_block", lambda _self, tokens, at, *_: f"\\[{html.escape(tokens[at].content)}\\]")
    rendered = ANKI_COMMAND.sub("&#91;", str(parser.render(text)).strip())
    single_paragraph = rendered.startswith("<p>") and rendered.endswith("</p>") and rendered.count("<p>") == 1
    return rendered[3:-4] if single_paragraph else rendered


def _collection() -> tuple[object, ...]:
    """Return the values of the `col` row: timestamps, then settings, note types, decks, and deck options as JSON."""
    field = {"sticky": False, "rtl": False, "font": "Arial", "size": 20, "media": []}
    model = {
        "id": MODEL_ID,
        "name": "Studyhall",
        "type": 0,
        "mod": CREATED,
        "usn": -1,
        "sortf": 0,
        "did": DECK_ID,
        "flds": [{**field, "name": name, "ord": number} for number, name in enumerate(("Question", "Answer"))],
        "tmpls": [
            {
                "name": "Card",
                "ord": 0,
                "qfmt": "{{Question}}",
                "afmt": '{{FrontSide}}<hr id="answer">{{Answer}}',
                "bqfmt": "",
                "bafmt": "",
                "did": None,
            }
        ],
        "css": STYLE,
        "latexPre": "",
        "latexPost": "",
        "req": [[0, "any", [0]]],
        "tags": [],
        "vers": [],
    }
    deck = {
        "mod": CREATED,
        "usn": -1,
        "lrnToday": [0, 0],
        "revToday": [0, 0],
        "newToday": [0, 0],
        "timeToday": [0, 0],
        "collapsed": False,
        "desc": "",
        "dyn": 0,
        "conf": 1,
        "extendNew": 0,
        "extendRev": 0,
    }
    decks = {"1": {**deck, "id": 1, "name": "Default"}, str(DECK_ID): {**deck, "id": DECK_ID, "name": DECK}}
    options = {
        "id": 1,
        "name": "Default",
        "mod": 0,
        "usn": 0,
        "maxTaken": 60,
        "autoplay": True,
        "timer": 0,
        "replayq": True,
        "dyn": False,
        "new": {"bury": True, "delays": [1, 10], "initialFactor": 2500, "ints": [1, 4, 7], "order": 1, "perDay": 20},
        "rev": {"bury": True, "ease4": 1.3, "fuzz": 0.05, "ivlFct": 1, "maxIvl": 36500, "minSpace": 1, "perDay": 100},
        "lapse": {"delays": [10], "leechAction": 0, "leechFails": 8, "minInt": 1, "mult": 0},
    }
    settings = {
        "activeDecks": [1],
        "curDeck": 1,
        "newSpread": 0,
        "collapseTime": 1200,
        "timeLim": 0,
        "estTimes": True,
        "dueCounts": True,
        "curModel": str(MODEL_ID),
        "nextPos": 1,
        "sortType": "noteFld",
        "sortBackwards": False,
        "addToCur": True,
    }
    timestamps = (CREATED, CREATED * 1000, CREATED * 1000)
    return (*timestamps, *(json.dumps(part) for part in (settings, {str(MODEL_ID): model}, decks, {"1": options})))
