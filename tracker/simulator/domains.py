"""What the simulated world deals in: invented restaurants, hotels, trains, a shop, appointments and orders.

Knows, for each domain, what can be asked for and in which words: slots and their values, facts, wishes, and
why a request may fail. Knows nothing about databases, agents or goals: those are built from these tables.

A *slot* is something a request can say: part of what is wanted (*identity*), a detail that the agent needs
(*detail*) or a condition on what is offered (*attribute*). All values are text, as the world stores them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Failure(StrEnum):
    """Why a whole request fails, for a reason outside the user's control."""

    FULL = "full"
    REFUSED = "refused"
    ERROR = "error"


@dataclass(frozen=True, eq=False)
class Slot:
    """One thing that a request can say."""

    name: str
    values: tuple[str, ...]
    question: str
    """How the agent asks for it."""
    requirement: tuple[str, ...]
    """Sentences of a goal that demand a ``{value}``."""
    stated: str
    """How an offer or a confirmation states it."""
    unmet: str = ""
    """How the agent says that this ``{value}`` cannot be had."""
    instead: str = ""
    """A rule of a goal that names an ``{other}`` value, should there be no ``{value}``."""
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other words for a value."""

    def spoken(self, value: str) -> str:
        """A value as it stands in a sentence: small numbers as words."""
        if self.name in ("people", "nights", "quantity") and value.isdecimal() and 1 <= int(value) <= 12:
            return NUMBERS[int(value) - 1]
        return value

    def fill(self, template: str, value: str) -> str:
        """A template with the value, and with the plural of what is counted."""
        return template.format(value=self.spoken(value), s="" if value == "1" else "s").replace(
            "one people", "one person"
        )


@dataclass(frozen=True)
class Fact:
    """Something to find out about an offer."""

    name: str
    words: str
    """A regular expression of what asks for it, over lower-case text."""
    wanted: tuple[str, ...]
    """What is found out: goes behind "find out"."""
    answers: tuple[str, ...]
    """The sentences that are the answer; each thing in the world has one of them."""


@dataclass(frozen=True)
class Wish:
    """A choice between two that a user may have a preference about."""

    name: str
    first: str
    """A regular expression of the one choice, over lower-case text."""
    second: str
    texts: tuple[tuple[str, ...], tuple[str, ...]]
    """Sentences of a goal that prefer the first, and those that prefer the second."""
    question: str
    """How the agent offers the choice."""


@dataclass(frozen=True)
class Domain:
    """One kind of request."""

    name: str
    triggers: str
    """A regular expression of what begins to speak of it, over lower-case text."""
    tasks: tuple[str, ...]
    """What is to be done, as it goes behind "you want to"; may hold identity slots."""
    noun: str
    names: tuple[str, ...]
    """Names of what is offered."""
    facts: tuple[Fact, ...]
    wishes: tuple[Wish, ...]
    needs: tuple[str, ...]
    """What the agent must know about the user before it is done."""
    confirm: str
    done: str
    failures: Mapping[Failure, str]
    identity: tuple[Slot, ...] = ()
    details: tuple[Slot, ...] = ()
    attributes: tuple[Slot, ...] = ()
    extra: str = ""
    """What the agent tries to sell on top."""
    retention: str = ""
    """What a stubborn agent offers instead of doing what was asked."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.identity, *self.details, *self.attributes)

    def slot(self, name: str) -> Slot:
        return next(slot for slot in self.slots if slot.name == name)

    def fact(self, name: str) -> Fact:
        return next(fact for fact in self.facts if fact.name == name)


def _area(noun: str) -> Slot:
    return Slot(
        "area",
        ("old town", "harbour", "university quarter", "riverside", "station quarter"),
        "In which part of town?",
        (f"The {noun} is in the {{value}}.", f"The {noun} has to be in the {{value}}."),
        "in the {value}",
        f"I have no {noun} in the {{value}} that fits",
        f"If there is no {noun} in the {{value}}, ask for one in the {{other}}.",
        MappingProxyType({"university quarter": ("university",), "station quarter": ("station",)}),
    )


def _price(noun: str) -> Slot:
    return Slot(
        "price",
        ("cheap", "moderately priced", "expensive"),
        "What may it cost?",
        (f"The {noun} is {{value}}.", f"The {noun} has to be {{value}}."),
        "{value}",
        f"I have no {{value}} {noun} that fits",
        f"If there is no {{value}} {noun}, ask for one that is {{other}}.",
        MappingProxyType(
            {
                "cheap": ("inexpensive", "low price", "affordable"),
                "moderately priced": ("moderate", "moderately", "mid-range", "medium price"),
                "expensive": ("upscale", "luxury", "high end"),
            }
        ),
    )


