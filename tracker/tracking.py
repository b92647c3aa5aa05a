"""Tracking: a goal, a conversation that grows by a turn at a time, and where the goal stands after each.

Knows what is asked when and of whom, which policies code checks instead, and how answers become a state.
Knows nothing about how questions are answered or rules are read.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType, TracebackType

from tracker.conversation import Conversation, Turn
from tracker.decoding import Decoder, Distribution, Reading
from tracker.errors import InputError, ModelError
from tracker.forward import Belief, Calibration
from tracker.goal import Goal, Status
from tracker.hardware import load_options, usable_threads
from tracker.modelless import MODELLESS, ModellessDecoder, calibration_alone, settled, shipped
from tracker.opinions import Opinion, OpinionModel, OpinionReading, read_opinions
from tracker.prompt import Question, opening_pieces, turn_pieces
from tracker.rules import BROKEN, Check, checked, decided, read_rules
from tracker.state import ComponentState, GoalState, Track

DECODERS = ("branches", "plain", *MODELLESS)
TOGETHER = 1
"""Conversations that a process advances together unless it is told otherwise. On a CPU a turn with its
branches fills llama.cpp's batches by itself, and attention is computed over the cells of all that are open:
with 4 at once a token took 27% more processor time than with 1. See ``benchmarks.throughput``."""
MOST_TOGETHER = 32
"""With more, too few of the engine's sequences are left for their questions."""

Answers = dict[str, dict[Status, Distribution]]
"""Answers by a component's id and the status that it had before."""


@dataclass(frozen=True)
class LoadArguments:
    """What a tracker was loaded with, for others like it; see ``GoalTracker.load``."""

    model: Path | None
    """The prepared model; ``None`` where there is none."""
    decoder: str
    threads: int
    """CPU threads of all that is tracked at once."""
    context: int | None = None
    exact: bool = False


class UntrainedModelWarning(UserWarning):
    """The model was not trained for tracking: its statuses are poor."""


