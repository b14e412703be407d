"""circles.py: circles in a graph {node: {target: what leads there}}."""


def components(graph):
    """Tarjan's strongly connected components of more than one node."""
    order, low, stack, found = {}, {}, [], []

    def leave(node):
        if low[node] == order[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(set(stack[at:]))
            for member in stack[at:]:
                low[member] = len(graph) + 1
            del stack[at:]

    def visit(start):
        ways = [(start, iter(sorted(graph[start])))]
        while ways:
            node, targets = ways[-1]
            if node not in order:
                order[node] = low[node] = len(order)
                stack.append(node)
            for target in targets:
                if target not in order:
                    ways.append((target, iter(sorted(graph[target]))))
                    break
                low[node] = min(low[node], low[target])
            else:
                ways.pop()
                leave(node)
                if ways:
                    low[ways[-1][0]] = min(low[ways[-1][0]], low[node])

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def shortest(graph, knot):
    """A shortest way round inside the knot; its first node is also its last."""
    best = None
    for start in sorted(knot):
        came, waiting = {start: None}, [start]
        for node in waiting:
            if start in graph[node]:
                way = []
                while node is not None:
                    way.append(node)
                    node = came[node]
                if best is None or len(way) < len(best):
                    best = way
                break
            for target in sorted(graph[node].keys() & knot - came.keys()):
                came[target] = node
                waiting.append(target)
    return [*reversed(best), best[-1]]


def circles(graph):
    """(a way round, the whole knot) of each knot of nodes that reach each other."""
    for knot in components(graph):
        yield shortest(graph, knot), knot


def shown(graph, cycle, knot):
    """The way round, with what leads from each to the next."""
    way = cycle[0]
    for a, b in zip(cycle, cycle[1:]):
        way += f" -{graph[a][b]}-> {b}" if graph[a][b] else f" -> {b}"
    if len(knot) > len(cycle) - 1:
        way += f" (one way round a knot of {len(knot)}: {' '.join(sorted(knot))})"
    return way
