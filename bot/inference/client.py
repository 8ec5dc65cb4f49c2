"""Stream text from an OpenAI-compatible inference server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk


class InferenceError(Exception):
    """The server didn't give a complete answer; the text tells the operator why, without secrets."""


class InferenceCutShortError(InferenceError):
    """The answer was cut off because it reached its maximum length."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a prompt; `role` is "system" or "user"."""

    role: str
    content: str


@dataclass(slots=True)
class Inference:
    """An inference server. The timeouts are in seconds, and both start with the request."""

    base_url: str = field(repr=False)  # can contain a password
    model: str = ""
    api_key: str = field(default="", repr=False)
    first_text_timeout: float = 20.0
    total_timeout: float = 120.0
    max_concurrent: int = 4
    max_tokens: int = 700
    _client: AsyncOpenAI | None = field(default=None, init=False, repr=False)
    _slots: asyncio.Semaphore | None = field(default=None, init=False, repr=False)

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI  # takes 0.6 s, so only for an explanation

            # Local servers take any key, but the client insists on one.
            self._client = AsyncOpenAI(
                base_url=self.base_url, api_key=self.api_key or "none", max_retries=1, timeout=self.total_timeout
            )
        return self._client

    async def models(self) -> list[str]:
        """Return the names of the server's models. Raises InferenceError."""
        import openai

        try:
            async with asyncio.timeout(self.first_text_timeout):
                return [model.id async for model in self._open().models.list()]
        except (openai.OpenAIError, OSError, TimeoutError) as problem:
            raise InferenceError(_reason(problem)) from problem

    async def stream(self, messages: list[Message]) -> AsyncIterator[str]:
        """Yield pieces of text as they're written.

        Raises InferenceError, even midway, InferenceCutShortError at the end.
        """
        import httpx2
        import openai

        if self._slots is None:
            self._slots = asyncio.Semaphore(self.max_concurrent)
        loop = asyncio.get_running_loop()
        start = loop.time()
        timeout = self.first_text_timeout
        try:
            # Each wait has its own timeout, because one around a `yield` would also cancel the consumer. We don't
            # use `wait_for` because on Python 3.11 it loses a cancellation that arrives together with the next piece.
            async with asyncio.timeout_at(start + timeout):
                await self._slots.acquire()
            try:
                async with asyncio.timeout_at(start + timeout):
                    stream = await self._begin(messages)
                async with stream:
                    chunks, finish_reason = aiter(stream), ""
                    while True:
                        async with asyncio.timeout_at(start + timeout):
                            chunk = await anext(chunks, None)
                        if chunk is None:
                            break
                        for choice in chunk.choices:
                            finish_reason = choice.finish_reason or finish_reason
                            if choice.delta.content:
                                timeout = self.total_timeout
                                yield choice.delta.content
                    if not finish_reason:
                        raise InferenceError("the inference server stopped in the middle of an answer")
                    if finish_reason == "length":
                        raise InferenceCutShortError(
                            f"cut off at {self.max_tokens} tokens, the maximum length of an explanation"
                        )
            finally:
                self._slots.release()
        except TimeoutError as problem:
            raise InferenceError(f"the inference server took more than {timeout:g} seconds") from problem
        except (openai.OpenAIError, httpx2.HTTPError, OSError, ValueError) as problem:
            raise InferenceError(_reason(problem)) from problem

    async def _begin(self, messages: list[Message]) -> AsyncStream[ChatCompletionChunk]:
        turns: Any = [{"role": message.role, "content": message.content} for message in messages]
        model = self.model or (await self.models() or [""])[0]
        return await self._open().chat.completions.create(
            model=model, messages=turns, stream=True, max_tokens=self.max_tokens, temperature=0.2
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


def _reason(problem: Exception) -> str:  # noqa: PLR0911  # one return for each kind of error
    import openai

    match problem:
        case TimeoutError() | openai.APITimeoutError():
            return "the inference server was too slow"
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return "the inference server rejected the key in INFERENCE_API_KEY"
        case openai.NotFoundError():
            return "the inference server doesn't know the model or path: check INFERENCE_BASE_URL and INFERENCE_MODEL"
        case openai.RateLimitError():
            return "the inference server is over its rate limit"
        case openai.APIStatusError():
            return f"the inference server answered with status {problem.status_code}"
        case openai.APIConnectionError():
            return "can't reach the inference server: check INFERENCE_BASE_URL"
        case _:
            return f"can't read the answer of the inference server ({type(problem).__name__})"
