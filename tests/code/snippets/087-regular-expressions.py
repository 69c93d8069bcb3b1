import re

text = "Contact: ana@example.com, +55 (11) 91234-5678; bruno.silva@mail.org on 2024-03-15 or 15/03/2024."
print(re.findall(r"[\w.]+@[\w.]+\w", text))
print(re.search(r"\((\d{2})\)", text).group(1))
print(re.sub(r"(\d{4})-(\d{2})-(\d{2})", r"\3/\2/\1", text)[-24:])
pattern = re.compile(r"(?P<day>\d{2})/(?P<month>\d{2})/(?P<year>\d{4})")
print(pattern.search(text).groupdict())
print(re.split(r"[;,]\s*", "a, b;c"))
