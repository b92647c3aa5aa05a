"""Many conversations at once: one tracker in each of several worker processes.

Knows processes, and a bounded queue of conversations in their order. Knows nothing about how a conversation
is tracked. A conversation is tracked by one worker from its first turn to its last, in a cache of its own, so
what comes out does not depend on the number of workers or on which other conversations there are.
"""

from __future__ import annotations

import multiprocessing
import signal
import warnings
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from tracker.conversation import Conversation
from tracker.errors import GoalstateError, InputError, ModelError
from tracker.state import Track
from tracker.tracking import GoalTracker, LoadArguments, UntrainedModelWarning

AHEAD = 4
"""Conversations that may be read and tracked ahead of the one that is waited for, for each worker."""


def track_many(
    conversations: Iterable[Conversation], arguments: LoadArguments, *, workers: int, threads: int
) -> Iterator[Track | InputError]:
    """Track conversations in ``workers`` processes of ``threads`` threads; what comes out is in their order.

    An ``InputError`` stands in the place of a conversation that cannot be tracked. At most ``AHEAD``
    conversations a worker are taken from the iterable before they are needed.

    Raises ``ModelError`` when the model cannot be loaded, or a worker dies.
    """
    with _Workers(arguments, workers, threads) as pool:
        yield from pool.track(conversations)


class _Workers:
    """Worker processes, each behind a pipe."""

    def __init__(self, arguments: LoadArguments, count: int, threads: int) -> None:
        # Not forked: llama.cpp's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._processes: dict[Connection, BaseProcess] = {}
        for _ in range(count):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, arguments, threads), daemon=True)
            process.start()
            there.close()
            self._processes[here] = process

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe, process in self._processes.items():
            pipe.close()
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()

    def track(self, conversations: Iterable[Conversation]) -> Iterator[Track | InputError]:
        numbered = enumerate(conversations)
        busy: dict[Connection, int] = {}
        finished: dict[int, Track | InputError] = {}
        due, taken, exhausted = 0, 0, False
        while True:
            for pipe in self._processes:
                if pipe in busy or exhausted or taken - due >= AHEAD * len(self._processes):
                    continue
                following = next(numbered, None)
                if following is None:
                    exhausted = True
                    continue
                busy[pipe], conversation = following
                taken += 1
                self._send(pipe, conversation)
            while due in finished:
                yield finished.pop(due)
                due += 1
            if not busy:
                if exhausted:
                    return
                continue
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                finished[busy.pop(ready)] = self._receive(ready)

    def _send(self, pipe: Connection, conversation: Conversation) -> None:
        try:
            pipe.send(conversation)
        except OSError:
            raise self._died(pipe) from None

    def _receive(self, pipe: Connection) -> Track | InputError:
        try:
            answer = pipe.recv()
        except (EOFError, OSError):
            raise self._died(pipe) from None
        if isinstance(answer, str):
            raise ModelError(answer)
        assert isinstance(answer, Track | InputError)
        return answer

    def _died(self, pipe: Connection) -> ModelError:
        process = self._processes[pipe]
        process.join(timeout=5)
        code = process.exitcode
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return ModelError(
            f"a worker process died ({how}); 'goalstate doctor' says whether this machine is well"
        )


def _work(pipe: Connection, arguments: LoadArguments, threads: int) -> None:
    """Track what comes through the pipe until it closes; a string sent back says why that is impossible."""
    # Ctrl-C reaches the whole group; the parent decides what happens then and closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tracker: GoalTracker | None = None
    while True:
        try:
            conversation = pipe.recv()
        except EOFError:
            return
        try:
            if tracker is None:
                with warnings.catch_warnings():
                    # The parent has said so already, once.
                    warnings.simplefilter("ignore", UntrainedModelWarning)
                    tracker = GoalTracker.load(
                        arguments.model,
                        decoder=arguments.decoder,
                        threads=threads,
                        context=arguments.context,
                    )
            pipe.send(tracker.track(conversation))
        except InputError as error:
            pipe.send(error)
        except GoalstateError as error:
            pipe.send(str(error))
        except BrokenPipeError:
            return
