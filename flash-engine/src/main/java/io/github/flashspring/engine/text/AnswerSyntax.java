package io.github.flashspring.engine.text;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Where the answer begins in what a model says, as {@link OutputParser} reads it.
 *
 * @param kind how the model marks its answer
 * @param thinkBegin what opens reasoning, null: the model does not think
 * @param thinkEnd what ends reasoning
 * @param thinking whether the model begins within reasoning
 * @param calls how the model writes calls; null: in a way that cannot be forced, unless
 * it is {@link Kind#HARMONY}
 */
public record AnswerSyntax(Kind kind, @Nullable String thinkBegin, String thinkEnd, boolean thinking,
		@Nullable CallSyntax calls) {

	/** Everything is the answer. */
	public static final AnswerSyntax PLAIN = new AnswerSyntax(Kind.TAGGED, null, "", false, null);

	/**
	 * The syntax of the answer to a prompt.
	 * @param template the template that made the prompt
	 * @param prompt the prompt; it may end within reasoning
	 * @return the syntax
	 */
	public static AnswerSyntax of(ChatTemplate template, String prompt) {
		if (HarmonyOutput.isFormatOf(template)) {
			// Behind the header of a message, its text is what comes.
			boolean begun = prompt.lastIndexOf("<|message|>") > prompt.lastIndexOf("<|start|>");
			return begun ? PLAIN : new AnswerSyntax(Kind.HARMONY, null, "", false, null);
		}
		CallSyntax calls = CallSyntax.of(ToolFormat.of(template), prompt);
		String before = prompt.stripTrailing();
		List<String> tags = OutputParser.thinkingTags(template);
		// Templates close reasoning that is not wanted.
		if (tags.isEmpty() || before.endsWith(tags.get(1))) {
			return new AnswerSyntax(Kind.TAGGED, null, "", false, calls);
		}
		return new AnswerSyntax(Kind.TAGGED, tags.getFirst(), tags.get(1), before.endsWith(tags.getFirst()), calls);
	}

	/**
	 * Whether calls of tools can be forced to be well-formed.
	 * @return true if the syntax is known
	 */
	public boolean knowsCalls() {
		return this.kind == Kind.HARMONY || this.calls != null;
	}

	/** How models mark answers. */
	public enum Kind {

		/** The answer stands behind reasoning, if there is any. */
		TAGGED,
		/** The answer is the message of the channel {@code final}. */
		HARMONY

	}

}
