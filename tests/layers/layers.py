"""layers.py ROOT: checks the include rule of Kolmo's rooms.

A room is a folder of src/ with its twin under include/kolmo/; the top CMakeLists.txt gives it a floor. A file includes
only its own room and rooms on lower floors, never another room of its own floor, and the headers of a room include each
other without a circle (NAME_impl.hpp, the template bodies that NAME.hpp ends with, counts as a part of it). A room's
library links only rooms of lower floors. Prints every violation; ends with 1 if any.
"""

import re
import sys
from pathlib import Path

ROOM = re.compile(r"^\s*kolmo_room\(\s*(\w+)\s+FLOOR\s+(\d+)([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(kolmo/[^>]+)>)')


def read_rooms(root):
    """{room: (floor, rooms that its library links)} from the CMakeLists.txt."""
    text = re.sub(r"#.*", "", (root / "CMakeLists.txt").read_text())
    return {name: (int(floor), re.findall(r"\bkolmo::(\w+)", links)) for name, floor, links in ROOM.findall(text)}


def room_of(root, path):
    for base in (root / "include" / "kolmo", root / "src"):
        if path.is_relative_to(base) and len(path.relative_to(base).parts) > 1:
            return path.relative_to(base).parts[0]
    return None


def sources(root):
    for base in (root / "include" / "kolmo", root / "src"):
        yield from (path for path in sorted(base.rglob("*")) if path.suffix in {".hpp", ".cpp", ".h"})


def includes(root, path):
    """(line number, text, included file) of everything of ours that a file includes."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not (match := INCLUDE.match(line)):
            continue
        text = match[1] or match[2]
        for base in (path.parent, root / "include", root / "src", root):
            if (base / text).is_file():
                yield number, text, (base / text).resolve()
                break
        else:
            if text.startswith("kolmo/"):
                yield number, text, (root / "include" / text)


def header_name(root, path):
    return str(path.relative_to(root)).replace("_impl.hpp", ".hpp")


def wrong_floor(rooms, own, other):
    """Why room `own` may not use room `other`; empty if it may."""
    if own == other:
        return ""
    if other not in rooms:
        return f"{other} is not a room"
    if rooms[other][0] == rooms[own][0]:
        return f"{other} is another room of the same floor {rooms[own][0]}"
    if rooms[other][0] > rooms[own][0]:
        return f"{other} (floor {rooms[other][0]}) is above {own} (floor {rooms[own][0]})"
    return ""


def circles(graph):
    """One path per circle found, as a list of files that ends where it begins."""
    found, state, trail = [], {}, []

    def visit(node):
        state[node] = "open"
        trail.append(node)
        for after in sorted(graph.get(node, ())):
            if state.get(after) == "open":
                found.append(trail[trail.index(after):] + [after])
            elif after not in state:
                visit(after)
        trail.pop()
        state[node] = "done"

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return found


def check(root):
    rooms = read_rooms(root)
    problems, graph = [], {}
    if not rooms:
        problems.append("CMakeLists.txt: no kolmo_room(NAME FLOOR n ...) found")
    for room, (_, links) in rooms.items():
        for other in links:
            why = f"{room} links itself" if other == room else wrong_floor(rooms, room, other)
            if why:
                problems.append(f"CMakeLists.txt: the library of {room} links {other}: {why}")
    for path in sources(root):
        own, name = room_of(root, path), path.relative_to(root)
        if own not in rooms:
            problems.append(f"{name}: {'stands in no room' if own is None else f'{own} has no kolmo_room() line'}")
            continue
        for number, text, target in includes(root, path):
            other = room_of(root, target)
            why = "it belongs to no room" if other is None else wrong_floor(rooms, own, other)
            if why:
                problems.append(f"{name}:{number}: includes {text}: {why}")
            elif other == own and header_name(root, path) != header_name(root, target):
                graph.setdefault(header_name(root, path), set()).add(header_name(root, target))
    problems += ["circle: " + " -> ".join(circle) for circle in circles(graph)]
    return problems


def main():
    root = Path(sys.argv[1]).resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"{len(list(sources(root)))} files in {len(read_rooms(root))} rooms, {len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
