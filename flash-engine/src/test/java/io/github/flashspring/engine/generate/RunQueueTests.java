package io.github.flashspring.engine.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.ScarceMemoryProvider;
import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.cache.LayerGroups;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link RunQueue}: slots, memory, and who gives it up.
 */
class RunQueueTests {

	private static final int PAGE = 16;

	private final AtomicInteger allocations = new AtomicInteger(Integer.MAX_VALUE);

	private final Device device = ScarceMemoryProvider
		.scarce(new CpuDeviceProvider().create(new DeviceProvider.Options(1)), this.allocations);

	private final KvCache kv = new KvCache(this.device, new KvPages.Layout(PAGE, 2, 8, 8), LayerGroups.full(1),
			4 * PAGE, 0, 0);

	private final List<RuntimeException> refused = new ArrayList<>();

	private final RunQueue queue = new RunQueue(this.kv, 2);

	@AfterEach
	void close() {
		this.kv.close();
		this.device.close();
	}

	private Reader queued(int pages) {
		return queuedTokens(pages * PAGE);
	}

	private Reader queuedTokens(int tokens) {
		Reader reader = new Reader(tokens);
		this.queue.add(reader.sequence);
		return reader;
	}

	private List<Sequence> admit() {
		return this.queue.admit((sequence, cause) -> {
			this.refused.add(cause);
			this.queue.remove(sequence);
		});
	}

	@Test
	void sequencesAreAdmittedInOrderOfArrivalWhileSlotsAreFree() {
		Reader first = queued(1);
		Reader second = queued(1);
		Reader third = queued(1);
		assertThat(admit()).containsExactly(first.sequence, second.sequence);
		assertThat(this.queue.queuedCount()).isEqualTo(1);
		this.queue.remove(first.sequence);
		assertThat(admit()).containsExactlyInAnyOrder(second.sequence, third.sequence);
	}

	@Test
	void unreadSequenceUsesNoSlotAndKeepsItsMemoryUntilItIsNeeded() {
		Reader unread = queued(2);
		Reader running = queued(1);
		admit();
		unread.ready = false;
		Reader third = queued(1);
		assertThat(admit()).containsExactlyInAnyOrder(running.sequence, third.sequence);
		assertThat(unread.sequence.memory().pages()).isEqualTo(2);
		this.queue.remove(third.sequence);
		Reader large = queued(3);
		assertThat(admit()).containsExactlyInAnyOrder(running.sequence, large.sequence);
		assertThat(unread.sequence.hasMemory()).isFalse();
	}

	@Test
	void readerThatIsIdleForLongestGivesItsMemoryUpFirst() {
		Reader shorter = queued(2);
		Reader longer = queued(2);
		admit();
		shorter.idle(10);
		longer.idle(20);
		Reader next = queued(1);
		assertThat(admit()).containsExactly(next.sequence);
		assertThat(shorter.sequence.memory().pages()).isEqualTo(2);
		assertThat(longer.sequence.hasMemory()).isFalse();
	}

	@Test
	void preemptedSequenceComputesAllItsTokensAgainBehindThoseThatWait() {
		Reader unread = queuedTokens(4 * PAGE - 1);
		admit();
		unread.sequence.advance(4 * PAGE - 1, 10);
		unread.sequence.append(5);
		unread.idle(10);
		Reader running = queued(4);
		Reader waiting = queued(4);
		admit();
		unread.ready = true;
		assertThat(admit()).containsExactly(running.sequence);
		assertThat(this.queue.queuedCount()).isEqualTo(2);
		this.queue.remove(running.sequence);
		assertThat(admit()).containsExactly(waiting.sequence);
		this.queue.remove(waiting.sequence);
		assertThat(admit()).containsExactly(unread.sequence);
		assertThat(unread.sequence.pending()).isEqualTo(4 * PAGE);
		assertThat(unread.starts).isEqualTo(1);
	}