def _day(subject: str) -> Slot:
    return Slot(
        "day",
        DAYS,
        "For which day?",
        (f"{subject} is on a {{value}}.", f"{subject} has to be on {{value}}."),
        "on {value}",
        "{value} is fully booked",
        "If {value} is fully booked, ask for {other}.",
        MappingProxyType({day: (day[:3].lower(),) for day in DAYS if day not in ("Saturday", "Sunday")}),
    )


def _people(subject: str) -> Slot:
    return Slot(
        "people",
        tuple(map(str, range(1, 9))),
        "For how many people?",
        (f"{subject} is for {{value}} people.", f"{subject} has to be for {{value}} people."),
        "for {value} people",
    )


def _part_of_day(subject: str) -> Slot:
    return Slot(
        "part",
        ("morning", "afternoon", "evening"),
        "In the morning, in the afternoon or in the evening?",
        (f"{subject} is in the {{value}}.", f"{subject} has to be in the {{value}}."),
        "in the {value}",
        "there is nothing in the {value}",
        "If there is nothing in the {value}, ask for the {other}.",
    )


_PHONE = Fact(
    "phone",
    r"\b(phone|telephone|number to call|contact number)\b(?! is)",
    ("the phone number of the {noun}", "what the phone number of the {noun} is"),
    tuple(
        f"The phone number is 555 {number}." for number in ("0117", "0163", "0128", "0191", "0174", "0136")
    ),
)
_ADDRESS = Fact(
    "address",
    r"\b(address|which street|located|where is it)\b",
    ("the address of the {noun}", "what the address of the {noun} is"),
    tuple(
        f"The address is {number} {street}."
        for number, street in (
            (4, "Larch Lane"),
            (17, "Ferry Street"),
            (31, "Mill Row"),
            (8, "Candle Yard"),
            (52, "Orchard Road"),
            (12, "Bell Square"),
        )
    ),
)
_REMINDER = Wish(
    "news",
    r"\b(text|sms|text message)\b",
    r"\be-?mail\b",
    (
        ("You would rather be reminded by text message than by e-mail.",),
        ("You would rather be reminded by e-mail than by text message.",),
    ),
    "Would you rather be reminded by text message or by e-mail?",
)

RESTAURANT = Domain(
    name="restaurant",
    triggers=r"\b(restaurants?|table|dine|dinner|lunch|meal|eat)\b",
    tasks=("book a table at a restaurant", "get a table at a restaurant booked"),
    noun="restaurant",
    names=(
        "Copper Spoon",
        "Green Lantern",
        "Salt and Thyme",
        "Old Mill Kitchen",
        "Blue Plate",
        "Marrow and Vine",
        "Paper Crane",
        "Quince House",
        "Tin Fork",
        "Saffron Yard",
        "Black Fig",
        "Juniper Room",
    ),
    details=(
        _day("The table"),
        _people("The table"),
        Slot(
            "time",
            ("18:00", "18:30", "19:00", "19:30", "20:00", "20:30"),
            "At what time?",
            ("The table is for {value}.", "The table has to be at {value}."),
            "at {value}",
            "{value} is taken",
            "If {value} is taken, ask for {other}.",
        ),
    ),
    attributes=(
        Slot(
            "cuisine",
            ("Italian", "Indian", "Thai", "Greek", "Mexican", "French"),
            "Which cuisine would you like?",
            ("The restaurant serves {value} food.", "It has to be a restaurant with {value} food."),
            "{value} food",
            "I have no {value} restaurant that fits",
            "If there is no {value} restaurant, ask for a {other} one.",
        ),
        _area("restaurant"),
        _price("restaurant"),
    ),
    facts=(
        _PHONE,
        _ADDRESS,
        Fact(
            "parking",
            r"\b(parking|car park|park (the|my|our|a) car)\b",
            ("whether there is parking at the restaurant", "whether the restaurant has parking"),
            ("Yes, there is a car park behind the house.", "No, there is no parking at the house."),
        ),
        Fact(
            "vegan",
            r"\bvegan\b",
            ("whether there are vegan dishes", "whether the restaurant serves vegan dishes"),
            ("Yes, there are vegan dishes on the menu.", "No, there are no vegan dishes on the menu."),
        ),
        Fact(
            "closing",
            r"\b(close|closes|closing|open until|kitchen)\b",
            ("when the kitchen closes", "until when the kitchen is open"),
            ("The kitchen closes at 22:00.", "The kitchen closes at 22:30.", "The kitchen closes at 23:00."),
        ),
    ),
    wishes=(
        Wish(
            "seat",
            r"\b(terrace|outside|outdoors?)\b",
            r"\b(inside|indoors?)\b",
            (
                ("You would rather sit on the terrace than inside.",),
                ("You would rather sit inside than on the terrace.",),
            ),
            "Would you rather sit on the terrace or inside?",
        ),
        Wish(
            "place",
            r"\bwindow\b",
            r"\b(corner|wall)\b",
            (
                ("You would rather sit by the window than in a corner.",),
                ("You would rather sit in a corner than by the window.",),
            ),
            "Would you rather sit by the window or in a corner?",
        ),
    ),
    needs=("name", "phone"),
    confirm="Shall I book the table?",
    done="The table is booked: {what}. The reference is {reference}.",
    failures=MappingProxyType(
        {
            Failure.FULL: "I am sorry, all tables are taken, on the other days too. I cannot book a table.",
            Failure.REFUSED: "I am sorry, I am not allowed to take this booking. I cannot book a table.",
            Failure.ERROR: "I am sorry, the booking system fails with an error. I cannot book the table.",
        }
    ),
    extra="a welcome drink for 9 euros",
)

