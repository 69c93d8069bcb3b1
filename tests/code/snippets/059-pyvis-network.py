from pyvis.network import Network

net = Network(height="400px", width="100%", directed=True)
for node in ("A", "B", "C"):
    net.add_node(node, label=f"Node {node}")
net.add_edge("A", "B")
net.add_edge("B", "C", value=3)
net.write_html("network.html")
print(len(net.nodes), len(net.edges))
print("vis" in open("network.html").read())
