package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/** Calls that stand together, at the beginning of the pending text. */
final class CallSection {

	/** White space before them. */
	final String space;

	/** Whether they count only if nothing but calls follows them. */
	final boolean tentative;

	/** Whether they stand in reasoning. */
	final boolean thought;

	final List<ToolCall> calls = new ArrayList<>();

	/** Up to where they are read. */
	int callsEnd;

	/** What opened the calls that come, null: none did. */
	@Nullable CallOpening found;

	@Nullable CallBody body;

	CallSection(String space, boolean tentative, boolean thought) {
		this.space = space;
		this.tentative = tentative;
		this.thought = thought;
	}

}
