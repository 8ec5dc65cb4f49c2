"""Searching: on three small questions, and on the built-in bank."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.questions import Bank, Difficulty, Question
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.lexicon import Lexicon, words
from knowledge.retrieval.search import MAX_QUERY_LENGTH, Search, clean
from tests.knowledge.retrieval.searching import open_search


@pytest.fixture(scope="module")
def search(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Search:
    from tests.knowledge.files import LORA, RAG, VAE, put

    folder = tmp_path_factory.mktemp("bank")
    for name, source in (("fine-tuning/lora", LORA), ("rag/rag", RAG), ("vae/vae", VAE)):
        put(folder, name, source)
    from knowledge.format.reader import load

    return open_search(load(folder).bank, embedder, tmp_path_factory.mktemp("index"))


@pytest.mark.parametrize(
    ("query", "question_id"),
    [
        ("what is lora", "lora"),
        ("LoRA", "lora"),
        ("low rank adaptrs", "lora"),
        ("how does rag work", "rag"),
        ("retrieve passages and then answer from them", "rag"),
        ("variatonal autoencodr", "vae"),
        ("encoder outputs mean and variance", "vae"),
    ],
)
def test_a_question_is_found_however_it_is_asked(search: Search, query: str, question_id: str) -> None:
    found = search.search(query)

    assert found.hits[0].question.id == question_id
    assert found.answered


@pytest.mark.parametrize(
    ("query", "question_id"),
    [
        ("what is lora", "lora"),
        ("low rank adaptrs", "lora"),
        ("retrieval augmented", "rag"),
        ("variatonal autoencodr", "vae"),
    ],
)
def test_keyword_search_finds_shared_words_and_says_so(search: Search, query: str, question_id: str) -> None:
    found = search.keywords.search(query)

    assert found.hits[0].question.id == question_id
    assert found.keywords_only
    assert found.answered


def test_keyword_search_says_when_nothing_fits(search: Search) -> None:
    assert not search.keywords.search("how do i poach an egg").answered
    assert not search.keywords.search("").answered


def test_other_words_for_the_same_thing_put_it_first(search: Search) -> None:
    assert search.search("inexpensive tuning of large networks").hits[0].question.id == "lora"


@pytest.mark.parametrize("query", ["how do i poach an egg", "kubernetes ingress with tls", "who won the world cup"])
def test_a_query_that_the_bank_does_not_answer_still_has_hits(search: Search, query: str) -> None:
    found = search.search(query)

    assert not found.answered
    assert not found.clear
    assert len(found.hits) == 3
    assert found.topics


def test_scores_are_probabilities_best_first(search: Search) -> None:
    scores = [hit.score for hit in search.search("what is lora").hits]

    assert scores == sorted(scores, reverse=True)
    assert 0 <= sum(scores) <= 1.000001
    assert scores[0] > 0.5


def test_a_query_for_one_question_is_clear(search: Search) -> None:
    assert search.search("what is LoRA?").clear


def test_excluded_questions_are_not_found(search: Search) -> None:
    found = search.search("what is lora", without=frozenset({"lora", "not-in-the-bank"}))

    assert {hit.question.id for hit in found.hits} == {"rag", "vae"}
    assert not found.answered


def test_nothing_is_found_if_every_question_is_excluded(search: Search) -> None:
    found = search.search("what is lora", without=frozenset({"lora", "rag", "vae"}))

    assert (found.answered, found.clear, found.hits, found.topics) == (False, False, (), ())


def test_no_more_hits_than_asked_for(search: Search) -> None:
    assert len(search.search("what is lora", k=2).hits) == 2


def test_the_nearest_topic_comes_first(search: Search) -> None:
    assert search.search("retrieve documents").topics[0] == "rag"


@pytest.mark.parametrize("query", ["", "   ", "🎉🎉", "?!", "\u202e\u200b", "\x00"])
def test_a_query_without_words_finds_nothing(search: Search, query: str) -> None:
    found = search.search(query)

    assert (found.answered, found.hits) == (False, ())


@pytest.mark.parametrize(
    "query", ["что такое линейная алгебра", "学习", "a" * 100_000, "lora " * 50_000, "\\frac{", "$"]
)
def test_odd_queries_can_be_searched(search: Search, query: str) -> None:
    assert len(search.search(query).hits) in (0, 3)


@settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=80))
def test_any_text_can_be_searched_for(search: Search, query: str) -> None:
    found = search.search(query)

    assert sum(hit.score for hit in found.hits) <= 1.000001
    assert found.answered or not found.clear


@given(st.text())
def test_a_cleaned_query_is_one_short_line(text: str) -> None:
    assert len(clean(text)) <= MAX_QUERY_LENGTH
    assert "\n" not in clean(text)


def known(word: str) -> bool:
    return word in {"router", "casual"}


def test_typos_are_corrected_to_the_banks_words() -> None:
    lexicon = Lexicon(["the generative model", "attention routes tokens", "a causal mask"])

    assert lexicon.corrected("genertive modle with atention", known) == "generative model with attention"


def test_existing_words_are_not_corrected() -> None:
    lexicon = Lexicon(["the generative model", "attention routes tokens", "a causal mask", "a pooled network"])

    assert lexicon.corrected("casual router", known) == "casual router"
    assert lexicon.corrected("gptx3 xy zzzzzzz", known) == "gptx3 xy zzzzzzz"


def test_plurals_are_one_word() -> None:
    assert words("Models, GANs, loss & basis") == ["model", "gan", "loss", "basis"]


def test_rare_words_have_a_higher_idf_than_common_ones() -> None:
    lexicon = Lexicon(["a b", "a c", "a d"])

    assert lexicon.idf("a") < lexicon.idf("b") < lexicon.idf("unheard")


@pytest.fixture(scope="module")
def layered(search: Search, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Search a custom question on top of the three."""
    custom = Bank.of(
        [
            Question(
                id="own-deploy-freeze",
                topic="house-rules",
                title="When may we deploy on a Friday?",
                difficulty=Difficulty.EASY,
                answer="Only fixes of an outage go out on a Friday, and a second engineer has to be at hand.",
            )
        ]
    )
    return open_search(custom, embedder, tmp_path_factory.mktemp("own"), search)


