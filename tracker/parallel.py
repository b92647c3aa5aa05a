"""Many conversations at once: one tracker in each of several worker processes.

Knows processes, and a bounded queue of conversations in their order. Knows nothing about how a conversation
is tracked: by one worker from its first turn to its last, beside the others that this worker has.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
import warnings
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from tracker.conversation import Conversation
from tracker.errors import GoalstateError, InputError, ModelError
from tracker.state import Track
from tracker.together import AHEAD, Group
from tracker.tracking import GoalTracker, LoadArguments, UntrainedModelWarning


def track_many(
    conversations: Iterable[Conversation],
    arguments: LoadArguments,
    *,
    workers: int,
    threads: int,
    together: int = 1,
) -> Iterator[Track | InputError]:
    """Track conversations in ``workers`` processes of ``threads`` threads; what comes out is in their order.

    Each worker advances up to ``together`` conversations at once. An ``InputError`` stands in the place of a
    conversation that cannot be tracked. At most ``AHEAD * together`` conversations a worker are taken from
    the iterable before they are needed.

    Raises ``ModelError`` when the model cannot be loaded, or a worker dies.
    """
    with _Workers(arguments, workers, threads, together) as pool:
        yield from pool.track(conversations)


class _Workers:
    """Worker processes, each behind a pipe."""

    def __init__(self, arguments: LoadArguments, count: int, threads: int, together: int) -> None:
        self._together = together
        # Not forked: llama.cpp's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._processes: dict[Connection, BaseProcess] = {}
        for _ in range(count):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, arguments, threads, together), daemon=True)
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
        busy = dict.fromkeys(self._processes, 0)
        finished: dict[int, Track | InputError] = {}
        due, taken, exhausted = 0, 0, False
        ahead = AHEAD * self._together * len(self._processes)
        while True:
            while not exhausted and taken - due < ahead:
                # One after the other to the least busy, so that a few are spread over all.
                pipe = min(busy, key=busy.__getitem__)
                if busy[pipe] == self._together:
                    break
                following = next(numbered, None)
                if following is None:
                    exhausted = True
                    break
                self._send(pipe, following)
                busy[pipe] += 1
                taken += 1
            while due in finished:
                yield finished.pop(due)
                due += 1
            working = [pipe for pipe, count in busy.items() if count]
            if not working:
                if exhausted:
                    return
                continue
            for ready in wait(working):
                assert isinstance(ready, Connection)
                tracked = self._receive(ready)
                finished |= tracked
                busy[ready] -= len(tracked)

    def _send(self, pipe: Connection, numbered: tuple[int, Conversation]) -> None:
        try:
            pipe.send(numbered)
        except OSError:
            raise self._died(pipe) from None

    def _receive(self, pipe: Connection) -> dict[int, Track | InputError]:
        try:
            answer = pipe.recv()
        except (EOFError, OSError):
            raise self._died(pipe) from None
        if isinstance(answer, str):
            raise ModelError(answer)
        assert isinstance(answer, dict)
        return answer

    def _died(self, pipe: Connection) -> ModelError:
        process = self._processes[pipe]
        process.join(timeout=5)
        code = process.exitcode
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return ModelError(
            f"a worker process died ({how}); 'goalstate doctor' says whether this machine is well"
        )


def _work(pipe: Connection, arguments: LoadArguments, threads: int, together: int) -> None:
    """Track what comes through the pipe until it closes; a string sent back says why that is impossible."""
    # Ctrl-C reaches the whole group; the parent decides what happens then and closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Read by a thread of its own, so that neither end waits for the other to read first.
    received: queue.SimpleQueue[tuple[int, Conversation] | None] = queue.SimpleQueue()
    threading.Thread(target=_receive_all, args=(pipe, received), daemon=True).start()
    try:
        with warnings.catch_warnings():
            # The parent has said so already, once.
            warnings.simplefilter("ignore", UntrainedModelWarning)
            tracker = GoalTracker.load(
                arguments.model,
                decoder=arguments.decoder,
                threads=threads,
                context=arguments.context,
                exact=arguments.exact,
            )
        with Group(tracker, together) as group:
            while True:
                while not len(group) or not received.empty():
                    following = received.get()
                    if following is None:
                        return
                    group.add(*following)
                finished = group.advance()
                if finished:
                    pipe.send(finished)
    except GoalstateError as error:
        pipe.send(str(error))
        while received.get() is not None:
            pass  # until that has been read
    except BrokenPipeError:
        return


def _receive_all(pipe: Connection, received: queue.SimpleQueue[tuple[int, Conversation] | None]) -> None:
    """Pass on what comes through a pipe, and ``None`` when it closes."""
    try:
        while True:
            received.put(pipe.recv())
    except (EOFError, OSError):
        received.put(None)
