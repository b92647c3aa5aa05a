"""The sentences of weakly labelled components: several wordings for every slot, objective and fact.

Knows words only. All wordings are the project's own.
"""

from __future__ import annotations

FIND = {
    "restaurant": (
        "Find a restaurant.",
        "Look for somewhere to eat.",
        "Get a restaurant suggested.",
        "You need to find a place to eat.",
    ),
    "hotel": (
        "Find somewhere to stay.",
        "Look for a hotel.",
        "Find accommodation in Cambridge.",
        "You need a place to spend the night.",
    ),
    "attraction": (
        "Find an attraction to visit.",
        "Look for something to see in town.",
        "Find a sight worth a visit.",
        "You are after a place to visit.",
    ),
    "train": (
        "Find a train.",
        "Look for a suitable train.",
        "Find out about a train connection.",
        "You need to find a train.",
    ),
}
BOOK = {
    "restaurant": (
        "Find a restaurant and reserve a table.",
        "Get a table booked at a restaurant.",
        "Book a table for a meal.",
        "You want a table reserved at a restaurant.",
    ),
    "hotel": (
        "Find a hotel and reserve it.",
        "Get a room booked.",
        "Book a place to stay.",
        "You want to reserve accommodation.",
    ),
    "train": (
        "Find a train and reserve seats.",
        "Get train tickets booked.",
        "Book a train.",
        "You want train tickets.",
    ),
    "taxi": ("Book a taxi.", "Get a taxi arranged.", "Order a cab.", "You want a taxi booked."),
}
CALLED = {
    "restaurant": (
        "Look up the restaurant {0}.",
        "Find the restaurant named {0}.",
        "You are interested in the restaurant {0}.",
    ),
    "hotel": ("Look up the hotel {0}.", "Find the hotel named {0}.", "You are interested in staying at {0}."),
    "attraction": ("Look up {0}.", "Find the attraction named {0}.", "You want to know about {0}."),
}
BOOK_CALLED = {
    "restaurant": ("Reserve a table at {0}.", "Find the restaurant named {0} and get a table there."),
    "hotel": ("Reserve a room at {0}.", "Find the hotel named {0} and have it booked."),
}
CONDITION = {
    ("restaurant", "food"): (
        "The food must be {0}.",
        "The restaurant should serve {0} cuisine.",
        "You want {0} food.",
        "{0} food is what the restaurant has to serve.",
    ),
    ("restaurant", "area"): (
        "The restaurant must be in the {0}.",
        "Eat in the {0} of town.",
        "The place to eat is in the {0}.",
    ),
    ("restaurant", "pricerange"): (
        "The restaurant must be {0} in price.",
        "The restaurant's prices should be {0}.",
        "You want a restaurant in the {0} range.",
    ),
    ("hotel", "area"): (
        "The hotel must be in the {0}.",
        "Stay in the {0} of town.",
        "The place to stay is in the {0}.",
    ),
    ("hotel", "pricerange"): (
        "The hotel must be {0} in price.",
        "The room should be in the {0} price bracket.",
        "You want accommodation in the {0} range.",
    ),
    ("hotel", "stars"): (
        "The hotel must have {0} stars.",
        "You want a {0}-star place.",
        "The star rating should be {0}.",
    ),
    ("hotel", "type"): (
        "The accommodation must be a {0}.",
        "You want a {0}, no other kind of lodging.",
        "The place to stay is a {0}.",
    ),
    ("hotel", "parking"): (
        "The hotel must offer free parking.",
        "There should be free parking at the hotel.",
        "You need parking at no cost where you stay.",
    ),
    ("hotel", "internet"): (
        "The hotel must offer free internet.",
        "There should be free wifi at the hotel.",
        "You need wifi where you stay.",
    ),
    ("attraction", "area"): (
        "The attraction must be in the {0}.",
        "Visit a place in the {0} of town.",
        "The sight is in the {0}.",
    ),
    ("attraction", "type"): (
        "The attraction must be of the kind {0}.",
        "Visit a place of the type {0}.",
        "The kind of attraction should be {0}.",
    ),
    ("train", "departure"): (
        "The train must start from {0}.",
        "Depart by train from {0}.",
        "You board the train in {0}.",
    ),
    ("train", "destination"): (
        "The train must go to {0}.",
        "The train's destination is {0}.",
        "You get off the train in {0}.",
    ),
    ("train", "day"): (
        "The train must run on {0}.",
        "Travel by train on {0}.",
        "The train journey is on {0}.",
    ),
    ("train", "leaveAt"): (
        "The train must leave at {0} or later.",
        "Depart by train no earlier than {0}.",
        "The train should set off after {0}.",
    ),
    ("train", "arriveBy"): (
        "The train must get in by {0}.",
        "Arrive by train no later than {0}.",
        "The train should reach its destination by {0}.",
    ),
    ("taxi", "leaveAt"): (
        "The taxi must pick you up at {0}.",
        "Leave by taxi at {0}.",
        "The taxi ride should start by {0}.",
    ),
    ("taxi", "arriveBy"): (
        "The taxi must get there by {0}.",
        "Arrive by taxi at {0} at the latest.",
        "The taxi should bring you there by {0}.",
    ),
    ("taxi", "departure"): ("The taxi must pick you up at {0}.", "The taxi ride starts at {0}."),
    ("taxi", "destination"): ("The taxi must take you to {0}.", "The taxi ride ends at {0}."),
    ("restaurant", "people"): (
        "The table must be for {0}.",
        "The reservation at the restaurant is for {0}.",
        "Reserve the table for a party of {1}.",
    ),
    ("restaurant", "day"): (
        "The table must be for {0}.",
        "Eat at the restaurant on {0}.",
        "The table is reserved for {0}.",
    ),
    ("restaurant", "time"): (
        "The table must be for {0}.",
        "The reservation at the restaurant is at {0}.",
        "Sit down to eat at {0}.",
    ),
    ("hotel", "people"): (
        "The room must be for {0}.",
        "The hotel reservation is for {0}.",
        "Reserve the room for a party of {1}.",
    ),
    ("hotel", "day"): (
        "The stay must begin on {0}.",
        "Check in at the hotel on {0}.",
        "The hotel reservation starts on {0}.",
    ),
    ("hotel", "stay"): (
        "The stay must last {0}.",
        "The hotel reservation covers {0}.",
        "Stay at the hotel for {0}.",
    ),
    ("train", "people"): (
        "The tickets must be for {0}.",
        "The train reservation is for {0}.",
        "Reserve seats on the train for a party of {1}.",
    ),
}
JOINT = {
    ("train", ("departure", "destination")): (
        "The train must run from {departure} to {destination}.",
        "Go by train from {departure} to {destination}.",
        "Your train takes you from {departure} to {destination}.",
    ),
    ("restaurant", ("people", "day", "time")): (
        "The table must be for {people} on {day} at {time}.",
        "Reserve for {people}, {day}, {time}.",
    ),
    ("restaurant", ("day", "time")): (
        "The table must be for {day} at {time}.",
        "You eat at {time} on {day}.",
    ),
    ("hotel", ("people", "day", "stay")): (
        "The room must be for {people} and {stay} from {day}.",
        "Reserve {stay} for {people}, arriving on {day}.",
    ),
    ("hotel", ("day", "stay")): (
        "The stay must be {stay} from {day}.",
        "You stay for {stay} and arrive on {day}.",
    ),
}
SAME_AS = {
    "people": (
        "The {0} must be for as many people as the {1}.",
        "Reserve the {0} for the same people as the {1}.",
        "The party for the {0} is the one for the {1}.",
    ),
    "day": (
        "The {0} must be for the day of the {1}.",
        "The {0} and the {1} fall on one day.",
        "The {0} is on the day on which the {1} is, too.",
    ),
}
BOOKED = {"restaurant": "table", "hotel": "room", "train": "train"}
BETWEEN = (
    "Book a taxi between the {0} and the {1}.",
    "Get a taxi to go between the {0} and the {1}.",
    "You want a cab to link the {0} and the {1}.",
)
REBOOK = (
    "Should the {1} booking fail, take {0} instead.",
    "If the {1} cannot be booked like that, make it {0}.",
    "If the {1} reservation does not work out, reserve {0} instead.",
)
FALLBACK = ("If there is none, {0}", "Should that not exist, {0}", "Failing that, {0}")
INSTEAD = {
    "food": "settle for {0} food.",
    "area": "take one in the {0}.",
    "pricerange": "take one that is {0}.",
    "type": "take one of the type {0}.",
    "stars": "take one with {0} stars.",
}
FACTS = {
    "phone": "phone number",
    "postcode": "postcode",
    "address": "address",
    "entrance fee": "entrance fee",
    "area": "area",
    "type": "type",
    "food": "kind of food",
    "pricerange": "price range",
    "stars": "star rating",
    "parking": "parking situation",
    "internet": "internet situation",
    "car type": "kind of car",
    "trainID": "ID",
    "duration": "travel time",
    "price": "ticket price",
    "leaveAt": "departure time",
    "arriveBy": "arrival time",
    "reference": "reference number",
}
LEARN = (
    "Get the {0} of the {1}.",
    "Find out the {1}'s {0}.",
    "You want to be told the {0} of the {1}.",
    "You need to know the {1}'s {0}.",
    "Learn the {0} of the {1}.",
)
REFERENCE = (
    "Get the reference number for the {0}.",
    "Obtain the booking reference of the {0}.",
    "You need the {0}'s reference number.",
    "Receive a reference for the {0}.",
)
BOOKING = {"restaurant": "table reservation", "hotel": "hotel reservation", "train": "train reservation"}
WISH = {
    "food": (
        "You would enjoy {0} food most.",
        "You lean towards {0} cuisine.",
        "{0} food would be nice, if possible.",
    ),
    "area": (
        "Would rather have the {1} in the {0}.",
        "The {1} would best be in the {0}.",
        "If possible, the {1} is in the {0}.",
    ),
    "pricerange": ("You would like a {1} that is {0}, ideally.", "Ideally the {1} is {0} in price."),
    "stars": ("Ideally the {1} has {0} stars.", "You would be pleased with {0} stars."),
    "internet": ("It would be nice if the {1} had wifi.", "You would like to have internet at the {1}."),
    "parking": ("It would be nice if the {1} had parking.", "You would like to park at the {1}."),
    "type": ("You fancy something of the type {0} most.", "Ideally the {1} is of the type {0}."),
}

