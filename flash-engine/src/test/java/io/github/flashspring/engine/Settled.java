package io.github.flashspring.engine;

import java.util.concurrent.TimeUnit;

import io.github.flashspring.engine.metrics.EngineSnapshot;

/**
 * Waits for an engine that reads ahead.
 */
final class Settled {

	private Settled() {
	}

	/**
	 * What was read when nothing is being read any more.
	 */
	static EngineSnapshot snapshot(FlashEngine engine) throws InterruptedException {
		EngineSnapshot now = engine.snapshot();
		long before = -1;
		while (now.work().activeRequests() > 0 || now.io().readsInFlight() > 0 || now.io().readsQueued() > 0
				|| now.io().bytesRead() != before) {
			before = now.io().bytesRead();
			TimeUnit.MILLISECONDS.sleep(20);
			now = engine.snapshot();
		}
		return now;
	}

}
