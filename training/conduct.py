"""The wordings of rules of conduct about a thing that a user may speak of.

{A} and {B} are the things to say with their verbs; an adverbial behind the letter stands where English wants
it: {A in your first message} is "say in your first message that ..." or "ask for ... in your first message".
{a} and {b} are the bare things, {T} a task. Knows words only; when a rule is broken is ``training.recast``'s.
"""

from __future__ import annotations

NEVER = (
    "Never {A}.",
    "You never {A}.",
    "Do not {A}.",
    "Don't {A}.",
    "You do not {A at any point}.",
    "At no point do you {A}.",
    "You will not {A}, whatever the agent says.",
    "Do not {A}, even if you are asked.",
    "In none of your messages do you {A}.",
)
NEVER_FACT = (
    "Keep it to yourself {a}.",
    "Do not let on {a}.",
    "The agent must not hear from you {a}.",
    "You hide it from the agent {a}.",
    "Not a word to the agent about it {a}.",
    "Never let the agent know {a}.",
)
NEVER_TOPIC = (
    "Say nothing about {a}.",
    "Keep quiet about {a}.",
    "Leave {a} out of the conversation.",
    "You do not say a word about {a}.",
    "Avoid the subject of {a}.",
)
NEVER_DATUM = ("Keep {a} to yourself.", "You do not give {a} away.", "Do not reveal {a}.")
FIRST = (
    "{A in your first message}.",
    "You {A in your first message}.",
    "You {A in your very first message}.",
    "In your first message, {A}.",
    "Right in your first message, you {A}.",
    "Make sure to {A in your opening message}.",
    "Begin by writing to the agent and {A at once, in that same message}.",
    "When you write for the first time, {A}.",
)
END = (
    "{A before you leave}.",
    "Before the conversation ends, {A}.",
    "Before you say goodbye, {A}.",
    "Do not leave without a message in which you {A}.",
    "You {A at some point before you take leave}.",
    "You do not end the conversation before you {A}.",
    "At some point in the conversation, {A}.",
    "By your last message at the latest, {A}.",
)
ASKED = (
    "Do not {A before the agent asks}.",
    "{A only when you are asked}.",
    "{A only if the agent asks}.",
    "Unless the agent asks, do not {A}.",
    "You do not {A unless you are asked}.",
    "Never {A unasked}.",
    "You wait until the agent asks before you {A}.",
    "As long as the agent has not asked, you do not {A}.",
)
ASKED_DATUM = (
    "Do not give {a} until the agent asks for it.",
    "Give {a} only when you are asked for it.",
    "Keep {a} to yourself until you are asked for it.",
    "You give {a} only when the agent asks for it.",
    "Wait with {a} until the agent wants to know it.",
    "Never give {a} of your own accord.",
)
RAISED = (
    "Do not bring up {a} before the agent does.",
    "You leave it to the agent to bring up {a} first.",
    "Speak of {a} only after the agent has spoken of it.",
    "Do not mention {a} until the agent has mentioned it.",
    "You are never the first to speak of {a}.",
    "Say nothing about {a} before the agent brings it up.",
)
ORDER = (
    "{A} before you {B}.",
    "Before you {B}, {A}.",
    "You {A} before you {B}.",
    "Do not {B} before you {A}.",
    "First {A}, and only after that {B}.",
    "Never {B} before you {A}.",
    "You do not {B} until you {A in an earlier message}.",
)
ORDER_NAMED = (
    "Bring up {a} before you speak of {b}.",
    "Deal with {a} before you bring up {b}.",
    "Leave {b} aside until you have spoken of {a}.",
    "Speak of {b} only after {a}.",
)
FOREMOST = (
    "{A before anything else}.",
    "{A before you bring up any other matter}.",
    "First of all, {A}.",
    "Before anything else, {A}.",
    "You {A before you turn to anything else}.",
    "Your first message does nothing but {A}.",
)
SETTLED = (
    "As long as it is not settled whether you can {T}, do not {A}.",
    "Until it is settled whether you can {T}, you do not {A}.",
    "While it is open whether you can {T}, do not {A}.",
    "First have it settled whether you can {T}; do not {A} before that.",
    "Wait until you have managed to {T}, or have been refused, before you {A}.",
    "Only once it is decided whether you can {T} may you {A}.",
)
REFUSED = (
    "If you cannot {T}, {A in your next message}.",
    "If the agent says that you cannot {T}, {A}.",
    "Should it turn out that you cannot {T}, {A straight away}.",
    "When you hear that you cannot {T}, {A}.",
    "As soon as you are told that you cannot {T}, you {A}.",
    "In case you are told that you cannot {T}, {A in your answer}.",
)
ELSE = (
    "When you are asked whether there is anything else, {A}.",
    "If the agent asks whether you need anything else, {A}.",
    "As soon as the agent asks what else it can do, {A}.",
    "You answer the question whether there is anything else like this: you {A}.",
    "Should the agent ask whether that is all, {A in your answer}.",
    "If the agent asks for anything else, {A in your next message}.",
)