SIZE_WHEN_ASKED = (
    "Give the number of people only when asked for it.",
    "You wait for the agent to ask before you say how many people there are.",
    "Keep the size of your party to yourself until the agent wants to know it.",
    "Do not say how many you are until the agent asks.",
    "Only when asked do you say how many people are coming.",
    "You do not say of your own accord how many people there are.",
)
PRICE_FIRST = (
    "Ask what the train costs before booking it.",
    "You book the train only after asking its price.",
    "Inquire about the fare before the train is booked.",
    "Before you book the train, ask for its price.",
    "Do not book a train without having asked for the fare.",
    "You ask about the cost of the train before you take it.",
)
IN_ORDER = (
    "You do not speak of the {1} before you have spoken of the {0}.",
    "Bring up the {0} first and the {1} after it.",
    "The {1} is not mentioned until the {0} has been.",
    "Speak of the {0} before you speak of the {1}.",
    "First comes the {0}, then the {1}.",
    "Deal with the {0} before you bring up the {1}.",
    "Leave the {1} aside until you have spoken of the {0}.",
)
SECOND_TRY = (
    "If the {0} booking fails, ask for {1}.",
    "You try {1} when the {0} cannot be booked as wished.",
    "When the {0} reservation is refused, request {1} next.",
    "If the {0} cannot be booked, ask for {1} instead.",
    "Should the {0} booking not go through, you ask for {1}.",
    "In case the {0} booking fails, try {1}.",
)
ANOTHER = (
    "If the {0} booking fails, ask for another {1}.",
    "If the {0} cannot be booked, try another {1}.",
    "When the {0} reservation is refused, ask about a different {1}.",
    "Should the {0} not be free, you propose another {1}.",
    "In case the {0} booking does not work out, change the {1}.",
    "As soon as you hear that the {0} can't be booked, name another {1}.",
)
ALONE = (
    "You are on your own.",
    "You travel alone.",
    "Is by themselves on this trip.",
    "Nobody comes with you.",
    "You are a party of one.",
    "There is just you.",
)
TOGETHER = (
    "You are a group of {0}.",
    "There are {0} of you.",
    "Travels as a party of {0}.",
    "You are {0} people in all.",
    "Your party has {0} people.",
    "Together with the others you are {0}.",
)
SMALL_PURSE = (
    "You are short of money and want nothing but cheap places.",
    "Can only afford cheap places.",
    "Has little to spend and looks for cheap places only.",
    "You watch every penny and go to cheap places only.",
    "Your budget allows for cheap places and nothing else.",
    "You are saving money, so every place has to be cheap.",
)
VISITING = (
    "You are planning a trip to Cambridge.",
    "You are getting ready for a visit to Cambridge.",
    "You are a tourist in Cambridge.",
    "You will be in Cambridge soon.",
    "Is looking for information about Cambridge.",
    "You want to see something of Cambridge.",
    "You are excited about your stay in Cambridge.",
)
BY_TRAIN = (
    "You travel by train.",
    "You come or leave by train.",
    "Takes the train for this journey.",
    "A train ride is part of your trip.",
    "You make use of the train on this trip.",
    "You are going somewhere by rail.",
)
CIVIL = (
    "You are polite to the agent.",
    "You keep a civil tone.",
    "Is friendly and calm.",
    "You are in an even mood.",
    "You have nothing against the agent.",
    "You are well-mannered.",
)
SLOTS = {
    "people": "how many people there are",
    "day": "the day that it is for",
    "time": "the time that the table is for",
    "stay": "how many nights you stay",
    "pricerange": "the price range that you have in mind",
    "area": "the part of town that you have in mind",
    "food": "the kind of food that you have in mind",
    "stars": "the number of stars that you have in mind",
    "departure": "where you set out from",
    "destination": "where you are going",
    "leaveAt": "when you want to leave",
    "arriveBy": "when you want to arrive",
}
"""What is told with a slot, as a clause or noun phrase behind "say" or "tell the agent"."""
NEVER_TELL = (
    "Never say {0} ({1}).",
    "You never tell the agent {0} ({1}).",
    "Do not tell the agent {0} ({1}).",
    "Keep to yourself {0} ({1}).",
    "At no point do you say {0} ({1}).",
    "The agent does not hear from you {0} ({1}).",
)
TELL_WHEN_ASKED = (
    "Do not say {0} ({1}) until the agent asks for it.",
    "Say {0} ({1}) only when you are asked.",
    "Tell the agent {0} ({1}) only if it asks.",
    "You wait to be asked before you say {0} ({1}).",
    "Unless the agent asks, do not say {0} ({1}).",
    "You do not say {0} ({1}) of your own accord.",
)
TELL_FIRST = (
    "In your first message, say {0} ({1}).",
    "Your first message says {0} ({1}).",
    "Tell the agent in your first message {0} ({1}).",
    "You begin with a message that says {0} ({1}).",
    "Right in your first message, you tell the agent {0} ({1}).",
    "When you first write, say {0} ({1}).",
)
TELL_BEFORE = (
    "Say {0} ({1}) before you say {2} ({3}).",
    "Before you say {2} ({3}), say {0} ({1}).",
    "Do not say {2} ({3}) before you have said {0} ({1}).",
    "You say {0} ({1}) first and {2} ({3}) in a later message.",
    "Only after {0} ({1}) do you say {2} ({3}).",
    "First say {0} ({1}), then {2} ({3}).",
)
FACT_BEFORE_END = (
    "Ask for the {0} of the {1} before you leave.",
    "Before the conversation ends, ask for the {1}'s {0}.",
    "You do not leave without having asked for the {1}'s {0}.",
    "At some point, ask for the {0} of the {1}.",
    "Before you say goodbye, you ask for the {0} of the {1}.",
    "Make sure to ask for the {1}'s {0} before the end.",
)
FACT_NEVER = (
    "Never ask for the {0} of the {1}.",
    "Do not ask for the {1}'s {0}.",
    "You never ask the agent for the {0} of the {1}.",
    "At no point do you ask for the {1}'s {0}.",
    "You leave it to the agent to name the {0} of the {1}.",
    "No question about the {1}'s {0} comes from you.",
)
THANK_AT_END = (
    "Thank the agent in your last message.",
    "Thank the agent as you take your leave.",
    "Your last message has a word of thanks in it.",
    "Before you go, say thank you.",
    "You thank the agent when you are done.",
    "Leave with a thank-you.",
)


def spoken(slot: str, value: str) -> str:
    """A slot value as a sentence says it."""
    if slot == "people":
        return f"{value} person" if value == "1" else f"{value} people"
    if slot == "stay":
        return f"{value} night" if value == "1" else f"{value} nights"
    if slot == "day":
        return value.capitalize()
    if slot in ("departure", "destination", "name"):
        return value.title().replace("'S", "'s")
    if slot == "food":
        return (
            value.title()
            if value not in ("seafood", "gastropub", "vegetarian", "steakhouse", "traditional", "unusual")
            else value
        )
    return {
        "swimmingpool": "swimming pool",
        "concerthall": "concert hall",
        "mutliple sports": "multiple sports",
    }.get(value, value)
