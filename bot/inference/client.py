"""The shared inference backend: one OpenAI-compatible server, asked for a stream of text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk


class InferenceUnavailable(Exception):
    """The backend did not give a whole answer; the text says why in words an operator can use, without secrets."""


class CutShort(InferenceUnavailable):
    """The answer reached the limit of its length; what was streamed is its beginning."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a prompt; `role` is "system" or "user"."""

    role: str
    content: str


@dataclass(slots=True)
class Inference:
    """A server and how long it is waited for: `first_text` and `whole` are seconds, `at_once` requests in flight."""

    base_url: str = field(repr=False)  # may hold a password
    model: str = ""
    api_key: str = field(default="", repr=False)
    first_text: float = 20.0
    whole: float = 120.0
    at_once: int = 4
    longest: int = 700
    _client: AsyncOpenAI | None = field(default=None, init=False, repr=False)
    _places: asyncio.Semaphore | None = field(default=None, init=False, repr=False)

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI  # 0.6 s: only when somebody asks for an explanation

            # Servers of one's own take any key; the client insists on there being one.
            self._client = AsyncOpenAI(
                base_url=self.base_url, api_key=self.api_key or "none", max_retries=1, timeout=self.whole
            )
        return self._client

    async def models(self) -> list[str]:
        """The names the server serves. Raises InferenceUnavailable."""
        import openai

        try:
            async with asyncio.timeout(self.first_text):
                return [model.id async for model in self._open().models.list()]
        except (openai.OpenAIError, OSError, TimeoutError) as problem:
            raise InferenceUnavailable(_words(problem)) from problem

    async def stream(self, messages: list[Message]) -> AsyncIterator[str]:
        """Pieces of text as they are written. Raises InferenceUnavailable, even in the middle; CutShort at the end."""
        import httpx2
        import openai

        if self._places is None:
            self._places = asyncio.Semaphore(self.at_once)
        loop = asyncio.get_running_loop()
        start = loop.time()
        allowed = self.first_text
        try:
            # Each wait has its own deadline: a timeout around a `yield` would strike whoever consumes. It is none of
            # `wait_for`, which on Python 3.11 forgets a cancellation that comes as the next piece does.
            async with asyncio.timeout_at(start + allowed):
                await self._places.acquire()
            try:
                async with asyncio.timeout_at(start + allowed):
                    stream = await self._begin(messages)
                async with stream:
                    chunks, finished = aiter(stream), ""
                    while True:
                        async with asyncio.timeout_at(start + allowed):
                            chunk = await anext(chunks, None)
                        if chunk is None:
                            break
                        for choice in chunk.choices:
                            finished = choice.finish_reason or finished
                            if choice.delta.content:
                                allowed = self.whole
                                yield choice.delta.content
                    if not finished:
                        raise InferenceUnavailable("the inference server's stream ended in the middle of an answer")
                    if finished == "length":
                        raise CutShort(f"cut off at {self.longest} tokens, the most an explanation may have here")
            finally:
                self._places.release()
        except TimeoutError as problem:
            raise InferenceUnavailable(f"the inference server was too slow: over {allowed:g} s") from problem
        except (openai.OpenAIError, httpx2.HTTPError, OSError, ValueError) as problem:
            raise InferenceUnavailable(_words(problem)) from problem

    async def _begin(self, messages: list[Message]) -> AsyncStream[ChatCompletionChunk]:
        turns: Any = [{"role": message.role, "content": message.content} for message in messages]
        model = self.model or (await self.models() or [""])[0]
        return await self._open().chat.completions.create(
            model=model, messages=turns, stream=True, max_tokens=self.longest, temperature=0.2
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


def _words(problem: Exception) -> str:
    import openai

    match problem:
        case TimeoutError() | openai.APITimeoutError():
            return "the inference server was too slow"
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return "the inference server refused the key in INFERENCE_API_KEY"
        case openai.NotFoundError():
            return "the inference server does not know the model or path: check INFERENCE_BASE_URL and INFERENCE_MODEL"
        case openai.RateLimitError():
            return "the inference server is at its limit"
        case openai.APIStatusError():
            return f"the inference server answered {problem.status_code}"
        case openai.APIConnectionError():
            return "the inference server cannot be reached: check INFERENCE_BASE_URL"
        case _:
            return f"the inference server's answer could not be read ({type(problem).__name__})"
