import networkx as nx

G = nx.Graph()
G.add_weighted_edges_from([("A", "B", 4), ("A", "C", 2), ("B", "D", 5), ("C", "D", 8), ("C", "E", 10), ("D", "E", 2)])
print("Shortest path:", nx.shortest_path(G, "A", "E", weight="weight"))
print("Length:", nx.shortest_path_length(G, "A", "E", weight="weight"))
print("Degrees:", dict(G.degree()))
print({node: round(value, 3) for node, value in nx.pagerank(G).items()})
print(nx.is_connected(G), nx.number_of_nodes(G), nx.number_of_edges(G))
