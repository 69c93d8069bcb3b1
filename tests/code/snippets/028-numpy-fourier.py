import numpy as np

rate = 128
t = np.arange(rate) / rate
signal = np.sin(2 * np.pi * 5 * t) + 0.5 * np.sin(2 * np.pi * 20 * t)
spectrum = np.abs(np.fft.rfft(signal)) / (rate / 2)
peaks = np.argsort(spectrum)[-2:][::-1]
for p in peaks:
    print(f"{p} Hz: amplitude {spectrum[p]:.2f}")
