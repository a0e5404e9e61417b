"""Views of activities and athletes in, pictures of them out, as PNG or SVG."""

from stadion.apps.plots.activity import draw_activity
from stadion.apps.plots.athlete import draw_athlete

__all__ = ["draw_activity", "draw_athlete"]
