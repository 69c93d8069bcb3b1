text = "naïve café — 日本語 🎉 \u00e9 e\u0301"
print(text, len(text))
print(text.encode("utf-8")[:8], "🎉".encode("utf-16-le"))
import unicodedata

print([unicodedata.name(c) for c in "é→∑"])
print(unicodedata.normalize("NFC", "e\u0301") == "\u00e9", "ß".upper(), "İ".lower() != "i")
with open("ünï.txt", "w", encoding="utf-8") as f:
    f.write("Ελληνικά\n")
print(open("ünï.txt", encoding="utf-8").read().strip(), ascii("ç"))
print("tab\tseparated\\n", r"raw\n", "nul:\0:")