HOTEL = Domain(
    name="hotel",
    triggers=r"\b(hotels?|rooms?|accommodation|(to|my|our|a) stay|stay (for|is|has|at a)|arrival)\b",
    tasks=("book a room at a hotel", "get a hotel room booked"),
    noun="hotel",
    names=(
        "Harbour Crown",
        "Linden Court",
        "Grey Heron",
        "Lantern House",
        "Three Bridges",
        "Alder Lodge",
        "Marble Stair",
        "Swan and Anchor",
        "North Gate",
        "Clover Hill",
        "Amber House",
        "Weaver's Rest",
    ),
    details=(
        _day("The arrival"),
        Slot(
            "nights",
            ("1", "2", "3", "4", "5"),
            "For how many nights?",
            ("The stay is for {value} night{s}.", "The stay has to be {value} night{s} long."),
            "for {value} night{s}",
        ),
        _people("The room"),
    ),
    attributes=(
        _area("hotel"),
        _price("hotel"),
        Slot(
            "breakfast",
            ("breakfast",),
            "Would you like breakfast?",
            ("Breakfast is included in the room.", "The room has to come with breakfast."),
            "with breakfast",
            "I have no hotel with breakfast that fits",
        ),
        Slot(
            "pool",
            ("pool",),
            "Would you like a pool?",
            ("The hotel has a pool.", "It has to be a hotel with a pool."),
            "with a pool",
            "I have no hotel with a pool that fits",
            also=MappingProxyType({"pool": ("swimming pool",)}),
        ),
    ),
    facts=(
        _PHONE,
        _ADDRESS,
        Fact(
            "parking",
            r"\b(parking|car park|garage|park (the|my|our|a) car)\b",
            ("whether there is parking at the hotel", "whether the hotel has a car park"),
            ("Yes, there is a car park in the yard.", "No, the hotel has no parking."),
        ),
        Fact(
            "checkout",
            r"\bcheck[- ]?out\b",
            ("when check-out is", "by what time you have to check out"),
            ("Check-out is at 10:00.", "Check-out is at 11:00.", "Check-out is at 12:00."),
        ),
        Fact(
            "lift",
            r"\b(lift|elevator)\b",
            ("whether the hotel has a lift", "whether there is a lift"),
            ("Yes, there is a lift to all floors.", "No, the hotel has no lift."),
        ),
    ),
    wishes=(
        Wish(
            "floor",
            r"\b(high|higher|upper|top) floor\b",
            r"\b(low|lower|ground) floor\b",
            (
                ("You would rather have a room on a high floor than on a low floor.",),
                ("You would rather have a room on a low floor than on a high floor.",),
            ),
            "Would you rather have a high floor or a low floor?",
        ),
        Wish(
            "side",
            r"\b(courtyard|yard|quiet)\b",
            r"\b(?:on|at|to|facing|overlooking) (?:the|a) street\b|\bstreet[- ]?side\b",
            (
                ("You would rather have a room on the courtyard than on the street.",),
                ("You would rather have a room on the street than on the courtyard.",),
            ),
            "Would you rather have a room on the courtyard or on the street?",
        ),
    ),
    needs=("name", "member"),
    confirm="Shall I book the room?",
    done="The room is booked: {what}. The reference is {reference}.",
    failures=MappingProxyType(
        {
            Failure.FULL: "I am sorry, all rooms are taken in these weeks. I cannot book a room.",
            Failure.REFUSED: "I am sorry, our rules do not let me book this stay. I cannot book a room.",
            Failure.ERROR: "I am sorry, the booking system is down. I cannot book the room.",
        }
    ),
    extra="late check-out for 15 euros",
)