	@Test
	void readerThatLagsForLessThanItsTokensTookKeepsItsMemory() {
		Reader lagging = queued(4);
		admit();
		lagging.sequence.advance(4 * PAGE, 100);
		lagging.idle(99);
		Reader waiting = queued(1);
		assertThat(admit()).isEmpty();
		assertThat(lagging.sequence.memory().pages()).isEqualTo(4);
		assertThat(this.queue.nanosToTimeout(1000)).isEqualTo(1);
		lagging.idle(100);
		assertThat(admit()).containsExactly(waiting.sequence);
		assertThat(lagging.sequence.hasMemory()).isFalse();
		lagging.ready = true;
		this.queue.remove(waiting.sequence);
		admit();
		lagging.idle(1);
		Reader next = queued(1);
		assertThat(admit()).as("nothing is computed that could be lost").containsExactly(next.sequence);
	}

	@Test
	void readerThatIsIdleForLongGivesItsMemoryUpWhateverItTook() {
		Reader unread = queued(4);
		admit();
		unread.sequence.advance(4 * PAGE, 60_000_000_000L);
		unread.idle(300_000_000);
		Reader waiting = queued(1);
		assertThat(admit()).containsExactly(waiting.sequence);
	}

	@Test
	void memoryThatTheSystemRefusesIsWaitedForWhileAReaderLags() {
		this.allocations.set(2);
		Reader lagging = queued(2);
		admit();
		lagging.sequence.advance(2 * PAGE, 100);
		lagging.idle(10);
		Reader next = queued(2);
		assertThat(admit()).isEmpty();
		assertThat(this.refused).isEmpty();
		lagging.idle(100);
		assertThat(admit()).containsExactly(next.sequence);
	}

	@Test
	void readersThatGoOnTogetherTakeTurns() {
		Reader first = queued(1);
		Reader second = queued(1);
		admit();
		first.ready = false;
		second.ready = false;
		Reader third = queued(1);
		Reader fourth = queued(1);
		admit();
		first.ready = true;
		second.ready = true;
		List<Sequence> ran = new ArrayList<>();
		for (int pass = 0; pass < 4; pass++) {
			List<Sequence> ready = admit();
			assertThat(ready).hasSize(2).doesNotHaveDuplicates();
			ran.addAll(ready);
		}
		assertThat(ran).contains(first.sequence, second.sequence, third.sequence, fourth.sequence);
	}

	@Test
	void memoryThatTheSystemRefusesComesFromUnreadSequences() {
		this.allocations.set(2);
		Reader unread = queued(2);
		admit();
		unread.idle(10);
		Reader next = queued(2);
		assertThat(admit()).containsExactly(next.sequence);
		assertThat(this.refused).isEmpty();
		Reader further = queued(2);
		assertThat(admit()).containsExactly(next.sequence);
		assertThat(this.refused).hasOnlyElementsOfType(DeviceException.class).hasSize(1);
		assertThat(further.sequence.hasMemory()).isFalse();
	}

	@Test
	void onlyUnreadSequencesTimeOut() {
		Reader reading = queued(1);
		Reader idle = queued(1);
		admit();
		assertThat(this.queue.nanosToTimeout(100)).isEqualTo(Long.MAX_VALUE);
		reading.idleNanos = 500;
		idle.idle(70);
		assertThat(this.queue.nanosToTimeout(100)).isEqualTo(30);
		assertThat(this.queue.timedOut(100)).isEmpty();
		idle.idle(100);
		assertThat(this.queue.timedOut(100)).containsExactly(idle.sequence);
		Reader large = queued(4);
		this.queue.remove(reading.sequence);
		assertThat(admit()).containsExactly(large.sequence);
		assertThat(this.queue.timedOut(100)).as("preempted").containsExactly(idle.sequence);
	}

