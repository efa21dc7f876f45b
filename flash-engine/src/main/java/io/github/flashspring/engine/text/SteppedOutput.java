package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.List;

/**
 * A parser that takes one step after the other at the beginning of the text that it has
 * not told yet.
 */
abstract sealed class SteppedOutput implements OutputParser permits TaggedOutput, HarmonyOutput {

	/** Longer pieces are cut, since steps take text off the beginning. */
	private static final int LONG_PIECE = 1024;

	/** What came and was not told yet. */
	protected final StringBuilder pending = new StringBuilder();

	/** What became certain since it was taken last. */
	protected final List<OutputEvent> events = new ArrayList<>();

	/** Whether the model would have gone on where the text ends. */
	protected boolean wasCut;

	/** Whether a call was told. */
	private boolean called;

	/**
	 * Handles the beginning of the pending text.
	 * @param last whether no more text comes
	 * @return whether anything changed
	 */
	protected abstract boolean step(boolean last);

	@Override
	public final List<OutputEvent> append(String piece) {
		for (int begin = 0; begin < piece.length(); begin += LONG_PIECE) {
			this.pending.append(piece, begin, Math.min(piece.length(), begin + LONG_PIECE));
			while (step(false)) {
				// each step takes something off the pending text
			}
		}
		return take();
	}

	@Override
	public final List<OutputEvent> cut() {
		this.wasCut = true;
		List<OutputEvent> told = new ArrayList<>();
		for (OutputEvent event : flush()) {
			// What is still held back beside calls is the markup of one more.
			if (!(this.called && event instanceof OutputEvent.Text)) {
				told.add(event);
			}
		}
		return told;
	}

	@Override
	public final List<OutputEvent> flush() {
		while (step(false) || step(true)) {
			// until nothing is left
		}
		return take();
	}

	private List<OutputEvent> take() {
		List<OutputEvent> taken = List.copyOf(this.events);
		this.called |= taken.stream().anyMatch(OutputEvent.ToolCalled.class::isInstance);
		this.events.clear();
		return taken;
	}

}
