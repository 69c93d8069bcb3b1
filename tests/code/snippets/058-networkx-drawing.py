import matplotlib.pyplot as plt
import networkx as nx

G = nx.karate_club_graph()
position = nx.spring_layout(G, seed=4)
nx.draw(G, position, with_labels=True, node_size=200, font_size=8)
plt.title("Karate club")
plt.savefig("karate.png")
centre = max(nx.betweenness_centrality(G).items(), key=lambda item: item[1])
print(centre[0], round(centre[1], 3))
