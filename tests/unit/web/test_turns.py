"""Whose next step has one of web's threads."""

import asyncio

from web.front.turns import Turns, asked_by


async def let_others_go() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_who_asks_much_waits_for_themselves_and_others_for_one_step():
    async def order() -> list[str]:
        turns, done = Turns(1), list[str]()

        async def work(who: str) -> None:
            async with turns.turn(who):
                await asyncio.sleep(0)
                done.append(who)

        tasks = [asyncio.create_task(work("anna")) for _ in range(5)]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(work(who)) for who in ("ben", "ben", "tom")]
        await asyncio.gather(*tasks)
        return done

    assert asyncio.run(order()) == ["anna", "anna", "anna", "ben", "tom", "anna", "ben", "anna"]


def test_no_more_work_at_once_than_there_are_places_and_all_is_done():
    async def most() -> tuple[int, int]:
        turns, now, most, done = Turns(3), 0, 0, 0

        async def work(who: str) -> None:
            nonlocal now, most, done
            async with turns.turn(who):
                now += 1
                most = max(most, now)
                await asyncio.sleep(0)
                now, done = now - 1, done + 1

        await asyncio.gather(*(work(str(number % 4)) for number in range(40)))
        return most, done

    assert asyncio.run(most()) == (3, 40)


def test_who_gives_up_takes_no_place_along():
    async def went_on() -> bool:
        turns = Turns(1)
        async with turns.turn("anna"):
            waits = asyncio.create_task(anext(aiter_of(turns)))
            await let_others_go()
            waits.cancel()
            await let_others_go()
        # One that is given its place, and gives up in the same moment.
        holder = turns.turn("anna")
        await holder.__aenter__()
        late = asyncio.create_task(anext(aiter_of(turns)))
        await let_others_go()
        await holder.__aexit__(None, None, None)
        late.cancel()
        await let_others_go()
        async with asyncio.timeout(5), turns.turn("tom"):
            return late.cancelled()

    async def aiter_of(turns: Turns):
        async with turns.turn("ben"):
            yield

    assert asyncio.run(went_on())


def test_who_asks_is_told_by_key_session_or_address():
    key, cookie, address = {"HTTP_AUTHORIZATION": "Bearer a"}, {"HTTP_COOKIE": "b"}, {"REMOTE_ADDR": "::1"}
    assert asked_by(key | cookie | address) == "Bearer a"
    assert asked_by(cookie | address) == "b"
    assert asked_by(address) == "::1"
    assert asked_by({}) == ""
