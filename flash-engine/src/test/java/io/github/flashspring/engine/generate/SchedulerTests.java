package io.github.flashspring.engine.generate;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.cache.LayerGroups;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.model.Forward;
import io.github.flashspring.engine.model.Logits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Tests for {@link Scheduler} with a model that counts: the token after {@code n} is
 * {@code n + 1}.
 */
@Timeout(60)
class SchedulerTests {

	private static final int VOCABULARY = 300;

	private static final int MAX_ROWS = 8;

	private final Device device = new CpuDeviceProvider().create(new DeviceProvider.Options(1));

	private final KvCache kv = new KvCache(this.device, new KvPages.Layout(16, 1, 1, 1), LayerGroups.full(1), 64, 0, 0);

	private final CountingModel model = new CountingModel();

	private final List<Integer> passes = Collections.synchronizedList(new ArrayList<>());

	private final Scheduler scheduler = new Scheduler(this.model, this.kv, MAX_ROWS, 3, Duration.ZERO,
			(rows, nanos) -> this.passes.add(rows));

	@AfterEach
	void close() {
		this.model.open.countDown();
		this.scheduler.close();
		this.kv.close();
		this.device.close();
	}

	private Client submit(int wanted, int... prompt) {
		Client client = new Client(wanted, prompt);
		this.scheduler.submit(client.sequence);
		return client;
	}

	/** Work when all that passes have led to is noted. */
	private EngineSnapshot.Work settled() {
		this.scheduler.betweenPasses(() -> MAX_ROWS);
		return this.scheduler.work();
	}

	@Test
	void tokensAreHandedOverAfterThePassHasEnded() throws Exception {
		Client client = submit(5, 10, 11);
		assertThat(client.end.get()).isEqualTo("complete");
		assertThat(client.tokens).containsExactly(12, 13, 14, 15, 16);
		assertThat(client.calledDuringPass).isFalse();
		EngineSnapshot.Work work = settled();
		assertThat(work.generatedTokens()).isEqualTo(5);
		assertThat(work.promptTokens()).isEqualTo(2);
		assertThat(work.requests()).isEqualTo(1);
	}

	@Test
	void sequencesShareEveryPass() throws Exception {
		this.model.hold();
		Client blocker = submit(1, 1);
		this.model.entered.await();
		List<Client> clients = List.of(submit(4, 20), submit(4, 40), submit(4, 60));
		this.model.open.countDown();
		assertThat(blocker.end.get()).isEqualTo("complete");
		for (Client client : clients) {
			assertThat(client.end.get()).isEqualTo("complete");
			assertThat(client.tokens)
				.isEqualTo(List.of(client.first + 1, client.first + 2, client.first + 3, client.first + 4));
		}
		assertThat(this.passes).containsExactly(1, 3, 3, 3, 3);
	}

	@Test
	void longPromptsAreCutIntoPasses() throws Exception {
		Client client = submit(2, IntStream.range(0, 20).toArray());
		assertThat(client.end.get()).isEqualTo("complete");
		assertThat(client.tokens).containsExactly(20, 21);
		assertThat(this.passes).containsExactly(8, 8, 4, 1);
	}

	@Test
	void sequencesThatOutgrowTheMemoryAreResumedExactly() throws Exception {
		this.model.hold();
		Client blocker = submit(1, 1);
		this.model.entered.await();
		// each alone fits, all together do not
		List<Client> clients = List.of(submit(60, 10), submit(60, 80), submit(60, 150));
		this.model.open.countDown();
		assertThat(blocker.end.get()).isEqualTo("complete");
		for (Client client : clients) {
			assertThat(client.end.get()).isEqualTo("complete");
			assertThat(client.tokens)
				.isEqualTo(IntStream.rangeClosed(client.first + 1, client.first + 60).boxed().toList());
			assertThat(client.starts).isEqualTo(1);
		}
		assertThat(settled().generatedTokens()).isEqualTo(1 + 3 * 60);
		assertThat(this.passes.stream().mapToInt(Integer::intValue).sum()).as("some were computed again")
			.isGreaterThan(1 + 3 * 60);
	}

