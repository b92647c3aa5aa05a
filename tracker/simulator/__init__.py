"""An offline user simulator, an agent and a world, and the tracked state that keeps the user on course.

goals      what users want: drawn from a seed, each with a world to get it in
run        one conversation: ``simulate(goal, user=..., agent=..., steer=..., tracker=...)``
steering   what the user is told before each message
user       the interface of users: ``local`` (a GGUF), ``endpoint``, ``scripted``
agent      the rule-based agent, and the interface for others
truth      how every component truly stands after every turn, read from the world's log
"""

from tracker.simulator.agent import Agent, Temperament
from tracker.simulator.goals import SimulatedGoal, generate_goals
from tracker.simulator.run import Ending, Simulation, simulate
from tracker.simulator.steering import Steer

__all__ = [
    "Agent",
    "Ending",
    "SimulatedGoal",
    "Simulation",
    "Steer",
    "Temperament",
    "generate_goals",
    "simulate",
]
