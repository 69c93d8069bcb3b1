from collections import Counter
import textwrap

texto = """Amor é fogo que arde sem se ver,
é ferida que dói, e não se sente;
é um contentamento descontente,
é dor que desatina sem doer."""

palavras = [p.strip(",.;").lower() for p in texto.split()]
contagem = Counter(palavras)
print("Palavras mais comuns:", contagem.most_common(3))
print("Total:", len(palavras), "| Distintas:", len(contagem))
print(textwrap.fill(texto.replace("\n", " "), width=30))
print("Maiúsculas:", "ação à língua".upper(), "Título:", "são joão".title())
print(sorted(["água", "abelha", "ônibus", "zebra"]))