_CITIES = ("Ashby", "Corwen", "Dunmore", "Eastlake", "Fennick")


def _city(name: str, question: str, stated: str) -> Slot:
    return Slot(name, _CITIES, question, (), stated)


TRAIN = Domain(
    name="train",
    triggers=r"\b(trains?|railway|tickets?(?! number)|journey|travel)\b",
    tasks=(
        "book a train ticket from {origin} to {destination}",
        "get a train ticket from {origin} to {destination}",
    ),
    noun="train",
    names=tuple(f"Train {number}" for number in range(101, 161)),
    identity=(
        _city("origin", "Where does the journey begin?", "from {value}"),
        _city("destination", "Where would you like to go?", "to {value}"),
    ),
    details=(
        _day("The journey"),
        Slot(
            "people",
            tuple(map(str, range(1, 9))),
            "How many travellers are there?",
            ("The ticket is for {value} people.", "The ticket has to be valid for {value} people."),
            "for {value} people",
        ),
    ),
    attributes=(
        _part_of_day("The journey"),
        Slot(
            "bicycle",
            ("bicycle",),
            "Would you like to take a bicycle?",
            ("The train takes your bicycle.", "It has to be a train that takes a bicycle."),
            "takes a bicycle",
            "I have no train that takes a bicycle and fits",
            also=MappingProxyType({"bicycle": ("bike", "bikes", "bicycles")}),
        ),
    ),
    facts=(
        Fact(
            "duration",
            r"\b(how long|travel time|journey time|duration)\b",
            ("how long the journey takes", "what the travel time is"),
            (
                "The journey takes 55 minutes.",
                "The journey takes 80 minutes.",
                "The journey takes two hours.",
            ),
        ),
        Fact(
            "fare",
            r"\b(how much|fare|price of|what .{0,14}costs?|ticket price)\b",
            ("what the ticket costs", "how high the fare is"),
            ("The fare is 18 euros.", "The fare is 24 euros.", "The fare is 31 euros."),
        ),
        Fact(
            "platform",
            r"\bplatform\b",
            ("from which platform the train leaves", "what the platform is"),
            ("The train leaves from platform 2.", "The train leaves from platform 5."),
        ),
        Fact(
            "change",
            r"\b(have to change|direct|change trains|changes)\b",
            ("whether you have to change trains", "whether it is a direct train"),
            ("It is a direct train.", "You have to change trains once, in Dunmore."),
        ),
    ),
    wishes=(
        Wish(
            "seat",
            r"\bwindow\b",
            r"\baisle\b",
            (
                ("You would rather have a window seat than an aisle seat.",),
                ("You would rather have an aisle seat than a window seat.",),
            ),
            "Would you rather have a window seat or an aisle seat?",
        ),
    ),
    needs=("name", "age"),
    confirm="Shall I book the ticket?",
    done="The ticket is booked: {what}. The reference is {reference}.",
    failures=MappingProxyType(
        {
            Failure.FULL: "I am sorry, this connection is sold out, on all days. I cannot book a ticket.",
            Failure.REFUSED: "I am sorry, I am not allowed to sell tickets for this line. I cannot book it.",
            Failure.ERROR: "I am sorry, the ticket system fails with an error. I cannot book the ticket.",
        }
    ),
    extra="a seat in the panorama coach for 6 euros",
)

_PRODUCTS = ("kettle", "desk lamp", "backpack", "rain jacket", "radio", "office chair")