@pytest.mark.parametrize(
    ("query", "question_id"),
    [("when can we deploy on friday", "own-deploy-freeze"), ("what is lora", "lora"), ("how does rag work", "rag")],
)
def test_custom_questions_are_searched_together_with_the_banks(layered: Search, query: str, question_id: str) -> None:
    found = layered.search(query)

    assert found.hits[0].question.id == question_id
    assert found.answered
    assert sum(hit.score for hit in found.hits) <= 1


def test_a_custom_question_changes_nothing_for_other_workspaces(search: Search, layered: Search) -> None:
    assert "own-deploy-freeze" not in {hit.question.id for hit in search.search("can I ship on friday").hits}
    assert "own-deploy-freeze" not in search.bank
    assert len(layered.bank) == 4


def test_typos_are_corrected_to_words_of_both_banks(layered: Search) -> None:
    assert layered.search("when may we deploi").hits[0].question.id == "own-deploy-freeze"
    assert layered.search("variatonal autoencodr").hits[0].question.id == "vae"


def test_excluded_questions_are_excluded_from_both_banks(layered: Search) -> None:
    without = frozenset({"own-deploy-freeze", "lora"})

    assert {hit.question.id for hit in layered.search("deploy", without=without).hits} == {"rag", "vae"}


def test_keyword_search_covers_both_banks(layered: Search) -> None:
    assert layered.keywords.search("when may we deploy").hits[0].question.id == "own-deploy-freeze"
    assert layered.keywords.search("what is lora").hits[0].question.id == "lora"