	@Test
	void pagesAreLentAsSequencesGrow() {
		Reader first = queued(1);
		Reader second = queued(1);
		admit();
		for (Reader reader : List.of(first, second)) {
			reader.compute(PAGE);
			reader.sequence.append(5);
		}
		assertThat(admit()).containsExactlyInAnyOrder(first.sequence, second.sequence);
		assertThat(first.sequence.memory().pages()).isEqualTo(2);
		assertThat(second.sequence.memory().pages()).isEqualTo(2);
	}

	@Test
	void youngestSequenceIsPreemptedWhenPagesRunOutAndResumesFirst() {
		Reader oldest = queued(1);
		Reader middle = queued(2);
		admit();
		oldest.compute(PAGE);
		oldest.grow(3 * PAGE);
		middle.compute(2 * PAGE);
		middle.sequence.append(5);
		Reader waiting = queued(1);
		assertThat(admit()).containsExactly(oldest.sequence);
		assertThat(middle.sequence.hasMemory()).isFalse();
		assertThat(this.queue.queuedCount()).isEqualTo(2);
		assertThat(admit()).as("nobody overtakes it").containsExactly(oldest.sequence);
		this.queue.remove(oldest.sequence);
		assertThat(admit()).containsExactly(middle.sequence, waiting.sequence);
		assertThat(middle.sequence.pending()).isEqualTo(2 * PAGE + 1);
		assertThat(middle.starts).isEqualTo(1);
		assertThat(this.refused).isEmpty();
	}

	@Test
	void growingSequenceWaitsForAReaderThatMayGoOnSoon() {
		Reader lagging = queued(2);
		Reader growing = queued(2);
		admit();
		lagging.sequence.advance(2 * PAGE, 100);
		lagging.idle(90);
		growing.compute(2 * PAGE);
		growing.sequence.append(5);
		assertThat(admit()).isEmpty();
		assertThat(growing.sequence.memory().pages()).isEqualTo(2);
		assertThat(this.queue.nanosToTimeout(1000)).isEqualTo(10);
		lagging.idle(100);
		assertThat(admit()).containsExactly(growing.sequence);
		assertThat(growing.sequence.memory().pages()).isEqualTo(3);
		assertThat(lagging.sequence.hasMemory()).isFalse();
	}

	@Test
	void memoryThatTheSystemRefusesIsTakenFromTheYoungestWhileOthersRun() {
		this.allocations.set(2);
		Reader older = queued(1);
		Reader younger = queued(1);
		admit();
		older.compute(PAGE);
		older.sequence.append(5);
		assertThat(admit()).containsExactly(older.sequence);
		assertThat(younger.sequence.hasMemory()).isFalse();
		assertThat(this.refused).isEmpty();
		older.compute(1);
		older.grow(3 * PAGE);
		assertThat(admit()).as("alone, it fails").containsExactly(younger.sequence);
		assertThat(this.refused).hasOnlyElementsOfType(DeviceException.class).hasSize(1);
	}

	/** A prompt and its reader. */
	private static final class Reader implements SequenceListener {

		private final Sequence sequence;

		private boolean ready = true;

		private long idleNanos;

		private int starts;

		private Reader(int tokens) {
			this.sequence = new Sequence(new int[tokens], this);
		}

		private void compute(int tokens) {
			this.sequence.advance(tokens, 10);
		}

		/** Adds tokens that are not computed yet until so many are known. */
		private void grow(int known) {
			while (this.sequence.computed() + this.sequence.pending() < known) {
				this.sequence.append(5);
			}
		}

		private void idle(long nanos) {
			this.ready = false;
			this.idleNanos = nanos;
		}

		@Override
		public boolean isReady() {
			return this.ready;
		}

		@Override
		public long idleNanos() {
			return this.idleNanos;
		}

		@Override
		public boolean wantsAllLogits() {
			return false;
		}

		@Override
		public void started() {
			this.starts++;
		}

		@Override
		public int next(int position, float[] logits) {
			return END;
		}

		@Override
		public void cancelled() {
		}

		@Override
		public void closed() {
		}

		@Override
		public void failed(RuntimeException cause) {
		}

	}

}
