"""Send what's due: each delivery exactly once, whichever process crashes, and none held up by another's channel.

The worker claims deliveries under a lease, sends each in a task of its own outside any transaction, and records the
result guarded by its claim. Only a platform's refusal counts as a failed try. A process that dies leaves a lease that
expires. A delivery that ends its process again and again is given up after MAX_CLAIMS claims without a result.

Sending that takes longer than SLOW_AFTER no longer counts toward the limits, so however many channels hang, the others
get their turn within that time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot import metrics
from bot.context.outbox import LeaseExpiredError, PostError, UnavailableError
from bot.context.study import Study
from bot.delivery import queue
from bot.delivery.kinds import AbandonedError, DeliveryType, Outcome
from bot.delivery.lease import LEASE
from bot.delivery.queue import Claim, ClaimLostError
from bot.errors import DatabaseError
from bot.store.models import Delivery, DeliveryKind, DeliveryState

log = structlog.get_logger()

SEND_TIMEOUT = 60.0
"""Seconds for one delivery, shorter than its lease, so that the lease needn't be renewed."""
MAX_SENDING, MAX_PER_WORKSPACE = 32, 12
"""Deliveries at once, in all and of one workspace, not counting the slow ones."""
MIN_FREE = 8
"""How many more may be sent at once before the queue is looked at, so that a full one isn't looked at for each."""
SLOW_AFTER = 0.5
"""Seconds after which a delivery counts as slow."""
MAX_SLOW = 500
POLL = 1.0
"""Seconds until the queue is looked at again if nothing happens here: other processes fill it, too."""
DATABASE_PAUSE = 5.0
"""Seconds to wait after the database failed."""
MAX_CLAIMS = 10
"""Claims without any result after which a delivery is given up: it may be what ends the process."""
MAX_REFUSALS = 3
MIN_WAIT, MAX_WAIT = timedelta(seconds=15), timedelta(minutes=2)
"""How long to wait for a platform that can't be reached and doesn't say how long: as long as it has been, within
these."""


