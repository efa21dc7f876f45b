package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Reads the calls that stand together in an answer, while its text still grows. An answer
 * that can be read in two ways is no call.
 */
abstract class CallBody {

	/** More text is needed. */
	static final int MORE = -1;

	/** The text up to {@link #position} is no call. */
	static final int FAILED = -2;

	/** The calls, complete when reading has ended. */
	protected final List<ToolCall> calls = new ArrayList<>();

	/** Up to where the text is read. */
	protected int position;

	/** Whether what was read until now can no longer become calls. */
	protected boolean broken;

	/** Where the last call ends. */
	protected int callsEnd;

	/**
	 * Goes on reading.
	 * @param text what is there now, with what was there before unchanged
	 * @param ending whether more text comes
	 * @return the index behind the calls, {@link #MORE} or {@link #FAILED}
	 */
	final int read(StringBuilder text, Ending ending) {
		int result;
		do {
			result = step(text, ending);
		}
		while (result == 0);
		return result;
	}

	/**
	 * Takes the next part of the text.
	 * @param text what is there now
	 * @param ending whether more text comes
	 * @return 0 to go on, otherwise the result of {@link #read}
	 */
	protected abstract int step(StringBuilder text, Ending ending);

	List<ToolCall> calls() {
		return this.calls;
	}

	int position() {
		return this.position;
	}

	protected final void add(@Nullable ToolCall call) {
		if (call != null) {
			this.calls.add(call);
		}
		else {
			this.broken = true;
		}
	}

	/** Ends reading; what is broken is text as a whole. */
	protected final int end(int at) {
		this.position = at;
		return (this.broken || this.calls.isEmpty()) ? FAILED : at;
	}

	protected final int fail(int at) {
		this.position = at;
		return FAILED;
	}

	protected static int skipSpace(CharSequence text, int from) {
		int at = from;
		while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
			at++;
		}
		return at;
	}

	/**
	 * Whether more text comes.
	 */
	enum Ending {

		/** More may come. */
		OPEN,

		/** The model ended its answer. */
		ENDED,

		/** The answer was cut off. */
		CUT;

		boolean isLast() {
			return this != OPEN;
		}

	}

}
