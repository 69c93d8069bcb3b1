import asyncio


async def fetch(name, delay):
    await asyncio.sleep(delay)
    return f"{name} after {delay}"


async def main():
    results = await asyncio.gather(fetch("a", 0.03), fetch("b", 0.01), fetch("c", 0.02))
    for result in results:
        print(result)
    try:
        await asyncio.wait_for(fetch("slow", 5), timeout=0.02)
    except asyncio.TimeoutError:
        print("timed out")
    queue = asyncio.Queue()
    await queue.put(1)
    print(await queue.get())


asyncio.run(main())