class Worker:
    """Sends the deliveries of this process's platforms. `types` says how each kind is sent."""

    def __init__(self, study: Study, types: Mapping[DeliveryKind, DeliveryType]) -> None:
        self._study = study
        self._types = types
        self._sending: dict[asyncio.Task[None], Delivery] = {}
        self._fast: Counter[int] = Counter()
        self._changed = asyncio.Event()
        self._claiming = asyncio.Lock()

    def wake(self) -> None:
        """Look at the queue now."""
        self._changed.set()

    async def run(self) -> None:
        """Send what's due until canceled."""
        while True:
            self._changed.clear()
            try:
                while await self._start_some():
                    pass
                pause = POLL
            except DatabaseError as problem:
                log.error("deliveries not claimed", problem=str(problem))
                pause = DATABASE_PAUSE
            except Exception:
                log.exception("deliveries not claimed")
                pause = DATABASE_PAUSE
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                pass  # time to look again

    async def drain(self) -> None:
        """Send everything that's due, and wait until it's sent; canceling this cancels that.

        Raises DatabaseError if the queue can't be read.
        """
        try:
            while True:
                self._changed.clear()
                started = await self._start_some()
                # Whatever ended meanwhile may have enqueued more.
                if not started and not self._sending and not self._changed.is_set():
                    return
                if not started:
                    await self._changed.wait()
        finally:
            await self.finish(0)

    async def finish(self, seconds: float) -> None:
        """Give what's being sent some time, then cancel it: its leases expire, and another process goes on."""
        if not self._sending:
            return
        _, late = await asyncio.wait(self._sending, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("deliveries interrupted by shutdown", count=len(late))
            await asyncio.wait(late)

    async def _start_some(self) -> int:
        """Claim what may be sent now, start sending it, and return how many that were."""
        async with self._claiming:
            free = MAX_SENDING - self._fast.total()
            if not self._study.outboxes or free < MIN_FREE or len(self._sending) >= MAX_SENDING + MAX_SLOW:
                return 0
            size = min(free, MAX_PER_WORKSPACE)
            own = {delivery.id for delivery in self._sending.values()}
            wanted = queue.Wanted(tuple(self._study.outboxes), self._fast, own, size, MAX_PER_WORKSPACE)
            store, clock = self._study.store, self._study.clock
            if not await store.query(queue.any_available, wanted, clock()):
                return 0
            claims = await store.transaction(queue.claim, wanted, clock)
            for claim in claims:
                self._start(claim)
            return len(claims)

    def _start(self, claim: Claim) -> None:
        workspace_id = claim.delivery.workspace_id
        task = asyncio.create_task(self._send(claim))
        self._sending[task] = claim.delivery
        self._fast[workspace_id] += 1
        is_fast = True

        def leave_fast() -> None:
            nonlocal is_fast
            if is_fast:
                is_fast = False
                self._fast[workspace_id] -= 1
                if not self._fast[workspace_id]:
                    del self._fast[workspace_id]
                self._changed.set()

        slow = asyncio.get_running_loop().call_later(SLOW_AFTER, leave_fast)

        def ended(task: asyncio.Task[None]) -> None:
            slow.cancel()
            leave_fast()
            del self._sending[task]
            self._changed.set()
            if not task.cancelled() and (problem := task.exception()):
                log.error("delivery failed", delivery=claim.delivery.id, exc_info=problem)

        task.add_done_callback(ended)

    async def _send(self, claim: Claim) -> None:
        """Send one delivery and record the result. Without a result its lease expires, and it's claimed again."""
        delivery = claim.delivery
        kind = self._types[delivery.kind]
        try:
            if delivery.claims > MAX_CLAIMS:
                _count_problem(claim, "abandoned")
                refusal = AbandonedError(f"I started {MAX_CLAIMS} times, and never finished.")
                await self._give_up(claim, kind, refusal)
                return
            async with asyncio.timeout(SEND_TIMEOUT):
                outcome = await kind.send(self._study, claim)
            await self._finish(claim, kind, outcome)
        except (LeaseExpiredError, ClaimLostError) as problem:
            _count_problem(claim, "lease_expired" if isinstance(problem, LeaseExpiredError) else "claim_lost")
            log.warning("lease expired", delivery=delivery.id)
        except DatabaseError as problem:
            _count_problem(claim, "database")
            log.error("delivery not recorded", delivery=delivery.id, problem=str(problem))
        except UnavailableError as problem:
            _count_problem(claim, "unavailable")
            await self._wait(claim, str(problem), problem.retry_after)
        except PostError as refusal:
            _count_problem(claim, "refused")
            await self._refused(claim, kind, refusal)
        except (OSError, TimeoutError) as problem:
            _count_problem(claim, "no_response")
            await self._wait(claim, f"{claim.location.platform} didn't respond ({type(problem).__name__}).", None)
        except Exception as problem:  # ours, and maybe this delivery's alone
            _count_problem(claim, "error")
            log.exception("delivery failed", delivery=delivery.id)
            reason = f"it couldn't be created ({type(problem).__name__})."
            await self._put_back(claim, self._study.clock() + LEASE, reason, result=False)

    async def _finish(self, claim: Claim, kind: DeliveryType, outcome: Outcome) -> None:
        now = self._study.clock()
        if not await self._record(claim, lambda connection: _finish(connection, claim, kind, outcome, now)):
            return
        if outcome.due_again is not None:
            _count_outcome(claim, "put_back")
            return
        _count_outcome(claim, "done")
        log.info("delivered", delivery=claim.delivery.id, kind=claim.delivery.kind.value)
        delay = (now - claim.delivery.due_at).total_seconds()
        metrics.DELIVERY_DELAY.labels(claim.delivery.kind.value).observe(max(0.0, delay))

    async def _wait(self, claim: Claim, reason: str, seconds: float | None) -> None:
        """Hand a delivery back until the platform can take it."""
        now, delivery = self._study.clock(), claim.delivery
        log.info("delivery postponed", delivery=delivery.id, reason=reason, seconds=seconds)
        if seconds is not None:
            wait = timedelta(seconds=seconds)
        else:
            wait = min(max(now - (delivery.first_claimed_at or now), MIN_WAIT), MAX_WAIT)
        await self._put_back(claim, now + wait, reason)

    async def _refused(self, claim: Claim, kind: DeliveryType, refusal: PostError) -> None:
        """Try again later, at most MAX_REFUSALS times, or give up."""
        delivery = claim.delivery
        log.warning("delivery refused", delivery=delivery.id, reason=str(refusal), refusals=delivery.refusals + 1)
        if refusal.retry and delivery.refusals + 1 < MAX_REFUSALS:
            retry_at = self._study.clock() + LEASE * (delivery.refusals + 1)
            await self._put_back(claim, retry_at, str(refusal), refused=True)
        else:
            await self._give_up(claim, kind, refusal)

    async def _give_up(self, claim: Claim, kind: DeliveryType, refusal: PostError) -> None:
        def work(connection: Connection) -> None:
            queue.as_claimed(connection, claim, _give_up, claim, kind, refusal, self._study.clock())

        if await self._record(claim, work):
            _count_outcome(claim, "given_up")

    async def _put_back(
        self, claim: Claim, at: datetime, problem: str | None = None, *, refused: bool = False, result: bool = True
    ) -> None:
        def work(connection: Connection) -> None:
            queue.put_back(connection, claim, at, problem=problem, refused=refused, result=result)

        if await self._record(claim, work):
            _count_outcome(claim, "put_back")

    async def _record(self, claim: Claim, work: Callable[[Connection], None]) -> bool:
        """Record a result unless the claim is lost; then whoever holds it records theirs.

        Returns whether it's recorded.
        """
        try:
            await self._study.store.transaction(work)
        except ClaimLostError:
            _count_problem(claim, "claim_lost")
            log.warning("claim lost", delivery=claim.delivery.id)
        except DatabaseError as problem:
            _count_problem(claim, "database")
            log.error("delivery not recorded", delivery=claim.delivery.id, problem=str(problem))
        else:
            return True
        return False


def _count_outcome(claim: Claim, outcome: str) -> None:
    metrics.DELIVERIES.labels(claim.delivery.kind.value, outcome).inc()


def _count_problem(claim: Claim, cause: str) -> None:
    metrics.DELIVERY_PROBLEMS.labels(claim.location.platform, cause).inc()


def _finish(connection: Connection, claim: Claim, kind: DeliveryType, outcome: Outcome, now: datetime) -> None:
    if outcome.due_again is not None:
        queue.put_back(connection, claim, outcome.due_again, problem=None, refused=False, result=True)
    elif kind.is_kept:
        posted = (outcome.message_ref, now) if outcome.message_ref else None
        queue.end(connection, claim, DeliveryState.DONE, posted=posted)
    else:
        queue.remove(connection, claim)
    if outcome.record is not None:
        outcome.record(connection)


def _give_up(connection: Connection, claim: Claim, kind: DeliveryType, refusal: PostError, now: datetime) -> None:
    state = kind.give_up(connection, claim, refusal, now)
    if kind.is_kept:
        queue.end(connection, claim, state, str(refusal))
    else:
        queue.remove(connection, claim)