SHOP = Domain(
    name="shop",
    triggers=rf"\b(buy|purchase|shop for|order an?|place an order|{'|'.join(_PRODUCTS)})\b",
    tasks=("order a new {product}", "buy a new {product} in the shop"),
    noun="product",
    names=("Alba", "Brisk", "Corda", "Dune", "Ember", "Fjord", "Gale", "Halo"),
    identity=(
        Slot(
            "product",
            _PRODUCTS,
            "What would you like to buy?",
            (),
            "{value}",
            also=MappingProxyType(
                {"desk lamp": ("lamp",), "rain jacket": ("raincoat", "jacket"), "office chair": ("chair",)}
            ),
        ),
    ),
    details=(
        Slot(
            "delivery",
            ("home", "parcel shop"),
            "Delivered to your home, or to the parcel shop?",
            ("It is delivered to your {value}.", "It has to be delivered to your {value}."),
            "delivered to your {value}",
            "delivery to your {value} is not possible",
            "If delivery to your {value} is not possible, ask for delivery to your {other}.",
            MappingProxyType({"home": ("my house", "my address"), "parcel shop": ("pick-up point",)}),
        ),
    ),
    attributes=(
        Slot(
            "colour",
            ("red", "blue", "green", "black", "white"),
            "Which colour?",
            ("It is {value}.", "It has to be a {value} one."),
            "{value}",
            "it is out of stock in {value}",
            "If it is out of stock in {value}, ask for {other}.",
            MappingProxyType({"blue": ("navy",)}),
        ),
        Slot(
            "budget",
            ("30", "45", "60", "90"),
            "What may it cost at most?",
            ("It costs no more than {value} euros.", "The price has to be {value} euros at most."),
            "for {value} euros or less",
            "I have nothing for {value} euros or less",
        ),
    ),
    facts=(
        Fact(
            "arrival",
            r"\b(how long (does|will|is|the) .{0,10}(delivery|take|arrive)|when (will|does|do)|arrives?"
            r"|delivery time|how many days)\b",
            ("how long the delivery takes", "when it will arrive"),
            ("Delivery takes two days.", "Delivery takes four days.", "Delivery takes a week."),
        ),
        Fact(
            "warranty",
            r"\b(warranty|guarantee)\b(?! for)",
            ("how long the warranty is", "what warranty it has"),
            ("It has a warranty of two years.", "It has a warranty of five years."),
        ),
        Fact(
            "material",
            r"\b(made of|material)\b",
            ("what it is made of", "which material it is"),
            ("It is made of steel.", "It is made of recycled plastic.", "It is made of cotton."),
        ),
    ),
    wishes=(
        Wish(
            "invoice",
            r"\be-?mail\b",
            r"\b(paper|post|printed)\b",
            (
                ("You would rather get the invoice by e-mail than on paper.",),
                ("You would rather get the invoice on paper than by e-mail.",),
            ),
            "Would you rather get the invoice by e-mail or on paper?",
        ),
    ),
    needs=("name", "member"),
    confirm="Shall I place the order?",
    done="The order is placed: {what}. The reference is {reference}.",
    failures=MappingProxyType(
        {
            Failure.FULL: "I am sorry, all of these are out of stock and will not come back. "
            "I cannot take the order.",
            Failure.REFUSED: "I am sorry, our rules do not let me sell this over the chat. "
            "I cannot take the order.",
            Failure.ERROR: "I am sorry, the order system has failed with an error. I cannot place the order.",
        }
    ),
    extra="gift wrapping for 4 euros",
)

APPOINTMENT = Domain(
    name="appointment",
    triggers=r"\b(appointments?|dentist|hairdresser|optician|vet|bike workshop)\b",
    tasks=("book an appointment at the {kind}", "get an appointment at the {kind}"),
    noun="place",
    names=(
        "Dr. Orlow",
        "Fenn and Daughters",
        "Studio Halm",
        "Maple Street Practice",
        "The Corner House",
        "Ibsen and Rook",
    ),
    identity=(
        Slot(
            "kind",
            ("dentist", "hairdresser", "optician", "vet", "bike workshop"),
            "What kind of appointment would you like?",
            (),
            "{value}",
            also=MappingProxyType({"vet": ("veterinarian",), "bike workshop": ("workshop",)}),
        ),
    ),
    details=(_day("The appointment"), _part_of_day("The appointment")),
    attributes=(_area("place"),),
    facts=(
        _ADDRESS,
        Fact(
            "length",
            r"\b(how long|duration|length)\b",
            ("how long the appointment takes", "what the length of the appointment is"),
            ("The appointment takes 20 minutes.", "The appointment takes 45 minutes."),
        ),
        Fact(
            "fee",
            r"\b(how much|fee|what .{0,22}costs?)\b",
            ("what the appointment costs", "how high the fee is"),
            ("The fee is 25 euros.", "The fee is 40 euros.", "The appointment costs nothing."),
        ),
        Fact(
            "bring",
            r"\bbring\b",
            ("what you have to bring", "whether you have to bring anything"),
            ("Please bring your insurance card.", "You need not bring anything."),
        ),
    ),
    wishes=(_REMINDER,),
    needs=("name", "phone"),
    confirm="Shall I book the appointment?",
    done="The appointment is booked: {what}. The reference is {reference}.",
    failures=MappingProxyType(
        {
            Failure.FULL: "I am sorry, there are no free appointments this quarter. "
            "I cannot book an appointment.",
            Failure.REFUSED: "I am sorry, no new clients are taken on. I cannot book an appointment.",
            Failure.ERROR: "I am sorry, the calendar has failed with an error. "
            "I cannot book the appointment.",
        }
    ),
    extra="a check of your file for 12 euros",
)