class GoalTracker:
    """Tracks goals with a model; ``load`` makes one.

    Use it as a context manager, or ``close`` it, to free the model.
    """

    def __init__(
        self,
        decoder: Decoder,
        calibration: Calibration,
        *,
        model: str,
        opinions: Mapping[Opinion, OpinionModel] = MappingProxyType({}),
        alone: Calibration | None = None,
        options: LoadArguments | None = None,
    ) -> None:
        self.decoder = decoder
        """What answers the questions."""
        self.opinions = opinions
        """What answers them as well."""
        self.alone = alone
        """The calibration for these without the model, by which they settle questions before it is asked;
        where it is ``None``, the model is asked everything. Counts for sessions that start afterwards;
        workers have their own."""
        self._calibration = calibration
        self._model = model
        self._options = options

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        *,
        decoder: str = "branches",
        threads: int | None = None,
        context: int | None = None,
        exact: bool = False,
    ) -> GoalTracker:
        """Load a model and make a tracker of it.

        Parameters
        ----------
        model
            A GGUF file; goalstate's own by default, which is prepared on first use.
        decoder
            ``"branches"``, which reads every token once, or ``"plain"``, which reads the whole conversation
            for every question. Both say the same. Or without a language model, in less time: ``"encoder"``,
            which goes by a small encoder and by words, and ``"words"``, which goes by words alone.
        threads
            CPU threads, those of all workers together; chosen for the machine by default.
        context
            The most tokens of a conversation (with all that are open at once, for ``"branches"``); 8,192,
            or what the model was trained on where that is less, by default.
        exact
            Whether probabilities must be the same to the last bit whatever is read in one batch, in exchange
            for time. Otherwise 8-bit weights make them differ by some hundredths.

        Raises ``ModelError`` when the model is missing or cannot be used, ``CacheError`` when it cannot be
        prepared, and ``InputError`` for an unknown decoder or a model beside one without. Warns with
        ``UntrainedModelWarning`` when the model was not trained for tracking.
        """
        if decoder not in DECODERS:
            raise InputError(f"unknown decoder {decoder!r}; expected one of {', '.join(DECODERS)}")
        if decoder in MODELLESS:
            if model is not None:
                raise InputError(f"the decoder {decoder!r} takes no model")
            threads = usable_threads() if threads is None else threads
            by = shipped(decoder, threads=threads)
            return cls(
                ModellessDecoder(decoder),
                by.calibration,
                model=by.name,
                opinions=by.opinions,
                options=LoadArguments(None, decoder, threads),
            )
        # Loaded here, so that a goal can be read and a command's help shown without llama.cpp.
        from tracker.llama import Model
        from tracker.model import prepare

        prepared = prepare(model)
        options = load_options(threads)
        loaded = Model(prepared.path, options)
        chosen: Decoder
        if decoder == "plain":
            from tracker.plain import PlainDecoder

            chosen = PlainDecoder(loaded, context=context, threads=options.threads, exact=exact)
        else:
            from tracker.branches import BranchDecoder

            chosen = BranchDecoder(loaded, context=context, threads=options.threads, exact=exact)
        calibration = (
            Calibration() if prepared.calibration is None else Calibration.read(prepared.calibration)
        )
        missing = sorted(calibration.opinions - prepared.opinions.keys())
        if missing:
            raise ModelError(
                f"{prepared.calibration}: counts on {missing[0]}.npz, which is missing: the trained adapter "
                "is not completely installed"
            )
        counted = {opinion: prepared.opinions[opinion] for opinion in sorted(calibration.opinions)}
        opinions = read_opinions(counted, threads=options.threads)
        folder = None if prepared.calibration is None else prepared.calibration.parent
        alone = None if folder is None else calibration_alone(folder, counted)
        if not prepared.trained:
            warnings.warn(
                f"{prepared.name} is not trained for tracking: its statuses will be poor",
                UntrainedModelWarning,
                stacklevel=2,
            )
        arguments = LoadArguments(prepared.path, decoder, options.threads, context, exact)
        return cls(
            chosen, calibration, model=prepared.name, opinions=opinions, alone=alone, options=arguments
        )

    @property
    def threads(self) -> int:
        """CPU threads that all it tracks at once may take."""
        return usable_threads() if self._options is None else self._options.threads

    def start(self, goal: Goal, *, opening: str | None = None) -> Session:
        """Begin to track a conversation.

        ``opening`` is what the agent said before the user's first message, if it did.
        """
        reading = self.decoder.start()
        reading.read(opening_pieces(opening))
        rules = read_rules(goal, opening=opening)
        by_code = decided(rules)
        beliefs = {c.id: Belief.start(c.category) for c in goal if c.id not in by_code}
        others = {opinion: one.start(goal, opening=opening) for opinion, one in self.opinions.items()}
        return Session(
            goal, reading, self._calibration, beliefs, GoalState.start(goal), rules, others, alone=self.alone
        )

    def track(self, conversation: Conversation) -> Track:
        """The state of a conversation's goal after each of its turns.

        Raises ``ContextLengthError`` when the conversation does not fit the context.
        """
        with self.start(conversation.goal, opening=conversation.opening) as session:
            states = tuple(session.update(turn.user, turn.assistant) for turn in conversation.turns)
        return Track(conversation.id, conversation.goal, states)

    def track_many(
        self,
        conversations: Iterable[Conversation],
        *,
        workers: int | None = None,
        together: int | None = None,
        turn_done: Callable[[], None] | None = None,
    ) -> Iterator[Track | InputError]:
        """Track conversations, several at once; what comes out is in their order.

        An ``InputError`` stands in the place of a conversation that cannot be tracked. How they are spread
        changes the time, and nothing else where the tracker is ``exact``. They are taken from the iterable a
        few before they are needed.

        Parameters
        ----------
        workers
            Processes to track in, each of which loads the model for itself; one for each thread by default.
            In this process, with the model that is loaded, for 1.
        together
            Conversations that each process advances together, a turn of each in one batch; fewer where their
            tokens do not fit the context together. 1 by default: see ``TOGETHER``.
        turn_done
            Is called after each turn; by this process alone.

        Raises ``ModelError`` when a worker dies, and ``ValueError`` for numbers out of range, or when
        workers are asked of a tracker that was not made by ``load``.
        """
        from tracker.parallel import track_many
        from tracker.together import track_together

        together = TOGETHER if together is None else together
        if not 1 <= together <= MOST_TOGETHER:
            raise ValueError(f"together is {together}; expected 1 to {MOST_TOGETHER}")
        workers = self.threads if workers is None else workers
        if workers < 1:
            raise ValueError(f"workers is {workers}; expected at least 1")
        if workers == 1:
            return track_together(conversations, self, together=together, turn_done=turn_done)
        if self._options is None:
            raise ValueError("only a tracker made by GoalTracker.load can start workers")
        return track_many(
            conversations,
            self._options,
            workers=workers,
            threads=max(1, self.threads // workers),
            together=together,
        )

    def update_many(self, updates: Sequence[tuple[Session, str, str | None]]) -> list[GoalState | InputError]:
        """``Session.update`` for several sessions of this tracker at once, in fewer and larger batches.

        Takes sessions, each of them once, with the user's message and the agent's reply to it. In the place
        of a session that cannot be updated stands the error that ``Session.update`` would raise.
        """
        outcomes: list[GoalState | InputError | None] = [None] * len(updates)
        asked: dict[int, tuple[Reading, list[Question]]] = {}
        for number, (session, user, assistant) in enumerate(updates):
            try:
                asked[number] = session.begin(user, assistant)
            except InputError as error:
                outcomes[number] = error
        for number, answers in zip(asked, self.decoder.ask(list(asked.values())), strict=True):
            session, questions = updates[number][0], asked[number][1]
            outcomes[number] = (
                answers if isinstance(answers, InputError) else session.finish(questions, answers)
            )
        return [outcome for outcome in outcomes if outcome is not None]

    def describe(self) -> dict[str, str]:
        """What made a track: goalstate's version, the model and the decoder."""
        return {"version": _version(), "model": self._model, "decoder": self.decoder.name}

    def close(self) -> None:
        """Free the model. Sessions of this tracker cannot be updated any more."""
        self.decoder.close()

    def __enter__(self) -> GoalTracker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Session:
    """One conversation that is being tracked.

    Use it as a context manager, ``close`` it, or let go of it, to give its place in the context back.
    """

    def __init__(
        self,
        goal: Goal,
        reading: Reading,
        calibration: Calibration,
        beliefs: Mapping[str, Belief],
        state: GoalState,
        rules: Mapping[str, Check],
        others: Mapping[Opinion, OpinionReading],
        turns: tuple[Turn, ...] = (),
        *,
        alone: Calibration | None = None,
    ) -> None:
        self.goal = goal
        self._reading = reading
        self._calibration = calibration
        self._beliefs = dict(beliefs)
        self._state = state
        self._rules = rules
        self._others = others
        self._turns = turns
        self._alone = alone
        self._said: dict[Opinion, Answers] = {}
        self._settled: Answers = {}

    @property
    def state(self) -> GoalState:
        """Where the goal stands after the turns so far."""
        return self._state

    def update(self, user: str, assistant: str | None = None) -> GoalState:
        """Read a turn, the user's message with the agent's reply to it, and say where the goal stands now.

        Raises ``InputError`` for an empty message and ``ContextLengthError`` when the conversation has
        become too long; the state then stays as it is, and the session takes no further turns.
        """
        reading, questions = self.begin(user, assistant)
        return self.finish(questions, reading.ask(questions))

    def begin(self, user: str, assistant: str | None) -> tuple[Reading, list[Question]]:
        """The first half of ``update``: read a turn; what the model is to be asked about it, and where.

        The other opinions are asked here; what they or the checks of policies settle is not asked any more.

        Raises ``InputError`` for an empty message, or when the turn before was never finished.
        """
        if len(self._turns) > self._state.turn:  # it did not fit the context, or was interrupted
            raise InputError("an earlier turn could not be read to its end; the session takes no more")
        for role, content in (("user", user), ("assistant", assistant)):
            if content is not None and not content.strip():
                raise InputError("the message is empty", field=role)
        turn = Turn(self._state.turn + 1, user, assistant)
        self._turns += (turn,)
        self._reading.read(turn_pieces(turn))
        self._others = {opinion: other.after(turn) for opinion, other in self._others.items()}
        questions = [
            Question(component, previous)
            for component in self.goal
            if component.id in self._beliefs
            for previous in self._beliefs[component.id].open
        ]
        self._said = {
            opinion: _by_component(questions, other.ask(questions)) for opinion, other in self._others.items()
        }
        self._settled = {}
        asked = []
        for question in questions:
            if (follows := self._settles(question)) is None:
                asked.append(question)
            else:
                self._settled.setdefault(question.component.id, {})[question.previous] = follows
        return self._reading, asked

    def _settles(self, question: Question) -> Distribution | None:
        """The answer, calibrated, where a check sees a break or the other opinions are sure of it."""
        name = question.component.id
        rule = self._rules.get(name)
        if rule is not None and rule.breaks(self._turns):
            return BROKEN
        if self._alone is None:
            return None
        said = {opinion: answers[name][question.previous] for opinion, answers in self._said.items()}
        return settled(self._alone, question, said)

    def finish(self, questions: Sequence[Question], answers: Sequence[Distribution]) -> GoalState:
        """The second half of ``update``: where the goal stands after the answers, one a question."""
        found = _by_component(questions, answers)
        states: dict[str, ComponentState] = {}
        for component in self.goal:
            name = component.id
            if name not in self._beliefs:
                states[name] = checked(self._rules[name], self._state[name].status, self._turns)
                continue
            calibration = self._calibration[component.category]
            said = {opinion: by_component.get(name, {}) for opinion, by_component in self._said.items()}
            follows = calibration.follows(found.get(name, {}), said) | self._settled.get(name, {})
            self._beliefs[name] = self._beliefs[name].after(follows, calibration.threshold)
            states[name] = calibration.state(self._beliefs[name])
        self._state = GoalState(self._state.turn + 1, states)
        return self._state

    def copy(self, components: Iterable[str] | None = None) -> Session:
        """A session that stands where this one does and goes on by itself; only what is new costs.

        Where ``components`` names some by their ids, the copy tracks these and no others.
        """
        goal, state = self.goal, self._state
        if components is not None:
            kept = set(components)
            # A goal of its own would miss the objectives that its requirements belong to.
            goal = Goal.model_construct(text=goal.text, components=tuple(c for c in goal if c.id in kept))
            state = GoalState(state.turn, {component.id: state[component.id] for component in goal})
        reading = self._reading.copy()
        return Session(
            goal,
            reading,
            self._calibration,
            self._beliefs,
            state,
            self._rules,
            self._others,
            self._turns,
            alone=self._alone,
        )

    def close(self) -> None:
        self._reading.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _by_component(questions: Sequence[Question], answers: Sequence[Distribution]) -> Answers:
    found: Answers = {}
    for question, answer in zip(questions, answers, strict=True):
        found.setdefault(question.component.id, {})[question.previous] = answer
    return found


def _version() -> str:
    try:
        return version("goalstate")
    except PackageNotFoundError:
        return "not installed"
