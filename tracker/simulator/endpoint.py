"""An OpenAI-compatible endpoint as user or as agent; only where it is named is anything sent anywhere.

Knows chat completions. Knows nothing about goals or steering; waiting for busy endpoints is the client's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tracker.conversation import Message, whole_characters
from tracker.errors import EndpointError
from tracker.goal import Goal
from tracker.judge.endpoint import Settings, connect, first_message
from tracker.simulator.steering import Instruction
from tracker.simulator.user import chat

_RETRIES = 5
_SERVICE = (
    "You are a service agent in a chat. You look after restaurants, hotels, trains, appointments and a shop. "
    "Help the customer, in short messages."
)


class ChatEndpoint:
    """One endpoint and model.

    Raises ``InputError`` on construction where the address or the key is none, ``EndpointError`` where the
    ``openai`` client is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = connect(settings).with_options(max_retries=_RETRIES)

    @property
    def name(self) -> str:
        return f"{self._settings.model} at {self._settings.shown_url}"

    def complete(self, messages: Sequence[Mapping[str, str]], *, seed: int | None = None) -> str:
        """The model's next message. Raises ``EndpointError`` where there is none."""
        import openai

        temperature = self._settings.temperature
        try:
            completion = self._client.chat.completions.create(
                model=self._settings.model,
                messages=[dict(message) for message in messages],  # type: ignore[misc]
                temperature=openai.omit if temperature is None else temperature,
                seed=openai.omit if seed is None else seed,
            )
        except (openai.OpenAIError, ValueError) as error:
            raise EndpointError(f"{self._settings.shown_url}: {self._settings.told(str(error))}") from None
        message = first_message(completion)
        if message is None:
            raise EndpointError(
                f"{self._settings.shown_url} does not answer like an OpenAI-compatible endpoint; "
                "is the address right?"
            )
        if not message.content or not message.content.strip():
            raise EndpointError(f"{self._settings.shown_url}: answered with an empty message")
        return whole_characters(message.content.strip())

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True)
class EndpointAgent:
    """An endpoint that answers users."""

    endpoint: ChatEndpoint
    instructions: str = _SERVICE

    def reply(self, messages: Sequence[Message]) -> str:
        said = [{"role": str(message.role), "content": message.content} for message in messages]
        return self.endpoint.complete([{"role": "system", "content": self.instructions}, *said])


@dataclass(frozen=True)
class EndpointUser:
    """An endpoint that plays the user."""

    endpoint: ChatEndpoint

    @property
    def name(self) -> str:
        return self.endpoint.name

    # A large model says things in its own words, and each draw is paid for.
    redraws = 0

    def start(self, goal: Goal, *, random_state: str) -> EndpointSpeaker:
        return EndpointSpeaker(self.endpoint, goal, random_state)

    def close(self) -> None:
        self.endpoint.close()


class EndpointSpeaker:
    """One conversation; the endpoint keeps nothing of it."""

    def __init__(self, endpoint: ChatEndpoint, goal: Goal, random_state: str) -> None:
        self._endpoint = endpoint
        self._goal = goal
        self._seed = sum(ord(letter) * 31**position for position, letter in enumerate(random_state)) % 2**31

    def propose(self, messages: Sequence[Message], instruction: Instruction, count: int = 1) -> list[str]:
        asked = chat(self._goal.text, messages, instruction.text)
        candidates = []
        for _ in range(count):
            self._seed += 1
            candidates.append(self._endpoint.complete(asked, seed=self._seed))
        return candidates

    def close(self) -> None:
        return None