	@Test
	void logitsOfAllTokensComeInOrderThoughMemoryIsBounded() throws Exception {
		Client all = new Client(0, 5, 6, 7, 8, 9, 10, 11) {
			@Override
			public boolean wantsAllLogits() {
				return true;
			}
		};
		this.model.hold();
		Client blocker = submit(1, 1);
		this.model.entered.await();
		this.scheduler.submit(all.sequence);
		Client next = submit(1, 20);
		this.model.open.countDown();
		assertThat(blocker.end.get()).isEqualTo("complete");
		assertThat(all.end.get()).isEqualTo("complete");
		assertThat(all.tokens).containsExactly(6, 7, 8, 9, 10, 11, 12);
		assertThat(all.positions).containsExactly(0, 1, 2, 3, 4, 5, 6);
		assertThat(next.end.get()).isEqualTo("complete");
		assertThat(next.calledDuringPass).as("although others get theirs before").isFalse();
		assertThat(next.tokens).containsExactly(21);
	}

	@Test
	void failureOfAPassEndsItsSequencesOnly() throws Exception {
		this.model.failure = new IllegalArgumentException("no disk");
		Client failed = submit(3, 1);
		assertThat(failed.end.get()).isEqualTo("failed: no disk");
		assertThat(this.scheduler.failure()).isSameAs(this.model.failure);
		this.model.failure = null;
		Client next = submit(3, 1);
		assertThat(next.end.get()).isEqualTo("complete");
		assertThat(this.scheduler.failure()).isNull();
		assertThat(this.scheduler.broken()).isNull();
	}

	@Test
	void listenerThatThrowsEndsItsSequenceOnly() throws Exception {
		this.model.hold();
		Client blocker = submit(1, 1);
		this.model.entered.await();
		Client throwing = new Client(3, 30) {
			@Override
			public int next(int position, float[] logits) {
				throw new IllegalStateException("broken listener");
			}
		};
		this.scheduler.submit(throwing.sequence);
		Client beside = submit(3, 50);
		this.model.open.countDown();
		assertThat(blocker.end.get()).isEqualTo("complete");
		assertThat(throwing.end.get()).isEqualTo("failed: broken listener");
		assertThat(beside.end.get()).isEqualTo("complete");
		assertThat(beside.tokens).containsExactly(51, 52, 53);
	}

	@Test
	void prefixesAreForgottenWhenLogitsAreNotNumbers() throws Exception {
		this.kv.prefixes().keep(0, Long.MAX_VALUE);
		int[] prompt = IntStream.range(0, 40).toArray();
		assertThat(submit(2, prompt).end.get()).isEqualTo("complete");
		Client again = submit(2, prompt);
		assertThat(again.end.get()).isEqualTo("complete");
		assertThat(again.tokens).containsExactly(40, 41);
		assertThat(again.sequence.cacheReadTokens()).isEqualTo(32);
		settled();
		assertThat(this.scheduler.prefixes().tokens()).isEqualTo(32);
		Client damaged = new Client(3, prompt) {
			@Override
			public int next(int position, float[] logits) {
				throw new NonFiniteLogitsException();
			}
		};
		this.scheduler.submit(damaged.sequence);
		assertThat(damaged.end.get()).startsWith("failed");
		settled();
		assertThat(this.scheduler.prefixes().tokens()).isZero();
		assertThat(submit(2, prompt).end.get()).isEqualTo("complete");
	}

	@Test
	void cancelledSequenceAbandonsItsPass() throws Exception {
		this.model.hold();
		Client client = submit(3, 1);
		this.model.entered.await();
		this.scheduler.cancel(client.sequence);
		this.model.open.countDown();
		assertThat(client.end.get()).isEqualTo("cancelled");
		assertThat(client.tokens).isEmpty();
		assertThat(this.passes).isEmpty();
	}

	@Test
	void changesAreMadeBetweenPasses() throws Exception {
		this.scheduler.betweenPasses(() -> {
			assertThat(this.model.running).isFalse();
			return 2;
		});
		Client client = submit(1, 1, 2, 3, 4, 5);
		assertThat(client.end.get()).isEqualTo("complete");
		assertThat(this.passes).containsExactly(2, 2, 1);
		assertThatExceptionOfType(ArithmeticException.class).isThrownBy(() -> this.scheduler.betweenPasses(() -> {
			throw new ArithmeticException();
		}));
		this.scheduler.close();
		assertThatIllegalStateException().isThrownBy(() -> this.scheduler.betweenPasses(() -> 1));
		assertThatIllegalStateException().isThrownBy(() -> submit(1, 1));
	}

