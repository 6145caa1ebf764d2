"""`make bench`: roads, latency, loading, planner. `python -m tests.bench 1` makes one repetition."""

import asyncio
import sys

from tests.bench import loading, planner_bench, reschedule, road

if __name__ == "__main__":
    asyncio.run(road.main(int(sys.argv[1]) if len(sys.argv) > 1 else road.REPETITIONS))
    asyncio.run(loading.main())
    planner_bench.main(["100", "1000"])
    reschedule.main([])