def _order(
    name: str, triggers: str, tasks: tuple[str, ...], act: str, participle: str, refused: str, fact: Fact
) -> Domain:
    return Domain(
        name=name,
        triggers=triggers,
        tasks=tasks,
        noun="order",
        names=(
            "a blue kettle",
            "a black radio",
            "a green backpack",
            "a white desk lamp",
            "a red rain jacket",
        ),
        identity=(Slot("code", (), "What is the order number?", (), "order {value}"),),
        details=(
            Slot(
                "refund",
                ("card", "voucher"),
                "Should the money go back to your card, or would you like a voucher?",
                ("The refund is made by {value}.", "The refund has to be made by {value}."),
                "money back by {value}",
                "a refund by {value} is not possible",
                "If a refund by {value} is not possible, ask for one by {other}.",
            ),
        ),
        facts=(
            fact,
            Fact(
                "wait",
                r"\b(how long|how many days|when (will|do|would|can|i)\b)",
                ("how long the refund takes", "when you get the money"),
                ("The refund takes three days.", "The refund takes ten days."),
            ),
        ),
        wishes=(
            Wish(
                "proof",
                r"\be-?mail\b",
                r"\b(letter|post)\b",
                (
                    ("You would rather get the confirmation by e-mail than by letter.",),
                    ("You would rather get the confirmation by letter than by e-mail.",),
                ),
                "Would you rather get the confirmation by e-mail or by letter?",
            ),
        ),
        needs=("name",),
        confirm=f"Shall I {act}?",
        done=f"The order is {participle}: {{what}}. The reference is {{reference}}.",
        failures=MappingProxyType(
            {
                Failure.REFUSED: refused,
                Failure.ERROR: f"I am sorry, the order system has failed with an error. I cannot {act}.",
            }
        ),
        retention="a discount of 10 euros if you keep it",
    )


RETURN = _order(
    "return",
    r"\b(return(?! (ticket|trip|journey))|send(ing)? (it |this )?back|returning)\b",
    ("return order {code}", "send back order {code}"),
    "take it back",
    "taken back",
    "I am sorry, this order is older than 30 days, and our rules do not let me take it back.",
    Fact(
        "label",
        r"\blabel\b",
        ("where you get the return label", "how the return label reaches you"),
        ("You get the return label by e-mail.", "The return label lies in the parcel."),
    ),
)
CANCEL = _order(
    "cancel",
    r"\b(cancel|cancell?ed|cancell?ing|cancellation)\b",
    ("cancel order {code}", "have order {code} cancelled"),
    "cancel it",
    "cancelled",
    "I am sorry, this order has been shipped, and our rules do not let me cancel it.",
    Fact(
        "fee",
        r"\b(fee|charge|free of charge|does it cost)\b",
        ("whether there is a fee for cancelling", "what fee there is for cancelling"),
        ("There is no fee for cancelling.", "There is a fee of 3 euros for cancelling."),
    ),
)

DOMAINS: Mapping[str, Domain] = MappingProxyType(
    {domain.name: domain for domain in (RETURN, CANCEL, RESTAURANT, HOTEL, TRAIN, APPOINTMENT, SHOP)}
)
"""By name, in the order in which a message is searched for them."""

PERSONAL: Mapping[str, str] = MappingProxyType(
    {
        "name": "What is your name, please?",
        "phone": "What is your phone number, please?",
        "member": "Are you a member of our Lantern Club?",
        "age": "How old are you? There is a discount for some ages.",
    }
)
"""What an agent may ask about the user, and how."""