	@Test
	void closingEndsWhatRuns() throws Exception {
		this.model.hold();
		Client running = submit(3, 1);
		this.model.entered.await();
		Client waiting = submit(3, 2);
		CompletableFuture<Void> closing = CompletableFuture.runAsync(this.scheduler::close);
		while (!running.sequence.isCancelled()) {
			Thread.onSpinWait();
		}
		this.model.open.countDown();
		closing.get();
		assertThat(running.end.get()).isEqualTo("closed");
		assertThat(waiting.end.get()).isEqualTo("closed");
	}

	@Test
	void faultOfTheSchedulerItselfEndsEverything() throws Exception {
		Client broken = new Client(3, 1) {
			@Override
			public boolean isReady() {
				throw new IllegalStateException("not ready, never");
			}
		};
		this.scheduler.submit(broken.sequence);
		assertThat(broken.end.get()).contains("failed: The engine has stopped", "not ready, never");
		assertThat(this.scheduler.broken()).isNotNull();
		assertThatIllegalStateException().isThrownBy(() -> submit(1, 1))
			.withCauseInstanceOf(IllegalStateException.class);
	}

	/** Computes one-hot logits, at most three rows at once. */
	private static final class CountingModel implements Forward {

		private static final int ROWS_AT_ONCE = 3;

		private final CountDownLatch entered = new CountDownLatch(1);

		private CountDownLatch open = new CountDownLatch(0);

		private volatile boolean running;

		private volatile @Nullable RuntimeException failure;

		/** Lets the first pass wait until it is opened. */
		private void hold() {
			this.open = new CountDownLatch(1);
		}

		@Override
		public Logits forward(RaggedBatch batch, KvPages kv, int[] logitRows, Consumer<Logits> earlier,
				BooleanSupplier abandoned) {
			this.running = true;
			try {
				this.entered.countDown();
				this.open.await();
				if (abandoned.getAsBoolean()) {
					throw new CancellationException();
				}
				RuntimeException planned = this.failure;
				if (planned != null) {
					throw planned;
				}
				batch.spans()
					.forEach((span) -> assertThat(span.pages(0).length * 16)
						.isGreaterThanOrEqualTo(span.position() + span.rows()));
				int from = 0;
				for (; logitRows.length - from > ROWS_AT_ONCE; from += ROWS_AT_ONCE) {
					earlier.accept(logits(batch, logitRows, from, from + ROWS_AT_ONCE));
				}
				return logits(batch, logitRows, from, logitRows.length);
			}
			catch (InterruptedException ex) {
				throw new IllegalStateException(ex);
			}
			finally {
				this.running = false;
			}
		}

		private static Logits logits(RaggedBatch batch, int[] logitRows, int from, int to) {
			int[] rows = Arrays.copyOfRange(logitRows, from, to);
			float[] values = new float[rows.length * VOCABULARY];
			for (int i = 0; i < rows.length; i++) {
				values[i * VOCABULARY + batch.tokens()[rows[i]] + 1] = 1;
			}
			return new Logits(rows, VOCABULARY, values);
		}

	}

	/** Takes the most likely tokens until it has as many as it wants. */
	private class Client implements SequenceListener {

		final Sequence sequence;

		final int first;

		final List<Integer> tokens = new ArrayList<>();

		final List<Integer> positions = new ArrayList<>();

		final CompletableFuture<String> end = new CompletableFuture<>();

		private final int wanted;

		boolean calledDuringPass;

		int starts;

		Client(int wanted, int... prompt) {
			this.wanted = wanted;
			this.first = prompt[0];
			this.sequence = new Sequence(prompt, this);
		}

		@Override
		public boolean isReady() {
			return true;
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
			this.calledDuringPass |= SchedulerTests.this.model.running;
			int token = IntStream.range(0, logits.length).filter((i) -> logits[i] == 1).findFirst().orElseThrow();
			this.tokens.add(token);
			this.positions.add(position);
			boolean last = wantsAllLogits() ? this.sequence.isLast(position) : this.tokens.size() == this.wanted;
			if (last) {
				this.end.complete("complete");
			}
			return last ? END : token;
		}

		@Override
		public void cancelled() {
			this.end.complete("cancelled");
		}

		@Override
		public void closed() {
			this.end.complete("closed");
		}

		@Override
		public void failed(RuntimeException cause) {
			this.end.complete("failed: " + cause.getMessage());
		}

	}

}
