package io.github.flashspring.engine.reading;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import io.github.flashspring.engine.device.DeviceException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/** Tests for {@link Completions}. */
@Timeout(30)
class CompletionsTests {

	private final Completions completions = new Completions();

	@Test
	void whoeverSawTheLastOneWaitsForTheNext() throws Exception {
		long seen = this.completions.count();
		Thread waiting = Thread.ofPlatform().start(() -> this.completions.await(seen));
		awaitWaiting(waiting);
		this.completions.add();
		waiting.join();
		assertThat(this.completions.count()).isEqualTo(seen + 1);
		this.completions.await(seen);
	}

	@Test
	void interruptsEndNoWaitAndAreKept() throws Exception {
		AtomicBoolean interrupted = new AtomicBoolean();
		Thread waiting = Thread.ofPlatform().start(() -> {
			this.completions.await(0);
			interrupted.set(Thread.currentThread().isInterrupted());
		});
		awaitWaiting(waiting);
		waiting.interrupt();
		TimeUnit.MILLISECONDS.sleep(20);
		assertThat(waiting.isAlive()).isTrue();
		this.completions.add();
		waiting.join();
		assertThat(interrupted).isTrue();
	}

	@Test
	void whatBrokeTheReadersIsReportedEvenAfterTheyWereClosed() {
		RuntimeException cause = new IllegalStateException("no memory");
		this.completions.close(cause);
		this.completions.close(null);
		assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> this.completions.await(0))
			.withMessageContaining("no memory")
			.withCause(cause);
	}

	@Test
	void waitsEndWhenReadersAreClosed() {
		this.completions.close(null);
		assertThatIllegalStateException().isThrownBy(() -> this.completions.await(0)).withMessageContaining("closed");
	}

	private static void awaitWaiting(Thread thread) throws InterruptedException {
		while (thread.getState() != Thread.State.WAITING) {
			TimeUnit.MILLISECONDS.sleep(1);
		}
	}

}
