"""Replies of every kind for the renderers' tests: long, empty, hostile."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bot import replies
from bot.replies import Reply

hostile = st.sampled_from(
    [
        "",
        "@everyone",
        "<!channel>",
        "<@123456789012345678>",
        "```",
        "& co",
        "$$\\frac{1}{2}$$",
        "ä" * 5000,
        "word " * 900,
    ]
)
texts = st.one_of(hostile, st.text(max_size=60), st.builds("{} {}".format, hostile, hostile))
moments = st.just(datetime(2026, 11, 18, 9, tzinfo=UTC))
buttons = st.builds(
    replies.Button,
    label=texts,
    line=st.from_regex(r"[a-z]{1,8} [a-z0-9]{1,20}", fullmatch=True),
    style=st.sampled_from(["plain", "primary", "danger"]),
)


def few(of: SearchStrategy[replies.Button], most: int) -> SearchStrategy[tuple[replies.Button, ...]]:
    return st.lists(of, min_size=1, max_size=most).map(tuple)


options = st.builds(replies.Option, letter=st.sampled_from("abcd"), text=texts, button=buttons)
days = st.integers(0, 90).map(
    lambda n: tuple((date(2026, 1, 1) + timedelta(days=d), list(replies.DayMark)[d % 8]) for d in range(n))
)
ranks = st.builds(replies.Rank, rank=st.integers(1, 99), name=texts, points=texts, detail=texts, mine=st.booleans())
rows = st.lists(st.tuples(texts, st.one_of(texts, moments)), max_size=60).map(tuple)
blocks = st.one_of(
    st.builds(replies.Text, body=texts, title=texts),
    st.builds(replies.Notice, body=texts, tone=st.sampled_from(replies.Tone), when=st.none() | moments),
    st.builds(
        replies.QuestionCard,
        heading=texts,
        question=texts,
        topic=texts,
        difficulty=texts,
        options=st.lists(options, max_size=4).map(tuple),
        write=st.none() | buttons,
        note=texts,
        closes=st.none() | moments,
    ),
    st.builds(replies.Verdict, right=st.none() | st.booleans(), headline=texts, reason=texts, reference=texts),
    st.builds(replies.Explanation, text=texts, source=st.just("model"), reason=texts, done=st.booleans()),
    st.builds(replies.Standings, title=texts, rows=st.lists(ranks, max_size=30).map(tuple), footnote=texts),
    st.builds(
        replies.Calendar,
        title=texts,
        current=st.integers(0, 400),
        longest=st.integers(0, 400),
        freezes=st.integers(0, 2),
        days=days,
    ),
    st.builds(replies.Table, columns=st.just(("One", "Two")), rows=rows, title=texts),
    st.builds(replies.Buttons, buttons=few(buttons, 60), prompt=texts),
    st.builds(
        replies.Menu,
        prompt=texts,
        line=st.from_regex(r"[a-z]{1,8} [a-z0-9]{1,20}", fullmatch=True),
        parameter=st.sampled_from(["days", "topics"]),
        options=st.integers(1, 40).map(
            lambda n: tuple(replies.MenuOption(f"entry {i}", f"e{i}", i % 3 == 0) for i in range(n))
        ),
        multiple=st.booleans(),
    ),
    st.builds(
        replies.Mastery,
        title=texts,
        topics=st.lists(
            st.builds(
                replies.TopicMastery,
                topic=texts,
                questions=st.integers(0, 99),
                tried=st.integers(0, 10),
                share=st.none() | st.floats(0, 1),
            ),
            max_size=30,
        ).map(tuple),
    ),
    st.builds(replies.Picture, png=st.just(b"png"), alt=texts),
    st.builds(replies.File, name=st.just("export.json"), content=texts),
)
any_reply = st.lists(blocks, max_size=30).map(lambda found: Reply(tuple(found)))
