package io.github.flashspring.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * The events of a generation that wait for its reader. Bounded: it is paused while too
 * many tokens and events wait.
 */
final class EventBuffer {

	/**
	 * Tokens and events that may wait for the reader before the sequence pauses. It goes
	 * on when half of them are read, so that a sequence which was preempted meanwhile
	 * does not compute its keys and values again for a few tokens.
	 */
	static final int MAX_UNREAD = 32;

	private final ReentrantLock lock = new ReentrantLock();

	private final Condition changed = this.lock.newCondition();

	private final Deque<GenerationEvent> events = new ArrayDeque<>();

	/** Tokens that are not turned into text yet. */
	private int unreadTokens;

	/** Since when the first event waits for the reader. */
	private long waitingSince;

	private boolean ended;

	private @Nullable RuntimeException failure;

	private volatile boolean paused;

	/** Called without the lock when the sequence may go on. */
	private final Runnable onResume;

	EventBuffer(Runnable onResume) {
		this.onResume = onResume;
	}

	/** Waits for an event or a failure; false if there will be none. */
	boolean await() throws InterruptedException {
		this.lock.lock();
		try {
			while (this.events.isEmpty() && this.failure == null) {
				if (this.ended) {
					return false;
				}
				this.changed.await();
			}
			return true;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Takes the next event without waiting. The scheduler asks under its own lock whether
	 * a generation is ready, so it must not be called under this one's.
	 */
	@Nullable GenerationEvent poll(boolean demanded) {
		GenerationEvent event;
		boolean resumed;
		this.lock.lock();
		try {
			if (this.events.isEmpty() && this.failure != null) {
				throw this.failure;
			}
			event = demanded ? this.events.pollFirst() : null;
			if (event == null) {
				return null;
			}
			this.waitingSince = System.nanoTime();
			resumed = resume();
		}
		finally {
			this.lock.unlock();
		}
		if (resumed) {
			this.onResume.run();
		}
		return event;
	}

	private boolean resume() {
		if (this.paused && this.unreadTokens + this.events.size() <= MAX_UNREAD / 2) {
			this.paused = false;
			return true;
		}
		return false;
	}

	boolean isPaused() {
		return this.paused;
	}

	/** For how long the next event has been waiting. */
	long idleNanos() {
		this.lock.lock();
		try {
			return this.events.isEmpty() ? 0 : System.nanoTime() - this.waitingSince;
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Counts a token that will be turned into events. */
	void tokenDrawn() {
		this.lock.lock();
		try {
			this.unreadTokens++;
			this.paused |= this.unreadTokens + this.events.size() >= MAX_UNREAD;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Adds events.
	 * @param more the events
	 * @param read tokens that they come from
	 * @param last whether no others follow
	 */
	void add(List<GenerationEvent> more, int read, boolean last) {
		boolean resumed;
		this.lock.lock();
		try {
			if (this.events.isEmpty()) {
				this.waitingSince = System.nanoTime();
			}
			this.events.addAll(more);
			this.unreadTokens -= read;
			this.ended = last;
			resumed = resume();
			this.changed.signalAll();
		}
		finally {
			this.lock.unlock();
		}
		if (resumed) {
			this.onResume.run();
		}
	}

	/** Drops what waits. */
	void clear() {
		this.lock.lock();
		try {
			this.events.clear();
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Fails behind the events that wait. */
	void fail(RuntimeException cause) {
		this.lock.lock();
		try {
			this.failure = cause;
			this.changed.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

}
