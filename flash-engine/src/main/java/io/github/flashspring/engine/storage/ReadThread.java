package io.github.flashspring.engine.storage;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A daemon thread that reads files and cannot be interrupted: interrupting a thread in a
 * read of a {@link java.nio.channels.FileChannel} closes the channel for everybody. For
 * the same reason, idle threads of this kind do not notice when their executor is shut
 * down.
 */
public final class ReadThread extends Thread {

	public ReadThread(Runnable task, String name) {
		super(task, name);
		setDaemon(true);
	}

	/** Does nothing: see the class. Reads end by themselves. */
	@Override
	public void interrupt() {
	}

	/**
	 * Makes numbered threads.
	 * @param prefix what their names begin with
	 */
	public static ThreadFactory factory(String prefix) {
		AtomicInteger number = new AtomicInteger();
		return (task) -> new ReadThread(task, prefix + number.incrementAndGet());
	}

}
