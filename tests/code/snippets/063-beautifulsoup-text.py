from bs4 import BeautifulSoup

html = """
<html><body><h1 id="t">News</h1>
<ul><li><a href="/a">First</a></li><li><a href="/b">Second &amp; more</a></li></ul>
<table><tr><th>Name</th><th>Age</th></tr><tr><td>Ana</td><td>31</td></tr></table></body></html>
"""
soup = BeautifulSoup(html, "html.parser")
print(soup.h1.get_text(), soup.h1["id"])
for link in soup.find_all("a"):
    print(link["href"], link.text)
print([[cell.text for cell in row.find_all(["th", "td"])] for row in soup.select("table tr")])
print(BeautifulSoup("<p>um<br>dois</p>", "lxml").p.get_text("|"))
