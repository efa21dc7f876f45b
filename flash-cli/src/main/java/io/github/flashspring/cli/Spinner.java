package io.github.flashspring.cli;

import java.util.Locale;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.Generation.PromptProgress;

/**
 * One line on standard error that turns while one waits, where a person looks on. It
 * comes after a moment and goes without a trace.
 */
final class Spinner implements AutoCloseable {

	private static final String FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

	/** A wait that is shorter needs no line. */
	private static final long PATIENCE_MILLIS = 400;

	private static final long FRAME_MILLIS = 100;

	private final Terminal terminal;

	private final @Nullable Thread thread;

	private boolean ended;

	private boolean drawn;

	/**
	 * Begins to turn.
	 * @param terminal where
	 * @param text what to say, asked for each frame
	 */
	Spinner(Terminal terminal, Supplier<String> text) {
		this.terminal = terminal;
		this.thread = terminal.styled() ? Thread.ofPlatform().daemon().name("flash-spinner").start(() -> turn(text))
				: null;
	}

	/**
	 * Loads an engine and shows that it takes time.
	 * @param terminal where
	 * @param config model and settings
	 * @param loader loads it
	 * @return the engine; the caller closes it
	 */
	static FlashEngine whileLoading(Terminal terminal, FlashConfig config, EngineLoader loader) {
		long start = System.nanoTime();
		try (Spinner ignored = new Spinner(terminal,
				() -> "loading " + config.modelName() + ", " + seconds(System.nanoTime() - start))) {
			return loader.load(config);
		}
	}

	/**
	 * Shows how far a prompt is.
	 * @param terminal where
	 * @param generation whose prompt is computed
	 * @return to be closed with the first token
	 */
	static Spinner whileReading(Terminal terminal, Generation generation) {
		return new Spinner(terminal, new PromptClock(generation));
	}

	/**
	 * How far a prompt is, and how long the rest takes at the rate until now.
	 * @param progress how far
	 * @param computed time until the last of these tokens was computed
	 * @param nanos time until now
	 * @return such as {@code 412 of 1,900 tokens, 38 s left}
	 */
	static String progress(PromptProgress progress, long computed, long nanos) {
		if (progress.total() == 0) {
			return seconds(nanos);
		}
		String done = String.format(Locale.ROOT, "%,d of %,d tokens", progress.computed(), progress.total());
		if (progress.computed() == 0 || progress.computed() >= progress.total()) {
			return done + ", " + seconds(nanos);
		}
		double rest = (double) computed / progress.computed() * (progress.total() - progress.computed());
		return done + ", " + seconds(Math.max(1_000_000_000, (long) rest - (nanos - computed))) + " left";
	}

	private static String seconds(long nanos) {
		return Math.round(nanos * 1e-9) + " s";
	}

	private void turn(Supplier<String> text) {
		try {
			Thread.sleep(PATIENCE_MILLIS);
			for (int frame = 0; draw(FRAMES.charAt(frame % FRAMES.length()), text.get()); frame++) {
				Thread.sleep(FRAME_MILLIS);
			}
		}
		catch (InterruptedException ex) {
			// closed
		}
	}

	private synchronized boolean draw(char frame, String text) {
		if (!this.ended) {
			this.drawn = true;
			this.terminal.err().print("\r\033[K" + frame + " " + text);
			this.terminal.err().flush();
		}
		return !this.ended;
	}

	/** Removes the line; nothing is drawn afterwards. */
	@Override
	public void close() {
		if (this.thread == null) {
			return;
		}
		synchronized (this) {
			this.ended = true;
			if (this.drawn) {
				this.drawn = false;
				this.terminal.err().print("\r\033[K");
				this.terminal.err().flush();
			}
		}
		this.thread.interrupt();
	}

	/** Knows when the last tokens of a prompt were computed: many come with one pass. */
	private static final class PromptClock implements Supplier<String> {

		private final Generation generation;

		private final long start = System.nanoTime();

		private int computed;

		private long changed = this.start;

		PromptClock(Generation generation) {
			this.generation = generation;
		}

		@Override
		public String get() {
			PromptProgress progress = this.generation.promptProgress();
			long now = System.nanoTime();
			if (progress.computed() != this.computed) {
				this.computed = progress.computed();
				this.changed = now;
			}
			return progress(progress, this.changed - this.start, now - this.start);
		}

	}

}
