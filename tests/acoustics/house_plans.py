"""Houses for the tests of this folder."""

from auris.acoustics.floorplan import Doorway, FloorPlan, PlanRoom


def one_room(sides=(5, 4), *, height=2.5, t60=0.4):
    return FloorPlan(sides, height, (PlanRoom("hall", (0, 0), sides, t60),))


def three_rooms(*, t60=(0.4, 0.3, 0.5), doorways=True):
    """Two rooms side by side and a wide one behind them::

    2 2 2 2 2 2 2 2      y = 4 … 7
    0 0 0 0 | 1 1 1 1    y = 0 … 4; doorways 0-1 at y 1…2, 1-2 at x 6…7
    """
    rooms = (
        PlanRoom("left", (0, 0), (4, 4), t60[0]),
        PlanRoom("right", (4, 0), (8, 4), t60[1]),
        PlanRoom("back", (0, 4), (8, 7), t60[2]),
    )
    doors = (Doorway((0, 1), "x", 4, 1), Doorway((1, 2), "y", 4, 6)) if doorways else ()
    return FloorPlan((8, 7), 2.5, rooms, doors)


def mirrored(plan):
    """The plan seen in a mirror along y: left and right exchanged for someone who looks along x."""
    width = plan.size[1]

    def turned(low, high):
        return (low[0], width - high[1]), (high[0], width - low[1])

    rooms = tuple(PlanRoom(r.name, *turned(r.low, r.high), r.t60, r.scattering) for r in plan.rooms)
    doors = []
    for door in plan.doorways:
        if door.across == "x":
            doors.append(Doorway(door.rooms, "x", door.line, width - door.start - 1))
        else:
            doors.append(Doorway(door.rooms[::-1], "y", width - door.line, door.start))
    return FloorPlan(plan.size, plan.height, rooms, tuple(doors))


def node_at(graph, x, y):
    """The node that stands at x, y."""
    (found,) = [n for n, place in enumerate(graph.positions) if abs(place[0] - x) + abs(place[1] - y) < 1e-9]
    return found
