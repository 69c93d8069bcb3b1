import fitz  # PyMuPDF

document = fitz.open()
for number in range(1, 4):
    page = document.new_page()
    page.insert_text((72, 72), f"Page {number}: hello from PyMuPDF", fontsize=14)
document.save("hello.pdf")
document.close()

with fitz.open("hello.pdf") as document:
    print(document.page_count, "pages")
    for page in document:
        print(page.get_text().strip())
    pixmap = document[0].get_pixmap(dpi=50)
    pixmap.save("page.png")
    print(pixmap.width, pixmap.height)
