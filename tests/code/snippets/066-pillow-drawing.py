from PIL import Image, ImageDraw, ImageFilter

image = Image.new("RGB", (120, 80), "white")
draw = ImageDraw.Draw(image)
draw.rectangle((10, 10, 60, 50), fill="blue", outline="black")
draw.ellipse((50, 20, 110, 70), fill=(255, 0, 0))
image.filter(ImageFilter.BLUR).resize((60, 40)).save("small.png")
image.save("drawing.jpg", quality=80)
print(image.size, image.mode, image.getpixel((20, 20)), image.getpixel((0, 0)))
