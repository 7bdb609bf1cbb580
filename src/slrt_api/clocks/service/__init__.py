"""Use cases of clocks: those that run, the decrees that calendars follow, and the policies that start them."""

from slrt_api.clocks.service.decrees import publish, show
from slrt_api.clocks.service.running import begin, follow, look, moved, promise, reclassify
from slrt_api.clocks.service.sla import decide, end

__all__ = ["begin", "decide", "end", "follow", "look", "moved", "promise", "publish", "reclassify", "show"]
